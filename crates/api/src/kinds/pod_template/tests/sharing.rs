//! What a pod shares with its host, and what its operating system rules out.

use super::{Case, check, of_spec};

#[test]
fn on_the_hosts_network_ports_are_the_hosts() {
    let cases: [Case<'_>; 2] = [
        (
            "a port that is filled in",
            r#"{"hostNetwork": true, "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]}"#,
            &[],
        ),
        (
            "another port",
            r#"{"hostNetwork": true, "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80, "hostPort": 81}]}]}"#,
            &[
                "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true",
            ],
        ),
    ];
    check(&cases, of_spec);
}

#[test]
fn host_processes_are_all_or_none() {
    let cases: [Case<'_>; 3] = [
        (
            "all",
            r#"{"hostNetwork": true, "securityContext": {"windowsOptions": {"hostProcess": true}}}"#,
            &[],
        ),
        (
            "one of two, and not on the host's network",
            r#"{"containers": [
                {"name": "c", "image": "i", "securityContext": {"windowsOptions": {"hostProcess": true}}},
                {"name": "d", "image": "i"}
            ]}"#,
            &[
                r#"spec: Invalid value: "": If pod contains any hostProcess containers then all containers must be HostProcess containers"#,
                "spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers",
            ],
        ),
        (
            "a container that differs from its pod",
            r#"{"hostNetwork": true, "securityContext": {"windowsOptions": {"hostProcess": false}}, "containers": [
                {"name": "c", "image": "i", "securityContext": {"windowsOptions": {"hostProcess": true}}}
            ]}"#,
            &[
                "spec.containers[0].securityContext.windowsOptions.hostProcess: Invalid value: true: pod hostProcess value must be identical if both are specified, was false",
            ],
        ),
    ];
    check(&cases, of_spec);
}

#[test]
fn users_of_its_own_go_with_namespaces_of_its_own() {
    let cases: [Case<'_>; 2] = [
        ("nothing shared", r#"{"hostUsers": false}"#, &[]),
        (
            "all shared",
            r#"{"hostUsers": false, "hostNetwork": true, "hostPID": true, "hostIPC": true,
                "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "x"}}],
                "containers": [{"name": "c", "image": "i", "volumeDevices": [{"name": "v", "devicePath": "/v"}]}]}"#,
            &[
                "spec.hostNetwork: Forbidden: when `hostUsers` is false",
                "spec.HostPID: Forbidden: when `hostUsers` is false",
                "spec.HostIPC: Forbidden: when `hostUsers` is false",
                "spec.containers[0].volumeDevices: Forbidden: when `hostUsers` is false",
            ],
        ),
    ];
    check(&cases, of_spec);
}

#[test]
fn process_namespaces_are_shared_with_one_side() {
    let cases: [Case<'_>; 1] = [(
        "both",
        r#"{"shareProcessNamespace": true, "hostPID": true}"#,
        &[
            "spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled",
        ],
    )];
    check(&cases, of_spec);
}

#[test]
fn a_name_of_the_hosts_own_choice_is_one() {
    let long = format!(r#"{{"hostnameOverride": "{}"}}"#, "a".repeat(65));
    let malformed = format!(r#"spec.hostnameOverride: Invalid value: "A": {}"#, super::SUBDOMAIN);
    let cases: [Case<'_>; 4] = [
        ("a good one", r#"{"hostnameOverride": "a.b"}"#, &[]),
        (
            "two choices",
            r#"{"hostnameOverride": "a", "setHostnameAsFQDN": true, "hostNetwork": true}"#,
            &[
                "spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true",
                "spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true",
            ],
        ),
        ("a bad one", r#"{"hostnameOverride": "A"}"#, &[&malformed]),
        ("a long one", &long, &["spec.hostnameOverride: Too long: may not be more than 64 bytes"]),
    ];
    check(&cases, of_spec);
}

#[test]
fn operating_systems_rule_fields_out() {
    const WINDOWS: &str = "Forbidden: cannot be set for a windows pod";
    let texts: Vec<String> = [
        "securityContext.seLinuxOptions",
        "hostUsers",
        "hostPID",
        "securityContext.fsGroup",
        "shareProcessNamespace",
        "containers[0].securityContext.capabilities",
        "containers[0].securityContext.runAsUser",
    ]
    .iter()
    .map(|field| format!("spec.{field}: {WINDOWS}"))
    .collect();
    let on_windows: Vec<&str> = texts.iter().map(String::as_str).collect();
    let cases: [Case<'_>; 5] = [
        ("no name", r#"{"os": {}}"#, &["spec.os.name: Required value: cannot be empty"]),
        (
            "an unknown one",
            r#"{"os": {"name": "plan9"}}"#,
            &[r#"spec.os: Unsupported value: "plan9": supported values: "linux", "windows""#],
        ),
        (
            "Windows options on Linux",
            r#"{"os": {"name": "linux"}, "securityContext": {"windowsOptions": {}}, "containers": [{"name": "c", "image": "i", "securityContext": {"windowsOptions": {}}}]}"#,
            &[
                "spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod",
                "spec.containers[0].securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod",
            ],
        ),
        (
            "what Windows does not know",
            r#"{"os": {"name": "windows"}, "hostUsers": true, "hostPID": true, "hostIPC": false, "shareProcessNamespace": false,
                "securityContext": {"fsGroup": 1, "seLinuxOptions": {}, "sysctls": []},
                "containers": [{"name": "c", "image": "i", "securityContext": {"runAsUser": 1, "capabilities": {}}}]}"#,
            &on_windows,
        ),
        (
            "resources of a Windows pod",
            r#"{"os": {"name": "windows"}, "resources": {"requests": {"cpu": "1"}}}"#,
            &["spec.resources: Forbidden: may not be set for a windows pod"],
        ),
    ];
    check(&cases, of_spec);
}

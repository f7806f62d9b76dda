//! Security contexts of pods and containers.

use super::{Case, check, of_container, of_spec, parse};
use skiff_apimachinery::doc;

#[test]
fn pods_have_valid_ids_policies_and_sysctls() {
    const AT: &str = "spec.securityContext";
    let ids = ["fsGroup", "runAsUser", "runAsGroup", "supplementalGroups[0]"]
        .map(|field| format!("{AT}.{field}: Invalid value: -1: must be between 0 and 2147483647, inclusive"));
    let at = |rest: &str| format!("{AT}{rest}");
    let no_name = at(".sysctls[0].name: Required value");
    let twice = at(r#".sysctls[1].name: Duplicate value: "a.b""#);
    let malformed = at(
        r#".sysctls[0].name: Invalid value: "a..b": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"#,
    );
    let change =
        at(r#".fsGroupChangePolicy: Unsupported value: "x": supported values: "Always", "OnRootMismatch""#);
    let groups =
        at(r#".supplementalGroupsPolicy: Unsupported value: "x": supported values: "Merge", "Strict""#);
    let labels =
        at(r#".seLinuxChangePolicy: Unsupported value: "MountOption": supported values: "Recursive""#);
    let cases: [(&str, &[&str]); 8] = [
        (
            r#"{"fsGroup": 1, "sysctls": [{"name": "kernel.shm_rmid_forced", "value": "0"}, {"name": "net/a.b", "value": ""}]}"#,
            &[],
        ),
        (
            r#"{"fsGroup": -1, "runAsUser": -1, "runAsGroup": -1, "supplementalGroups": [-1]}"#,
            &[&ids[0], &ids[1], &ids[2], &ids[3]],
        ),
        (r#"{"sysctls": [{"value": "1"}]}"#, &[&no_name]),
        (r#"{"sysctls": [{"name": "a.b"}, {"name": "a.b"}]}"#, &[&twice]),
        (r#"{"sysctls": [{"name": "a..b"}]}"#, &[&malformed]),
        (r#"{"fsGroupChangePolicy": "x"}"#, &[&change]),
        (r#"{"supplementalGroupsPolicy": "x"}"#, &[&groups]),
        (r#"{"seLinuxChangePolicy": "MountOption"}"#, &[&labels]),
    ];
    for (given, expected) in cases {
        check(&[(given, &format!(r#"{{"securityContext": {given}}}"#), expected)], of_spec);
    }
}

#[test]
fn sysctls_of_the_host_are_not_the_pods() {
    let cases: [Case<'_>; 3] = [
        (
            "its network",
            r#"{"hostNetwork": true, "securityContext": {"sysctls": [{"name": "net/ipv4/a"}]}}"#,
            &[
                r#"spec.securityContext.sysctls[0].name: Invalid value: "net/ipv4/a": may not be specified when 'hostNetwork' is true"#,
            ],
        ),
        (
            "its messages",
            r#"{"hostIPC": true, "securityContext": {"sysctls": [{"name": "fs.mqueue.a"}, {"name": "kernel.sem"}]}}"#,
            &[
                r#"spec.securityContext.sysctls[0].name: Invalid value: "fs.mqueue.a": may not be specified when 'hostIPC' is true"#,
                r#"spec.securityContext.sysctls[1].name: Invalid value: "kernel.sem": may not be specified when 'hostIPC' is true"#,
            ],
        ),
        (
            "not of the network",
            r#"{"hostIPC": true, "securityContext": {"sysctls": [{"name": "net.a"}]}}"#,
            &[],
        ),
    ];
    check(&cases, of_spec);
}

#[test]
fn profiles_name_a_file_only_where_there_is_one() {
    let cases: [(&str, &[&str]); 13] = [
        (r#"{"seccompProfile": {"type": "Localhost", "localhostProfile": "a/b"}}"#, &[]),
        (r#"{"appArmorProfile": {"type": "Localhost", "localhostProfile": "a"}}"#, &[]),
        (
            r#"{"seccompProfile": {}}"#,
            &["seccompProfile.type: Required value: type is required when seccompProfile is set"],
        ),
        (
            r#"{"seccompProfile": {"type": "x"}}"#,
            &[
                r#"seccompProfile.type: Unsupported value: "x": supported values: "Localhost", "RuntimeDefault", "Unconfined""#,
            ],
        ),
        (
            r#"{"seccompProfile": {"type": "Localhost"}}"#,
            &["seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost"],
        ),
        (
            r#"{"seccompProfile": {"type": "Localhost", "localhostProfile": "/a/.."}}"#,
            &[
                r#"seccompProfile.localhostProfile: Invalid value: "/a/..": must be a relative path"#,
                r#"seccompProfile.localhostProfile: Invalid value: "/a/..": must not contain '..'"#,
            ],
        ),
        (
            r#"{"seccompProfile": {"type": "Unconfined", "localhostProfile": "a"}}"#,
            &[
                r#"seccompProfile.localhostProfile: Invalid value: {"Type":"Unconfined","LocalhostProfile":"a"}: can only be set when seccomp type is Localhost"#,
            ],
        ),
        (
            r#"{"appArmorProfile": {}}"#,
            &["appArmorProfile.type: Required value: type is required when appArmorProfile is set"],
        ),
        (
            r#"{"appArmorProfile": {"type": "x"}}"#,
            &[
                r#"appArmorProfile.type: Unsupported value: "x": supported values: "Localhost", "RuntimeDefault", "Unconfined""#,
            ],
        ),
        (
            r#"{"appArmorProfile": {"type": "Localhost", "localhostProfile": ""}}"#,
            &[
                "appArmorProfile.localhostProfile: Required value: must be set when AppArmor type is Localhost",
            ],
        ),
        (
            r#"{"appArmorProfile": {"type": "Localhost"}}"#,
            &[
                "appArmorProfile.localhostProfile: Required value: must be set when AppArmor type is Localhost",
            ],
        ),
        (
            r#"{"appArmorProfile": {"type": "Localhost", "localhostProfile": " a"}}"#,
            &[r#"appArmorProfile.localhostProfile: Invalid value: " a": must not be padded with whitespace"#],
        ),
        (
            r#"{"appArmorProfile": {"type": "Unconfined", "localhostProfile": "a"}}"#,
            &[
                r#"appArmorProfile.localhostProfile: Invalid value: "a": can only be set when AppArmor type is Localhost"#,
            ],
        ),
    ];
    for (given, expected) in cases {
        let at = |place: &str| -> Vec<String> {
            expected.iter().map(|text| format!("{place}.securityContext.{text}")).collect()
        };
        assert_eq!(of_spec(doc!({"securityContext": parse(given)})), at("spec"), "{given}");
        let found = of_container(doc!({"securityContext": parse(given)}));
        assert_eq!(found, at("spec.containers[0]"), "{given}");
    }
}

#[test]
fn containers_do_not_gain_what_they_have() {
    const AT: &str = "spec.containers[0].securityContext";
    let shown = |capabilities: &str, privileged: &str| {
        format!(
            r#"{{"Capabilities":{capabilities},"Privileged":{privileged},"SELinuxOptions":null,"WindowsOptions":null,"RunAsUser":null,"RunAsGroup":null,"RunAsNonRoot":null,"ReadOnlyRootFilesystem":null,"AllowPrivilegeEscalation":false,"ProcMount":null,"SeccompProfile":null,"AppArmorProfile":null}}"#
        )
    };
    let privileged = format!(
        "{AT}: Invalid value: {}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
        shown("null", "true")
    );
    let admin = format!(
        "{AT}: Invalid value: {}: cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN",
        shown(r#"{"Add":["CAP_SYS_ADMIN"],"Drop":null}"#, "null")
    );
    let user = format!("{AT}.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive");
    let mount = format!(r#"{AT}.procMount: Unsupported value: "x": supported values: "Default", "Unmasked""#);
    let unmasked =
        format!(r#"{AT}.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`"#);
    let cases: [(&str, &[&str]); 6] = [
        (r#"{"allowPrivilegeEscalation": true, "privileged": true}"#, &[]),
        (r#"{"allowPrivilegeEscalation": false, "privileged": true}"#, &[&privileged]),
        (r#"{"allowPrivilegeEscalation": false, "capabilities": {"add": ["CAP_SYS_ADMIN"]}}"#, &[&admin]),
        (r#"{"runAsUser": -1}"#, &[&user]),
        (r#"{"procMount": "x"}"#, &[&mount]),
        (r#"{"procMount": "Unmasked"}"#, &[&unmasked]),
    ];
    for (given, expected) in cases {
        check(&[(given, &format!(r#"{{"securityContext": {given}}}"#), expected)], of_container);
    }
    let unmasked = r#"{"hostUsers": false, "containers": [{"name": "c", "image": "i", "securityContext": {"procMount": "Unmasked"}}]}"#;
    assert_eq!(of_spec(parse(unmasked)), [""; 0]);
}

#[test]
fn windows_has_users_of_its_own() {
    const AT: &str = "spec.securityContext.windowsOptions";
    let long_domain = "a".repeat(256);
    let long_user = "u".repeat(105);
    let cases: [(&str, &[&str]); 11] = [
        ("user", &[]),
        (r"NETBIOS.1\user", &[]),
        (r"a.b-c.example.com\user", &[]),
        ("", &[" cannot be an empty string"]),
        ("a\u{7}", &[" cannot contain control characters"]),
        (r"a\b\c", &[" cannot contain more than one backslash"]),
        (r"a\", &["'s User cannot be empty"]),
        ("...", &["'s User cannot contain only periods or spaces"]),
        ("a?", &["'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]"]),
        (r"\a", &["'s Domain doesn't match the NetBios nor the DNS format"]),
        (&long_user, &["'s User length must not be longer than 104 characters"]),
    ];
    for (name, expected) in cases {
        let expected: Vec<String> = expected
            .iter()
            .map(|why| format!("{AT}.runAsUserName: Invalid value: {name:?}: runAsUserName{why}"))
            .collect();
        let found = of_spec(doc!({"securityContext": {"windowsOptions": {"runAsUserName": name}}}));
        assert_eq!(found, expected, "{name}");
    }
    let found = of_spec(
        doc!({"securityContext": {"windowsOptions": {"runAsUserName": format!(r"{long_domain}\u")}}}),
    );
    assert_eq!(found.len(), 2, "{found:?}");
    let cases: [Case<'_>; 2] = [
        (
            "an empty spec",
            r#"{"securityContext": {"windowsOptions": {"gmsaCredentialSpec": ""}}}"#,
            &[
                r#"spec.securityContext.windowsOptions.gmsaCredentialSpec: Invalid value: "": gmsaCredentialSpec cannot be an empty string"#,
            ],
        ),
        (
            "a good name",
            r#"{"securityContext": {"windowsOptions": {"gmsaCredentialSpecName": "a.b", "gmsaCredentialSpec": "x"}}}"#,
            &[],
        ),
    ];
    check(&cases, of_spec);
}

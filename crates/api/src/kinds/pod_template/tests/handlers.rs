//! Probes, hooks and stop signals.

use super::{Case, check, of_container, of_spec};

#[test]
fn a_handler_does_one_thing() {
    const AT: &str = "spec.containers[0].livenessProbe";
    let at = |rest: &str| format!("{AT}{rest}");
    let none = at(": Required value: must specify a handler type");
    let command = at(".exec.command: Required value");
    let second = at(".tcpSocket: Forbidden: may not specify more than 1 handler type");
    let port = at(".tcpSocket.port: Invalid value: 0: must be between 1 and 65535, inclusive");
    let scheme = at(r#".httpGet.scheme: Unsupported value: "x": supported values: "HTTP", "HTTPS""#);
    let header = at(
        r#".httpGet.httpHeaders: Invalid value: "a b": a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"#,
    );
    let grpc = at(".grpc.port: Invalid value: 70000: must be between 1 and 65535, inclusive");
    let cases: [(&str, &[&str]); 9] = [
        (r#"{"exec": {"command": ["x"]}}"#, &[]),
        (r#"{"httpGet": {"port": "http", "httpHeaders": [{"name": "A", "value": "b"}]}}"#, &[]),
        (r#"{}"#, &[&none]),
        (r#"{"exec": {}}"#, &[&command]),
        (r#"{"exec": {"command": ["x"]}, "tcpSocket": {"port": 80}}"#, &[&second]),
        (r#"{"tcpSocket": {}}"#, &[&port]),
        (r#"{"httpGet": {"port": 80, "scheme": "x"}}"#, &[&scheme]),
        (r#"{"httpGet": {"port": 80, "httpHeaders": [{"name": "a b"}]}}"#, &[&header]),
        (r#"{"grpc": {"port": 70000}}"#, &[&grpc]),
    ];
    for (given, expected) in cases {
        check(&[(given, &format!(r#"{{"livenessProbe": {given}}}"#), expected)], of_container);
    }
}

#[test]
fn probes_have_sensible_numbers() {
    const TCP: &str = r#""tcpSocket": {"port": 80}"#;
    let negative: Vec<String> = [
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "failureThreshold",
    ]
    .iter()
    .map(|field| {
        format!(
            "spec.containers[0].readinessProbe.{field}: Invalid value: -1: must be greater than or equal to 0"
        )
    })
    .collect();
    let negative: Vec<&str> = negative.iter().map(String::as_str).collect();
    let [all_negative, grace, liveness, startup] = [
        r#""readinessProbe": {TCP, "initialDelaySeconds": -1, "timeoutSeconds": -1, "periodSeconds": -1, "failureThreshold": -1}"#,
        r#""readinessProbe": {TCP, "terminationGracePeriodSeconds": 1}"#,
        r#""livenessProbe": {TCP, "successThreshold": 2, "terminationGracePeriodSeconds": 0}"#,
        r#""startupProbe": {TCP, "successThreshold": 2, "terminationGracePeriodSeconds": 5}"#,
    ]
    .map(|given| format!("{{{}}}", given.replace("TCP", TCP)));
    let cases: [Case<'_>; 4] = [
        ("negative numbers", &all_negative, &negative),
        (
            "a grace period of a readiness probe",
            &grace,
            &[
                "spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes",
            ],
        ),
        (
            "a liveness probe that must succeed twice",
            &liveness,
            &[
                "spec.containers[0].livenessProbe.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0",
                "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
            ],
        ),
        (
            "a startup probe that must succeed twice",
            &startup,
            &["spec.containers[0].startupProbe.successThreshold: Invalid value: 2: must be 1"],
        ),
    ];
    check(&cases, of_container);
}

#[test]
fn hooks_end_before_the_pod_does() {
    let cases: [Case<'_>; 4] = [
        ("a short sleep", r#"{"lifecycle": {"preStop": {"sleep": {"seconds": 0}}}}"#, &[]),
        (
            "a long sleep",
            r#"{"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}}"#,
            &[
                "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)",
            ],
        ),
        (
            "nothing to do",
            r#"{"lifecycle": {"postStart": {}}}"#,
            &["spec.containers[0].lifecycle.postStart: Required value: must specify a handler type"],
        ),
        (
            "a signal without an operating system",
            r#"{"lifecycle": {"stopSignal": "SIGTERM"}}"#,
            &[
                "spec.containers[0].lifecycle.stopSignal: Forbidden: may not be set for containers with empty `spec.os.name`",
            ],
        ),
    ];
    check(&cases, of_container);
}

#[test]
fn stop_signals_are_those_of_the_operating_system() {
    let spec = |os: &str, signal: &str| {
        format!(
            r#"{{"os": {{"name": "{os}"}}, "containers": [{{"name": "c", "image": "i", "lifecycle": {{"stopSignal": "{signal}"}}}}]}}"#
        )
    };
    let [linux, windows] = [spec("linux", "SIGRTMIN+15"), spec("windows", "SIGHUP")];
    let cases: [Case<'_>; 2] = [
        ("Linux", &linux, &[]),
        (
            "Windows",
            &windows,
            &[
                r#"spec.containers[0].lifecycle.stopSignal: Unsupported value: "SIGHUP": supported values: "SIGKILL", "SIGTERM""#,
            ],
        ),
    ];
    check(&cases, of_spec);
}

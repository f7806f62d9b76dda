//! Containers of all three lists.

use super::{Case, check, container, of_container, of_spec};
use skiff_apimachinery::{Document, doc};

#[test]
fn every_container_has_a_name_and_an_image() {
    let bad_label = format!(r#"spec.containers[0].name: Invalid value: "A": {}"#, super::LABEL);
    let cases: [Case<'_>; 8] = [
        ("a valid one", "{}", &[]),
        ("no name", r#"{"name": ""}"#, &["spec.containers[0].name: Required value"]),
        ("a bad name", r#"{"name": "A"}"#, &[&bad_label]),
        ("no image", r#"{"image": ""}"#, &["spec.containers[0].image: Required value"]),
        (
            "an unknown pull policy",
            r#"{"imagePullPolicy": "x"}"#,
            &[
                r#"spec.containers[0].imagePullPolicy: Unsupported value: "x": supported values: "Always", "IfNotPresent", "Never""#,
            ],
        ),
        (
            "an unknown termination message policy",
            r#"{"terminationMessagePolicy": "x"}"#,
            &[
                r#"spec.containers[0].terminationMessagePolicy: Unsupported value: "x": supported values: "File", "FallbackToLogsOnError""#,
            ],
        ),
        (
            "resize policies",
            r#"{"resizePolicy": [{"resourceName": "cpu", "restartPolicy": "x"}, {"resourceName": "cpu", "restartPolicy": "NotRequired"}]}"#,
            &[
                r#"spec.containers[0].resizePolicy: Unsupported value: "x": supported values: "NotRequired", "RestartContainer""#,
                r#"spec.containers[0].resizePolicy[1]: Duplicate value: "cpu""#,
            ],
        ),
        (
            "restart rules without a policy",
            r#"{"restartPolicyRules": [{"action": "x", "exitCodes": {"operator": "y", "values": [1]}}, {"action": "Restart"}]}"#,
            &[
                "spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used",
                r#"spec.containers[0].restartPolicyRules[0].action: Unsupported value: "x": supported values: "Restart""#,
                r#"spec.containers[0].restartPolicyRules[0].exitCodes.operator: Unsupported value: "y": supported values: "In", "NotIn""#,
                "spec.containers[0].restartPolicyRules[1].exitCodes: Required value: must be specified",
            ],
        ),
    ];
    check(&cases, of_container);
}

#[test]
fn names_are_unique_over_all_lists() {
    let cases: [Case<'_>; 5] = [
        ("no containers", r#"{"containers": []}"#, &["spec.containers: Required value"]),
        (
            "two of one name",
            r#"{"containers": [{"name": "a", "image": "i"}, {"name": "a", "image": "i"}]}"#,
            &[r#"spec.containers[1].name: Duplicate value: "a""#],
        ),
        (
            "an init container of that name",
            r#"{"initContainers": [{"name": "c", "image": "i"}]}"#,
            &[r#"spec.initContainers[0].name: Duplicate value: "c""#],
        ),
        (
            "an ephemeral container of that name",
            r#"{"ephemeralContainers": [{"name": "c", "image": "i"}]}"#,
            &[r#"spec.ephemeralContainers[0].name: Duplicate value: "c""#],
        ),
        (
            "a target that is not there",
            r#"{"ephemeralContainers": [{"name": "d", "image": "i", "targetContainerName": "x"}]}"#,
            &[r#"spec.ephemeralContainers[0].targetContainerName: Not found: "x""#],
        ),
    ];
    check(&cases, of_spec);
}

#[test]
fn only_sidecars_have_probes_and_hooks() {
    const WHY: &str = "Forbidden: may not be set for init containers without restartPolicy=Always";
    let lifecycle = format!("spec.initContainers[0].lifecycle: {WHY}");
    let probe = format!("spec.initContainers[0].readinessProbe: {WHY}");
    let cases: [Case<'_>; 3] = [
        (
            "an init container",
            r#"{"initContainers": [{"name": "a", "image": "i", "lifecycle": {}, "readinessProbe": {"exec": {"command": ["x"]}}}]}"#,
            &[&lifecycle, &probe],
        ),
        (
            "a sidecar",
            r#"{"initContainers": [{"name": "a", "image": "i", "restartPolicy": "Always", "readinessProbe": {"exec": {"command": ["x"]}}}]}"#,
            &[],
        ),
        (
            "a sidecar with rules",
            r#"{"initContainers": [{"name": "a", "image": "i", "restartPolicy": "Always", "restartPolicyRules": [{"action": "Restart"}]}]}"#,
            &[
                "spec.initContainers[0].restartPolicyRules: Forbidden: restartPolicyRules are not allowed for init containers with restart policy Always",
            ],
        ),
    ];
    check(&cases, of_spec);
}

#[test]
fn ephemeral_containers_have_no_more_than_they_need() {
    const WHY: &str = "Forbidden: cannot be set for an Ephemeral Container";
    let at = |field: &str| format!("spec.ephemeralContainers[0].{field}: {WHY}");
    let [ports, probe, path] = ["ports", "livenessProbe", "volumeMounts[0].subPath"].map(at);
    let cases: [Case<'_>; 3] = [
        (
            "ports and probes",
            r#"{"ephemeralContainers": [{"name": "d", "image": "i", "ports": [{"containerPort": 80}], "livenessProbe": {}}]}"#,
            &[&ports, &probe],
        ),
        (
            "a part of a volume",
            r#"{"volumes": [{"name": "v"}], "ephemeralContainers": [{"name": "d", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "s"}]}]}"#,
            &[&path],
        ),
        (
            "an image with spaces",
            r#"{"ephemeralContainers": [{"name": "d", "image": " i"}]}"#,
            &[
                r#"spec.ephemeralContainers[0].image: Invalid value: " i": must not have leading or trailing whitespace"#,
            ],
        ),
    ];
    check(&cases, of_spec);
}

#[test]
fn ports_have_numbers_and_names_of_their_own() {
    let cases: [Case<'_>; 6] = [
        ("a valid one", r#"{"ports": [{"containerPort": 80, "name": "http", "hostPort": 80}]}"#, &[]),
        (
            "no number",
            r#"{"ports": [{"name": "a"}]}"#,
            &["spec.containers[0].ports[0].containerPort: Required value"],
        ),
        (
            "too large numbers",
            r#"{"ports": [{"containerPort": 65536, "hostPort": -1}]}"#,
            &[
                "spec.containers[0].ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive",
                "spec.containers[0].ports[0].hostPort: Invalid value: -1: must be between 1 and 65535, inclusive",
            ],
        ),
        (
            "one name twice",
            r#"{"ports": [{"containerPort": 80, "name": "a"}, {"containerPort": 81, "name": "a"}]}"#,
            &[r#"spec.containers[0].ports[1].name: Duplicate value: "a""#],
        ),
        (
            "an unknown protocol",
            r#"{"ports": [{"containerPort": 80, "protocol": "tcp"}]}"#,
            &[
                r#"spec.containers[0].ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP""#,
            ],
        ),
        (
            "one port of the host twice",
            r#"{"ports": [{"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80}]}"#,
            &[r#"spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80""#],
        ),
    ];
    check(&cases, of_container);
}

#[test]
fn mounts_name_volumes_and_have_paths_of_their_own() {
    let with_volumes = |fields: Document| {
        of_spec(doc!({
            "volumes": [{"name": "v"}, {"name": "p", "persistentVolumeClaim": {"claimName": "c"}}],
            "containers": [container(fields)]
        }))
    };
    let cases: [Case<'_>; 11] = [
        ("a valid one", r#"{"volumeMounts": [{"name": "v", "mountPath": "/v"}]}"#, &[]),
        (
            "no name and no path",
            r#"{"volumeMounts": [{}]}"#,
            &[
                "spec.containers[0].volumeMounts[0].name: Required value",
                r#"spec.containers[0].volumeMounts[0].name: Not found: """#,
                "spec.containers[0].volumeMounts[0].mountPath: Required value",
            ],
        ),
        (
            "one path twice",
            r#"{"volumeMounts": [{"name": "v", "mountPath": "/v"}, {"name": "v", "mountPath": "/v"}]}"#,
            &[r#"spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/v": must be unique"#],
        ),
        (
            "a path that leads out",
            r#"{"volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "/a"}, {"name": "v", "mountPath": "/w", "subPathExpr": "../a"}]}"#,
            &[
                r#"spec.containers[0].volumeMounts.subPath: Invalid value: "/a": must be a relative path"#,
                r#"spec.containers[0].volumeMounts.subPathExpr: Invalid value: "../a": must not contain '..'"#,
            ],
        ),
        (
            "both kinds of path",
            r#"{"volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "a", "subPathExpr": "b"}]}"#,
            &[
                r#"spec.containers[0].volumeMounts[0].subPathExpr: Invalid value: "b": subPathExpr and subPath are mutually exclusive"#,
            ],
        ),
        (
            "propagation without privileges",
            r#"{"volumeMounts": [{"name": "v", "mountPath": "/v", "mountPropagation": "Bidirectional"}]}"#,
            &[
                "spec.containers[0].volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers",
            ],
        ),
        (
            "an unknown propagation",
            r#"{"volumeMounts": [{"name": "v", "mountPath": "/v", "mountPropagation": "x"}]}"#,
            &[
                r#"spec.containers[0].volumeMounts.mountPropagation: Unsupported value: "x": supported values: "Bidirectional", "HostToContainer", "None""#,
            ],
        ),
        (
            "recursion where writing is allowed",
            r#"{"volumeMounts": [{"name": "v", "mountPath": "/v", "recursiveReadOnly": "Enabled", "mountPropagation": "HostToContainer"}]}"#,
            &[
                "spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true",
                "spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when mountPropagation is None or not specified",
            ],
        ),
        ("a device", r#"{"volumeDevices": [{"name": "p", "devicePath": "/dev/x"}]}"#, &[]),
        (
            "a device that is none",
            r#"{"volumeDevices": [{"name": "v", "devicePath": "/dev/x"}, {"name": "gone", "devicePath": "/dev/.."}]}"#,
            &[
                r#"spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"#,
                r#"spec.containers[0].volumeDevices[1].name: Not found: "gone""#,
                r#"spec.containers[0].volumeDevices[1].devicePath: Invalid value: "/dev/..": can not contain backsteps ('..')"#,
            ],
        ),
        (
            "a device that is mounted too",
            r#"{"volumeDevices": [{"name": "p", "devicePath": "/x"}], "volumeMounts": [{"name": "p", "mountPath": "/x"}]}"#,
            &[
                r#"spec.containers[0].volumeMounts[0].name: Invalid value: "p": must not already exist in volumeDevices"#,
                r#"spec.containers[0].volumeMounts[0].mountPath: Invalid value: "/x": must not already exist as a path in volumeDevices"#,
                r#"spec.containers[0].volumeDevices[0].name: Invalid value: "p": must not already exist in volumeMounts"#,
                r#"spec.containers[0].volumeDevices[0].devicePath: Invalid value: "/x": must not already exist as a path in volumeMounts"#,
            ],
        ),
    ];
    check(&cases, with_volumes);
}

//! Ephemeral containers that come to a pod.

use super::super::ephemeral_containers::validate;
use super::{pod, texts};

#[test]
fn ephemeral_containers_come_and_stay() {
    let with = |containers: &str| pod(&format!(r#"{{"ephemeralContainers": {containers}}}"#));
    let one = r#"[{"name": "a", "image": "i"}]"#;
    let two = r#"[{"name": "b", "image": "i"}, {"name": "a", "image": "i"}]"#;
    let cases: [(&str, &str, &[&str]); 4] = [
        ("[]", one, &[]),
        (one, two, &[]),
        (
            one,
            "[]",
            &[
                "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"a\" may not be removed\n",
            ],
        ),
        ("[]", r#"[{"name": "a"}]"#, &["spec.ephemeralContainers[0].image: Required value"]),
    ];
    for (old, new, expected) in cases {
        assert_eq!(texts(&validate(&with(new), &with(old))), expected, "{old} {new}");
    }
    let changed = texts(&validate(&with(r#"[{"name": "a", "image": "j"}]"#), &with(one)));
    let why =
        "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"a\" may not be changed\n@@ -1,";
    assert!(changed.len() == 1 && changed[0].starts_with(why), "{changed:?}");
    assert!(changed[0].contains("\n- \"image\": \"i\",\n+ \"image\": \"j\",\n"), "{changed:?}");
}

#[test]
fn a_mirror_pod_takes_none() {
    let mut old = pod(r#"{"nodeName": "n"}"#);
    old.set(&["metadata", "annotations", "kubernetes.io/config.mirror"], "x");
    assert_eq!(
        texts(&validate(&old, &old)),
        ["[]: Forbidden: static pods do not support ephemeral containers"]
    );
}

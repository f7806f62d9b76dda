//! Volumes are chosen by their source.

use super::*;

#[test]
fn each_source_has_its_type() {
    for (source, plugin) in [
        (r#"{"configMap": {"name": "m"}}"#, Some("kubernetes.io~configmap")),
        (r#"{"secret": {"secretName": "s"}}"#, Some("kubernetes.io~secret")),
        (r#"{"projected": {"sources": [{"configMap": {"name": "m"}}]}}"#, Some("kubernetes.io~projected")),
        (r#"{"downwardAPI": {}}"#, Some("kubernetes.io~downward-api")),
        (r#"{"emptyDir": {}}"#, Some("kubernetes.io~empty-dir")),
        (r#"{"hostPath": {"path": "/"}}"#, Some("kubernetes.io~host-path")),
        (r#"{"nfs": {"server": "s", "path": "/"}}"#, None),
    ] {
        let mut spec = skiff_apimachinery::json::decode(source.as_bytes()).unwrap();
        spec.insert("name", "v");
        let spec: Spec = spec.read().unwrap();
        assert_eq!(of(&spec).map(|volume| volume.plugin()), plugin, "{source}");
    }
}

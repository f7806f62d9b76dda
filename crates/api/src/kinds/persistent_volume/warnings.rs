//! What is allowed in a persistent volume but has seen better days.

use super::validate::given;
use crate::kinds::node_selector;
use skiff_apimachinery::{Document, FieldPath};

/// Annotations that are fields now.
const ANNOTATIONS: [(&str, &str); 2] = [
    (
        "volume.beta.kubernetes.io/storage-class",
        r#"deprecated since v1.8; use "storageClassName" attribute instead"#,
    ),
    (
        "volume.beta.kubernetes.io/mount-options",
        r#"deprecated since v1.31; use "mountOptions" attribute instead"#,
    ),
];
/// Sources that no kubelet mounts any more: the field, its name in the text, the text.
const SOURCES: [(&str, &str, &str); 6] = [
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

/// Texts for `Warning` headers.
pub(super) fn volume(volume: &Document) -> Vec<String> {
    let annotated = ANNOTATIONS.iter().filter(|(key, _)| volume.annotation(key).is_some());
    let mut out: Vec<String> =
        annotated.map(|(key, why)| format!("metadata.annotations[{key}]: {why}")).collect();
    let Some(spec) = volume.get("spec") else { return out };
    if spec.str_at(&["persistentVolumeReclaimPolicy"]) == "Recycle" {
        out.push("spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.".to_owned());
    }
    let field = FieldPath::new("spec.nodeAffinity.required.nodeSelectorTerms");
    let terms = spec.array_at(&["nodeAffinity", "required", "nodeSelectorTerms"]).iter().enumerate();
    out.extend(terms.flat_map(|(i, term)| node_selector::expression_warnings(&field.index(i), term)));
    let gone = SOURCES.iter().find(|(source, ..)| given(spec, source).is_some());
    out.extend(gone.map(|(_, name, why)| format!("spec.{name}: {why}")));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn old_ways_are_warned_of() {
        let given = doc!({
            "metadata": {"annotations": {
                "volume.beta.kubernetes.io/mount-options": "hard", "volume.beta.kubernetes.io/storage-class": "c"
            }},
            "spec": {
                "persistentVolumeReclaimPolicy": "Recycle", "storageos": {},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "beta.kubernetes.io/arch"}]}
                ]}}
            }
        });
        assert_eq!(
            volume(&given),
            [
                r#"metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead"#,
                r#"metadata.annotations[volume.beta.kubernetes.io/mount-options]: deprecated since v1.31; use "mountOptions" attribute instead"#,
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
                r#"spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/arch is deprecated since v1.14; use "kubernetes.io/arch" instead"#,
                "spec.storageOS: deprecated in v1.22, non-functional in v1.25+",
            ]
        );
        assert_eq!(volume(&doc!({"spec": {"csi": {}}})), Vec::<String>::new());
    }
}

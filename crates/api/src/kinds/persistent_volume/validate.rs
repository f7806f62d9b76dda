//! What is wrong with a persistent volume, and with the same specification inside of a VolumeAttachment.

use super::source;
use crate::kinds::node_selector::{self, Values};
use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map, Quantity};

/// Ways in which a volume can be used.
pub(crate) const ACCESS_MODES: [&str; 4] =
    ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
/// What a volume holds.
pub(crate) const VOLUME_MODES: [&str; 2] = ["Block", "Filesystem"];
/// The one way that excludes all others.
const ONE_POD: &str = "ReadWriteOncePod";
const RECLAIM_POLICIES: [&str; 3] = ["Delete", "Recycle", "Retain"];
const MOUNT_OPTIONS: &str = "volume.beta.kubernetes.io/mount-options";
/// Sources that knew mount options as an annotation.
const MOUNTED_WITH_OPTIONS: [&str; 13] = [
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "nfs",
    "rbd",
    "quobyte",
    "iscsi",
    "cinder",
    "cephfs",
    "azureFile",
    "vsphereVolume",
    "azureDisk",
    "photonPersistentDisk",
];

/// What is wrong with a volume; of a changed one the old state is given.
pub(super) fn volume(volume: &Document, old: Option<&Document>) -> FieldErrors {
    static EMPTY: Document = Document::NULL;
    let affinity = |volume: &Document| volume.at(&["spec", "nodeAffinity", "required"]).cloned();
    let lenient = old.and_then(affinity).is_some_and(|old| node_selector::has_strange_values(&old));
    let values = if lenient { Values::Unchecked } else { Values::Checked };
    let (field, spec) = (FieldPath::new("spec"), volume.get("spec").unwrap_or(&EMPTY));
    let mut out = access_modes(&field.child("accessModes"), spec.array_at(&["accessModes"]));
    out.extend(capacity(&field.child("capacity"), spec.object_at(&["capacity"])));
    let policy = spec.str_at(&["persistentVolumeReclaimPolicy"]);
    if !policy.is_empty() && !RECLAIM_POLICIES.contains(&policy) {
        let field = field.child("persistentVolumeReclaimPolicy");
        out.push(FieldError::not_supported(&field, policy, &RECLAIM_POLICIES));
    }
    if let Some(affinity) = given(spec, "nodeAffinity") {
        out.extend(node_affinity(&field.child("nodeAffinity"), affinity, values));
    }
    out.extend(source::errors(&field, spec, volume.name()));
    out.extend(class_name(&field.child("storageClassName"), spec.str_at(&["storageClassName"])));
    if let Some(mode) = spec.get("volumeMode").and_then(Document::as_str)
        && !VOLUME_MODES.contains(&mode)
    {
        out.push(FieldError::not_supported(&field.child("volumeMode"), mode, &VOLUME_MODES));
    }
    out.extend(attributes_class(&field, spec));
    out
}

/// What is wrong with a volume that an attachment describes in place.
pub(crate) fn inline(field: &FieldPath, spec: &Document) -> FieldErrors {
    let refusal = |name: &str| {
        FieldError::forbidden(&field.child(name), "may not be specified in the context of inline volumes")
    };
    let mut out = FieldErrors::new();
    out.extend(given(spec, "claimRef").map(|_| refusal("claimRef")));
    out.extend(spec.object_at(&["capacity"]).filter(|list| !list.is_empty()).map(|_| refusal("capacity")));
    if given(spec, "csi").is_none() {
        let why = "has to be specified in the context of inline volumes";
        out.push(FieldError::required(&field.child("csi"), why));
    }
    out.extend(access_modes(&field.child("accessModes"), spec.array_at(&["accessModes"])));
    let policy = spec.str_at(&["persistentVolumeReclaimPolicy"]);
    if !policy.is_empty() && policy != "Retain" {
        let why = "may only be Retain in the context of inline volumes";
        out.push(FieldError::forbidden(&field.child("persistentVolumeReclaimPolicy"), why));
    }
    out.extend(given(spec, "nodeAffinity").map(|_| refusal("nodeAffinity")));
    out.extend(source::errors(field, spec, ""));
    let class = spec.str_at(&["storageClassName"]);
    out.extend((!class.is_empty()).then(|| refusal("storageClassName")));
    if spec.get("volumeMode").and_then(Document::as_str).is_some_and(|mode| mode != "Filesystem") {
        let why = "may not specify volumeMode other than Filesystem in the context of inline volumes";
        out.push(FieldError::forbidden(&field.child("volumeMode"), why));
    }
    out
}

/// What is wrong with access modes that there are.
pub(crate) fn exclusive_modes(field: &FieldPath, modes: &[Document]) -> FieldErrors {
    let modes = || modes.iter().map(|mode| mode.as_str().unwrap_or(""));
    let unknown = modes().filter(|mode| !ACCESS_MODES.contains(mode));
    let mut out: FieldErrors =
        unknown.map(|mode| FieldError::not_supported(field, mode, &ACCESS_MODES)).collect();
    let beside = |mode: &str| mode != ONE_POD && ACCESS_MODES.contains(&mode);
    if modes().any(|mode| mode == ONE_POD) && modes().any(beside) {
        let why = "may not use ReadWriteOncePod with other access modes";
        out.push(FieldError::forbidden(field, why));
    }
    out
}

/// What is wrong with the name of a class, if there is one.
pub(crate) fn class_name(field: &FieldPath, name: &str) -> FieldErrors {
    if name.is_empty() { FieldErrors::new() } else { invalid(field, name, names::dns1123_subdomain(name)) }
}

/// `must be greater than zero` for any other amount.
pub(crate) fn positive(field: &FieldPath, amount: Quantity) -> Option<FieldError> {
    let positive = !amount.is_negative() && !amount.is_zero();
    (!positive).then(|| FieldError::invalid(field, amount, "must be greater than zero"))
}

/// `must be a valid resource quantity` for less than nothing.
pub(crate) fn basic(field: &FieldPath, amount: Quantity) -> Option<FieldError> {
    let value = amount.value();
    (value < 0).then(|| FieldError::invalid(field, value, "must be a valid resource quantity"))
}

/// What is wrong with mount options in the form of an annotation.
pub(super) fn mount_options(volume: &Document) -> Option<FieldError> {
    let spec = volume.get("spec")?;
    volume.annotation(MOUNT_OPTIONS)?;
    let known = MOUNTED_WITH_OPTIONS.iter().any(|source| given(spec, source).is_some());
    let field = FieldPath::new("metadata.annotations").child(MOUNT_OPTIONS);
    (!known).then(|| FieldError::forbidden(&field, "may not specify mount options for this volume type"))
}

/// A value that is there and not null.
pub(super) fn given<'a>(spec: &'a Document, name: &str) -> Option<&'a Document> {
    spec.get(name).filter(|value| !value.is_null())
}

/// Amounts of a list by sorted names; what is no quantity was refused when the object was decoded.
pub(crate) fn amounts(list: Option<&Map>) -> Vec<(&str, Quantity)> {
    let amounts = list.into_iter().flat_map(Map::iter);
    let mut out: Vec<(&str, Quantity)> =
        amounts.filter_map(|(name, amount)| Some((name, Quantity::from_document(amount)?.ok()?))).collect();
    out.sort_unstable_by_key(|(name, _)| *name);
    out
}

fn access_modes(field: &FieldPath, modes: &[Document]) -> FieldErrors {
    let mut out = FieldErrors::new();
    if modes.is_empty() {
        out.push(FieldError::required(field, ""));
    }
    out.extend(exclusive_modes(field, modes));
    out
}

fn capacity(field: &FieldPath, list: Option<&Map>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let count = list.map_or(0, Map::len);
    if count == 0 {
        out.push(FieldError::required(field, ""));
    }
    if count > 1 || list.is_none_or(|list| !list.contains_key("storage")) {
        let shown = list.cloned().map(|mut list| {
            list.sort_keys();
            list
        });
        out.push(FieldError::not_supported(field, shown, &["storage"]));
    }
    for (name, amount) in amounts(list) {
        let field = field.key(name);
        out.extend(basic(&field, amount));
        out.extend(positive(&field, amount));
    }
    out
}

fn node_affinity(field: &FieldPath, affinity: &Document, values: Values) -> FieldErrors {
    let field = field.child("required");
    match given(affinity, "required") {
        Some(selector) => node_selector::selector(&field, selector, values),
        None => vec![FieldError::required(&field, "must specify required node constraints")],
    }
}

fn attributes_class(field: &FieldPath, spec: &Document) -> FieldErrors {
    let Some(name) = spec.get("volumeAttributesClassName").and_then(Document::as_str) else {
        return FieldErrors::new();
    };
    let at = field.child("volumeAttributesClassName");
    let mut out = class_name(&at, name);
    if name.is_empty() {
        out.push(FieldError::required(&at, "an empty string is disallowed"));
    }
    if given(spec, "csi").is_none() {
        let why = "has to be specified when using volumeAttributesClassName";
        out.push(FieldError::required(&field.child("csi"), why));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    /// A valid volume with some fields replaced; null removes one.
    fn changed(changes: &Document) -> Document {
        let mut spec = doc!({
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/a"},
            "persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"
        });
        for (name, value) in changes.as_object().unwrap().iter() {
            spec.insert(name, value);
        }
        doc!({"metadata": {"name": "v"}, "spec": spec})
    }

    #[test]
    fn volumes_say_how_much_and_how_they_are_used() {
        let cases = [
            ("fine", doc!({}), vec![]),
            ("no mode", doc!({"accessModes": null}), vec!["spec.accessModes: Required value"]),
            (
                "modes",
                doc!({"accessModes": ["ReadWriteOncePod", "ReadWriteOnce", "Never"]}),
                vec![
                    r#"spec.accessModes: Unsupported value: "Never": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod""#,
                    "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
                ],
            ),
            (
                "no capacity",
                doc!({"capacity": null}),
                vec![
                    "spec.capacity: Required value",
                    r#"spec.capacity: Unsupported value: null: supported values: "storage""#,
                ],
            ),
            (
                "capacity",
                doc!({"capacity": {"storage": "-1", "cpu": "1"}}),
                vec![
                    r#"spec.capacity: Unsupported value: {"cpu":"1","storage":"-1"}: supported values: "storage""#,
                    "spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
                    r#"spec.capacity[storage]: Invalid value: "-1": must be greater than zero"#,
                ],
            ),
            (
                "policy",
                doc!({"persistentVolumeReclaimPolicy": "Keep"}),
                vec![
                    r#"spec.persistentVolumeReclaimPolicy: Unsupported value: "Keep": supported values: "Delete", "Recycle", "Retain""#,
                ],
            ),
            (
                "affinity",
                doc!({"nodeAffinity": {}}),
                vec!["spec.nodeAffinity.required: Required value: must specify required node constraints"],
            ),
            (
                "mode",
                doc!({"volumeMode": "Tape"}),
                vec![
                    r#"spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem""#,
                ],
            ),
            (
                "attributes",
                doc!({"volumeAttributesClassName": ""}),
                vec![
                    "spec.volumeAttributesClassName: Required value: an empty string is disallowed",
                    "spec.csi: Required value: has to be specified when using volumeAttributesClassName",
                ],
            ),
        ];
        for (name, changes, expected) in cases {
            assert_eq!(texts(&volume(&changed(&changes), None)), expected, "{name}");
        }
    }

    #[test]
    fn inline_volumes_are_of_drivers_and_belong_to_nobody() {
        let field = FieldPath::new("i");
        let fine = doc!({"accessModes": ["ReadWriteOnce"], "csi": {"driver": "d", "volumeHandle": "h"}});
        assert_eq!(inline(&field, &fine), []);
        let wrong = changed(&doc!({
            "claimRef": {"name": "c"}, "nodeAffinity": {}, "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "s", "volumeMode": "Block"
        }));
        assert_eq!(
            texts(&inline(&field, &wrong["spec"])),
            [
                "i.claimRef: Forbidden: may not be specified in the context of inline volumes",
                "i.capacity: Forbidden: may not be specified in the context of inline volumes",
                "i.csi: Required value: has to be specified in the context of inline volumes",
                "i.persistentVolumeReclaimPolicy: Forbidden: may only be Retain in the context of inline volumes",
                "i.nodeAffinity: Forbidden: may not be specified in the context of inline volumes",
                "i.storageClassName: Forbidden: may not be specified in the context of inline volumes",
                "i.volumeMode: Forbidden: may not specify volumeMode other than Filesystem in the context of inline volumes",
            ]
        );
    }

    #[test]
    fn mount_options_are_no_annotation_of_new_sources() {
        let mut volume = changed(&doc!({}));
        volume.set(&["metadata", "annotations", MOUNT_OPTIONS], "hard");
        assert_eq!(
            mount_options(&volume).map(|error| error.to_string()).as_deref(),
            Some(
                "metadata.annotations.volume.beta.kubernetes.io/mount-options: Forbidden: may not specify mount options for this volume type"
            )
        );
        volume.set(&["spec", "nfs", "path"], "/");
        assert_eq!(mount_options(&volume), None);
    }
}

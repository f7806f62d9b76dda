//! What is wrong with a VolumeAttachment.

use crate::kinds::internal_form::{self, Field};
use crate::kinds::persistent_volume::form::SPEC as VOLUME;
use crate::kinds::{csi_driver, persistent_volume};
use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};

const MAX_METADATA_BYTES: usize = 256 << 10;
const MAX_MESSAGE: usize = 1024;
const ONE_SOURCE: &str = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";

const SOURCE: &[Field] = &[
    Field::value("persistentVolumeName", "PersistentVolumeName"),
    Field::pointer("inlineVolumeSpec", "InlineVolumeSpec", VOLUME),
];
/// `storage.VolumeAttachmentSpec`.
const SPEC: &[Field] = &[
    Field::text("attacher", "Attacher"),
    Field::nested("source", "Source", SOURCE),
    Field::text("nodeName", "NodeName"),
];

/// What is wrong with an attachment in any version.
pub(super) fn attachment(attachment: &Document) -> FieldErrors {
    let field = FieldPath::new("spec");
    let mut out = FieldErrors::new();
    if attachment.str_at(&["spec", "attacher"]).is_empty() {
        out.push(FieldError::required(&field.child("attacher"), ""));
    }
    out.extend(source(&field.child("source"), &attachment["spec"]["source"]));
    let node = attachment.str_at(&["spec", "nodeName"]);
    out.extend(invalid(&field.child("nodeName"), node, names::dns1123_subdomain(node)));
    out.extend(status(attachment));
    out
}

/// What `v1` asks beyond that of a new attachment.
pub(super) fn names_of(attachment: &Document) -> FieldErrors {
    let attacher = attachment.str_at(&["spec", "attacher"]);
    let mut out = csi_driver::name(&FieldPath::new("spec.attacher"), attacher);
    let path = ["spec", "source", "persistentVolumeName"];
    if let Some(volume) = attachment.at(&path).and_then(Document::as_str) {
        let field = FieldPath::new("spec.source.persistentVolumeName");
        out.extend(invalid(&field, volume, names::dns1123_subdomain(volume)));
    }
    out
}

/// What is wrong with the change, the new state being valid.
pub(super) fn update(new: &Document, old: &Document) -> Option<FieldError> {
    let [new, old] = [new, old].map(|attachment| internal_form::structure(&attachment["spec"], SPEC));
    (new != old).then(|| FieldError::invalid(&FieldPath::new("spec"), new, "field is immutable"))
}

fn source(field: &FieldPath, source: &Document) -> FieldErrors {
    let given = |name: &str| source.get(name).filter(|value| !value.is_null());
    match (given("inlineVolumeSpec"), given("persistentVolumeName")) {
        (None, None) => vec![FieldError::required(field, ONE_SOURCE)],
        (Some(_), Some(_)) => vec![FieldError::forbidden(field, ONE_SOURCE)],
        (None, Some(name)) if name.is_empty() => {
            let why = "must specify non empty persistentVolumeName";
            vec![FieldError::required(&field.child("persistentVolumeName"), why)]
        }
        (None, Some(_)) => FieldErrors::new(),
        (Some(spec), None) => persistent_volume::validate::inline(&field.child("inlineVolumeSpec"), spec),
    }
}

fn status(attachment: &Document) -> FieldErrors {
    let field = FieldPath::new("status");
    let metadata = attachment.object_at(&["status", "attachmentMetadata"]).into_iter().flat_map(Map::iter);
    let bytes: usize = metadata.map(|(name, value)| name.len() + value.as_str().map_or(0, str::len)).sum();
    let mut out = FieldErrors::new();
    if bytes > MAX_METADATA_BYTES {
        out.push(FieldError::too_long(&field.child("attachmentMetadata"), MAX_METADATA_BYTES));
    }
    for name in ["attachError", "detachError"] {
        out.extend(volume_error(&field.child(name), &attachment["status"][name]));
    }
    out
}

fn volume_error(field: &FieldPath, error: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    if error.str_at(&["message"]).len() > MAX_MESSAGE {
        // Upstream names the limit of the metadata here.
        out.push(FieldError::too_long(&field.child("message"), MAX_METADATA_BYTES));
    }
    if let Some(code) = error.i64_at(&["errorCode"]).filter(|code| *code < 0) {
        let why = names::range_text(0, i64::from(i32::MAX));
        out.push(FieldError::invalid(&field.child("errorCode"), code, why));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use crate::kinds::volume_attachment::VolumeAttachment;
    use crate::strategy::UpdateScope;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    fn of(source: Document) -> Document {
        doc!({"spec": {"attacher": "a.example", "nodeName": "n", "source": source}})
    }

    #[test]
    fn attachments_name_driver_node_and_one_volume() {
        let cases = [
            ("fine", of(doc!({"persistentVolumeName": "v"})), vec![]),
            (
                "no volume",
                of(doc!({})),
                vec![
                    "spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName",
                ],
            ),
            (
                "two volumes",
                of(doc!({"persistentVolumeName": "v", "inlineVolumeSpec": {}})),
                vec![
                    "spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName",
                ],
            ),
            (
                "inline",
                of(doc!({"inlineVolumeSpec": {"csi": {"driver": "d", "volumeHandle": "h"}}})),
                vec!["spec.source.inlineVolumeSpec.accessModes: Required value"],
            ),
        ];
        for (name, attachment, expected) in cases {
            assert_eq!(texts(&VolumeAttachment.validate_create(&attachment)), expected, "{name}");
        }
        let mut nobody = of(doc!({"persistentVolumeName": "v"}));
        nobody.set(&["spec", "attacher"], "");
        let found = texts(&VolumeAttachment.validate_create(&nobody));
        assert_eq!(found[..2], ["spec.attacher: Required value", "spec.attacher: Required value"]);
    }

    #[test]
    fn told_errors_are_short() {
        let mut attachment = of(doc!({"persistentVolumeName": "v"}));
        attachment.set(&["status", "attachError", "message"], "m".repeat(1025));
        attachment.set(&["status", "detachError", "errorCode"], -1);
        assert_eq!(
            texts(&VolumeAttachment.validate_update(UpdateScope::Status, &attachment, &attachment)),
            [
                "status.attachError.message: Too long: may not be more than 262144 bytes",
                "status.detachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive",
            ]
        );
    }

    #[test]
    fn what_is_attached_where_does_not_change() {
        let [old, new] = ["v", "w"].map(|name| of(doc!({"persistentVolumeName": name})));
        assert_eq!(
            texts(&VolumeAttachment.validate_update(UpdateScope::Main, &new, &old)),
            [
                r#"spec: Invalid value: {"Attacher":"a.example","Source":{"PersistentVolumeName":"w","InlineVolumeSpec":null},"NodeName":"n"}: field is immutable"#
            ]
        );
    }
}

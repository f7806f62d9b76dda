//! [sig-storage]: immutable ConfigMaps and Secrets, status of volumes, claims and attachments.

use crate::api_operations::{StatusChanges, check_status};
use crate::harness::Api;
use crate::objects::Objects;
use crate::resources::{VOLUME_ATTACHMENTS, labelled, named, yaml};
use skiff_apimachinery::{Document, doc};
use skiff_client::Resource;
use skiff_client::resources::{CONFIG_MAPS, SECRETS};

fn check_immutable(resource: &Resource, values: [&str; 3]) {
    let api = Api::new();
    let objects = api.of(resource);
    let set = |value: &str| doc!({"data": {"data-1": value}});
    objects.create(named("immutable", set(values[0])));
    // While it is not immutable, it can be changed.
    objects.edit("immutable", |o| o.set(&["data", "data-1"], values[1]));
    objects.edit("immutable", |o| o.insert("immutable", true));
    assert_eq!(objects.get("immutable").bool_at(&["immutable"]), Some(true));

    let invalid = |edit: &dyn Fn(&mut Document)| {
        let mut object = objects.get("immutable");
        edit(&mut object);
        let refused = Objects::refused(objects.try_update(object));
        assert_eq!((refused.code, refused.reason.as_str()), (422, "Invalid"), "{refused}");
        refused.message
    };
    let message = invalid(&|o| o.insert("immutable", false));
    assert!(
        message.contains("immutable: Forbidden: field is immutable when `immutable` is set"),
        "{message}"
    );
    let message = invalid(&|o| o.set(&["data", "data-1"], values[2]));
    assert!(message.contains("data: Forbidden: field is immutable when `immutable` is set"), "{message}");
    invalid(&|o| o.set(&["data", "data-2"], values[2]));

    let labelled = objects.edit("immutable", |o| o.set(&["metadata", "labels", "label1"], "value1"));
    assert_eq!(labelled.label("label1"), Some("value1"));
    assert_eq!(labelled.str_at(&["data", "data-1"]), values[1]);
    objects.delete("immutable");
    objects.gone("immutable");
}

/// ``ConfigMap should be immutable if `immutable` field is set``
#[test]
fn config_map_should_be_immutable_if_immutable_field_is_set() {
    check_immutable(&CONFIG_MAPS, ["value-1", "value-2", "value-3"]);
}

/// ``Secrets should be immutable if `immutable` field is set``
#[test]
fn secrets_should_be_immutable_if_immutable_field_is_set() {
    check_immutable(&SECRETS, ["dmFsdWUtMQ==", "dmFsdWUtMg==", "dmFsdWUtMw=="]);
}

/// `VolumeAttachment Conformance should apply changes to a volumeattachment status`
#[test]
fn should_apply_changes_to_a_volumeattachment_status() {
    let api = Api::new();
    let attachments = api.of(&VOLUME_ATTACHMENTS);
    let (name, selector) = (api.named("va"), format!("va-e2e={}", api.namespace));
    let object = yaml(
        "spec: {attacher: e2e-driver.example.com, nodeName: e2e-node, source: {persistentVolumeName: e2e-pv}}",
    );
    attachments.create(labelled("va-e2e", &api.namespace, named(&name, object)));
    let patch = doc!({"status": {"attached": true}});
    let update = doc!({"status": {"attached": false}});
    check_status(&attachments, &name, &StatusChanges { patch, update });
    // A status is all that this subresource takes.
    let patch = doc!({"metadata": {"annotations": {"e2e": "true"}}});
    assert_eq!(attachments.patch_subresource(&name, "status", patch).annotation("e2e"), None);
    attachments.delete_collection(&selector);
    attachments.none(&selector);
}

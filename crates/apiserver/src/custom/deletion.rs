//! The beginning of a definition's end: what the registry adds when it marks one as deleted.

use super::conditions::{self, Condition, TERMINATING};
use super::{FINALIZER, GROUP, PLURAL};
use jiff::Timestamp;
use skiff_api::Resource;
use skiff_apimachinery::Document;

/// Holds a definition that is being deleted until its instances are gone. Other objects are left alone.
pub(crate) fn begin_deletion(hub: &Resource, object: &mut Document, now: Timestamp) {
    if hub.gvk.group != GROUP || hub.plural != PLURAL || object.deletion_timestamp().is_some() {
        return;
    }
    if !object.finalizers().any(|finalizer| finalizer == FINALIZER) {
        object.ensure(&["metadata", "finalizers"]).push(FINALIZER);
    }
    let message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
    conditions::set(object, &Condition::new(TERMINATING, true, "InstanceDeletionPending", message), now);
}

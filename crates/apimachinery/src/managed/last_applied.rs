//! The way from client-side to server-side apply: the annotation in which `kubectl apply` keeps what it applied.

use super::collect::fields_of;
use super::compare::compare;
use crate::fieldset::FieldSet;
use crate::schema::Schema;
use crate::{Document, json};

/// The annotation.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The manager whose conflicts with the annotation's fields are none.
pub(super) const KUBECTL: &str = "kubectl";
/// Most bytes of all annotations.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// Fields that client-side apply set and that still have its values: server-side apply by kubectl may take them.
pub(super) fn takeable_fields(live: &Document, schema: Option<&Schema>) -> Option<FieldSet> {
    let applied = json::decode(live.annotation(LAST_APPLIED)?.as_bytes()).ok()?;
    let mut live = live.clone();
    live.remove(&["metadata", "managedFields"]);
    let comparison = compare(&applied, &live, schema);
    Some(
        fields_of(&applied, schema)
            .difference(&comparison.modified)
            .difference(&comparison.added)
            .difference(&comparison.removed),
    )
}

/// Brings the annotation, if there is one, up to date with what kubectl applied by the server.
pub(super) fn refresh(object: &mut Document, applied: &Document) {
    if object.annotation(LAST_APPLIED).is_none() {
        return;
    }
    let mut kept = applied.clone();
    kept.remove(&["metadata", "annotations", LAST_APPLIED]);
    let mut text = String::from_utf8_lossy(&json::encode(&sorted(kept))).into_owned();
    text.push('\n');
    let others: usize = object.annotations().map_or(0, |map| {
        map.iter()
            .filter(|(key, _)| *key != LAST_APPLIED)
            .map(|(k, v)| k.len() + v.as_str().map_or(0, str::len))
            .sum()
    });
    if others + LAST_APPLIED.len() + text.len() <= MAX_ANNOTATIONS {
        object.set(&["metadata", "annotations", LAST_APPLIED], text);
    } else {
        object.remove(&["metadata", "annotations", LAST_APPLIED]);
    }
}

/// Keys in the order in which Go writes maps.
fn sorted(mut doc: Document) -> Document {
    if let Some(map) = doc.as_object_mut() {
        map.sort_keys();
        map.values_mut().for_each(|value| *value = sorted(value.take()));
    } else if let Some(list) = doc.as_array_mut() {
        list.iter_mut().for_each(|value| *value = sorted(value.take()));
    }
    doc
}

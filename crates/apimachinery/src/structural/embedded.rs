//! Objects inside of objects (`x-kubernetes-embedded-resource`): they have an apiVersion and a kind.

use crate::schema::Schema;
use crate::{Document, FieldError, FieldErrors, FieldPath, Map, names};

/// What embedded objects lack, all the way down; of the object itself this is known.
pub(super) fn check(doc: &Document, schema: &Schema, path: &FieldPath, is_root: bool, out: &mut FieldErrors) {
    if let Some(map) = doc.as_object() {
        if schema.embedded && !is_root {
            identity(map, path, out);
        }
        for (key, value) in map.iter() {
            let Some(inner) = schema.value_of(key) else { continue };
            let place = if schema.field(key).is_some() { path.child(key) } else { path.key(key) };
            check(value, inner, &place, false, out);
        }
    } else if let (Some(list), Some(element)) = (doc.as_array(), schema.element()) {
        for (i, value) in list.iter().enumerate() {
            check(value, element, &path.index(i), false, out);
        }
    }
}

fn identity(map: &Map, path: &FieldPath, out: &mut FieldErrors) {
    for key in ["apiVersion", "kind"] {
        let place = path.child(key);
        let Some(value) = map.get(key) else {
            out.push(FieldError::required(&place, ""));
            continue;
        };
        match value.as_str() {
            None => out.push(FieldError::invalid(&place, value, "must be a string")),
            Some("") => out.push(FieldError::required(&place, "")),
            Some(text) => out.extend(malformed(key, text).map(|why| FieldError::invalid(&place, text, why))),
        }
    }
}

fn malformed(key: &str, text: &str) -> Option<String> {
    if key == "apiVersion" {
        return (text.matches('/').count() > 1).then(|| format!("unexpected GroupVersion string: {text}"));
    }
    let complaints = names::dns1035_label(&text.to_lowercase());
    (!complaints.is_empty())
        .then(|| format!("may have mixed case, but should otherwise match: {}", complaints.join(",")))
}

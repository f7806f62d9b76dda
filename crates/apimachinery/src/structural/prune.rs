//! Dropping what the schema does not know.

use crate::schema::{Schema, Type};
use crate::{Document, Map};

/// Most paths that are reported.
const MAX_PATHS: usize = 100;

/// Drops unknown fields, except where they are preserved. Returns their paths: `spec.foo`, `spec.list[0].bar`.
pub fn prune(doc: &mut Document, schema: &Schema) -> Vec<String> {
    let mut dropped = Vec::new();
    walk(doc, Some(schema), false, &mut String::new(), &mut dropped);
    dropped
}

/// `preserved` says that what the schema does not name stays, as it does below a preserving schema without a type.
fn walk(
    doc: &mut Document,
    schema: Option<&Schema>,
    preserved: bool,
    path: &mut String,
    dropped: &mut Vec<String>,
) {
    let keeps = preserved && schema.is_none() || schema.is_some_and(|schema| schema.preserve_unknown);
    if let Some(map) = doc.as_object_mut() {
        prune_map(map, schema, keeps, path, dropped);
    } else if let Some(list) = doc.as_array_mut() {
        let element =
            schema.and_then(Schema::element).filter(|_| schema.is_some_and(|s| s.ty == Type::Array));
        for (i, value) in list.iter_mut().enumerate() {
            let length = path.len();
            path.push_str(&format!("[{i}]"));
            walk(value, element, keeps, path, dropped);
            path.truncate(length);
        }
    }
}

fn prune_map(
    map: &mut Map,
    schema: Option<&Schema>,
    keeps: bool,
    path: &mut String,
    dropped: &mut Vec<String>,
) {
    map.retain(|key, value| {
        let length = path.len();
        if length > 0 {
            path.push('.');
        }
        path.push_str(key);
        let known = schema.and_then(|schema| schema.value_of(key));
        let stays = known.is_some() || keeps;
        if stays {
            walk(value, known, keeps, path, dropped);
        } else if dropped.len() < MAX_PATHS {
            dropped.push(path.clone());
        }
        path.truncate(length);
        stays
    });
}

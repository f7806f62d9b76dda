//! Lists that are sets or maps: no element comes twice.

use crate::schema::{ListType, Schema, Type};
use crate::{Document, FieldError, FieldErrors, FieldPath, Map};

/// Duplicates in sets and maps, all the way down.
pub(super) fn check(doc: &Document, schema: &Schema, path: &FieldPath, out: &mut FieldErrors) {
    if let Some(map) = doc.as_object() {
        for (key, value) in map.iter() {
            let Some(inner) = schema.value_of(key) else { continue };
            let place = if schema.field(key).is_some() { path.child(key) } else { path.key(key) };
            check(value, inner, &place, out);
        }
        return;
    }
    let (Some(list), Type::Array) = (doc.as_array(), schema.ty) else { return };
    match &schema.list {
        ListType::Atomic => {}
        ListType::Set => {
            duplicates(list.iter().enumerate().map(|(i, element)| (i, element.clone())), path, out)
        }
        ListType::Map(keys) => {
            if let Some((i, element)) = list
                .iter()
                .enumerate()
                .find(|(_, element)| element.as_object().is_none() && !element.is_null())
            {
                let why = "must be an object for an array of list-type map";
                out.push(FieldError::invalid(&path.index(i), element, why));
            } else {
                let names = list.iter().enumerate().map(|(i, element)| {
                    let name: Map = keys
                        .iter()
                        .filter_map(|key| element.get(key).map(|value| (key.as_ref(), value.clone())))
                        .collect();
                    (i, Document::from(name))
                });
                duplicates(names, path, out);
            }
        }
    }
    if let Some(element) = schema.element() {
        for (i, value) in list.iter().enumerate() {
            check(value, element, &path.index(i), out);
        }
    }
}

fn duplicates(names: impl Iterator<Item = (usize, Document)>, path: &FieldPath, out: &mut FieldErrors) {
    // one line for each value, however often it comes
    let mut seen: std::collections::HashMap<String, bool> = std::collections::HashMap::new();
    for (i, name) in names {
        let mut sorted = name.clone();
        if let Some(map) = sorted.as_object_mut() {
            map.sort_keys();
        }
        match seen.entry(sorted.to_string()) {
            std::collections::hash_map::Entry::Vacant(entry) => drop(entry.insert(false)),
            std::collections::hash_map::Entry::Occupied(mut reported) => {
                if !reported.insert(true) {
                    out.push(FieldError::duplicate(&path.index(i), sorted));
                }
            }
        }
    }
}

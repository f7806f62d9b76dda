//! Strategic merge patch: maps merge, lists merge by the merge key that the schema names, directives say the rest.
//!
//! Directives: `$patch: replace | delete | merge`, `$retainKeys`, `$deleteFromPrimitiveList/FIELD`,
//! `$setElementOrder/FIELD`. The order of a merged list is settled in `element_order`.

use super::PatchError;
use super::element_order::{order_maps, order_scalars};
use crate::schema::{Field, Schema};
use crate::{Document, Map, Node};

pub(super) const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const ELEMENT_ORDER: &str = "$setElementOrder/";

/// Applies a strategic merge patch to an object of this schema.
///
/// # Errors
/// If a directive is malformed or a list lacks what merging needs.
pub fn apply_strategic_merge_patch(
    target: &mut Document,
    patch: &Document,
    schema: &Schema,
) -> Result<(), PatchError> {
    let Some(patch) = patch.as_object() else {
        return Err(PatchError::Malformed("Invalid JSON document".to_owned()));
    };
    let original = target.take().into_object();
    *target = merge_map(original, patch.clone(), Some(schema))?.into();
    Ok(())
}

fn merge_map(mut original: Map, mut patch: Map, schema: Option<&Schema>) -> Result<Map, PatchError> {
    if let Some(directive) = patch.remove(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => Ok(patch),
            Some("delete") => Ok(Map::new()),
            _ => Err(PatchError::Malformed(format!(
                "unknown patch type: {} in map: {}",
                directive.as_str().unwrap_or(&directive.to_string()),
                Document::from(patch)
            ))),
        };
    }
    retain_keys(&mut original, &mut patch)?;
    merge_ordered_lists(&mut original, &mut patch, schema)?;
    for (key, value) in patch {
        if let Some(field) = key.strip_prefix(DELETE_FROM) {
            let removed = value.as_array().ok_or_else(|| malformed_list(&key))?;
            if let Some(list) = original.get_mut(field).and_then(Document::as_array_mut) {
                list.retain(|element| !removed.contains(element));
            }
            continue;
        }
        if value.is_null() {
            original.remove(&key);
            continue;
        }
        let field = schema.and_then(|schema| schema.field(&key));
        let inner = schema.and_then(|schema| schema.value_of(&key));
        let Some(current) = original.get_mut(&key) else {
            if let Some(clean) = without_directives(value) {
                original.insert(key, clean);
            }
            continue;
        };
        match (current.node(), value.node()) {
            (Node::Object(_), Node::Object(_)) if field.is_some_and(|field| field.patch.replace) => {
                *current = value
            }
            (Node::Object(_), Node::Object(_)) => {
                *current = merge_map(current.take().into_object(), value.into_object(), inner)?.into();
            }
            (Node::Array(_), Node::Array(_)) => {
                *current = merge_list(current.take().into_array(), value.into_array(), field, inner)?.into();
            }
            _ => match without_directives(value) {
                Some(clean) => *current = clean,
                None => drop(original.remove(&key)),
            },
        }
    }
    Ok(original)
}

/// `$retainKeys`: of a union's fields only the named ones stay.
fn retain_keys(original: &mut Map, patch: &mut Map) -> Result<(), PatchError> {
    let Some(kept) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let malformed = || PatchError::Malformed("invalid patch format of retainKeys list".to_owned());
    let kept: Vec<&str> = kept
        .as_array()
        .ok_or_else(malformed)?
        .iter()
        .map(Document::as_str)
        .collect::<Option<_>>()
        .ok_or_else(malformed)?;
    let named = |key: &str| key.starts_with('$') || kept.contains(&key);
    if !patch.iter().all(|(key, value)| value.is_null() || named(key)) {
        return Err(malformed());
    }
    original.retain(|key, _| kept.contains(&key));
    Ok(())
}

/// Lists with a `$setElementOrder/FIELD` beside them are merged and ordered here, and leave the patch.
fn merge_ordered_lists(
    original: &mut Map,
    patch: &mut Map,
    schema: Option<&Schema>,
) -> Result<(), PatchError> {
    let names: Vec<String> =
        patch.keys().filter_map(|key| key.strip_prefix(ELEMENT_ORDER)).map(str::to_owned).collect();
    for name in names {
        let Some(order) = patch.remove(&format!("{ELEMENT_ORDER}{name}")) else { continue };
        if order.as_array().is_none() {
            return Err(PatchError::Malformed("invalid patch format of setElementOrder list".to_owned()));
        }
        let order = order.into_array();
        let field = schema.and_then(|schema| schema.field(&name));
        let key = merge_key(field);
        let live = original.get(&name).and_then(Document::as_array).map(<[Document]>::to_vec);
        if let Some(removed) = patch.remove(&format!("{DELETE_FROM}{name}"))
            && let Some(list) = original.get_mut(&name).and_then(Document::as_array_mut)
        {
            let removed = removed.into_array();
            list.retain(|element| !removed.contains(element));
        }
        let changes = match patch.get(&name) {
            Some(value) if value.is_null() => continue,
            Some(value) if value.as_array().is_none() => return Err(malformed_list(&name)),
            Some(_) => patch.remove(&name).map(Document::into_array),
            None => None,
        };
        if let Some(changes) = &changes {
            check_order(changes, &order, key)?;
        }
        let current = original.get_mut(&name).map(|value| value.take().into_array());
        let merged = match (current, changes) {
            (None, None) => continue,
            (Some(current), None) => current,
            (None, Some(changes)) => plain_elements(changes),
            (Some(current), Some(changes)) => {
                merge_list(current, changes, field, schema.and_then(|schema| schema.value_of(&name)))?
            }
        };
        let live = live.unwrap_or_default();
        let ordered = match key {
            Some(key) => order_maps(merged, &order, &live, key),
            None => order_scalars(merged, &order, &live),
        };
        original.insert(name, ordered);
    }
    Ok(())
}

/// The elements of the patch must come in the order that the directive names.
fn check_order(changes: &[Document], order: &[Document], key: Option<&str>) -> Result<(), PatchError> {
    let identity = |element: &Document| match key {
        Some(key) => element.get(key).cloned(),
        None => Some(element.clone()),
    };
    let mut names = order.iter().map(identity);
    let fits = changes
        .iter()
        .filter(|change| change.get(DIRECTIVE).is_none())
        .all(|change| names.any(|name| name == identity(change)));
    if fits {
        return Ok(());
    }
    Err(PatchError::Malformed(format!(
        "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
        Document::from(changes.to_vec()),
        Document::from(order.to_vec())
    )))
}

fn merge_key(field: Option<&Field>) -> Option<&str> {
    field.and_then(|field| field.merge_key.as_deref())
}

fn merge_list(
    original: Vec<Document>,
    patch: Vec<Document>,
    field: Option<&Field>,
    schema: Option<&Schema>,
) -> Result<Vec<Document>, PatchError> {
    if !field.is_some_and(|field| field.patch.merge) {
        return Ok(patch);
    }
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    let of_maps = original.iter().chain(&patch).any(|element| element.as_object().is_some());
    if !of_maps {
        let mut merged: Vec<Document> = Vec::new();
        for element in original.iter().chain(&patch) {
            if !merged.contains(element) {
                merged.push(element.clone());
            }
        }
        return Ok(order_scalars(merged, &patch, &original));
    }
    let Some(key) = merge_key(field) else {
        let name = schema.and_then(|schema| schema.name.as_deref()).unwrap_or("list");
        return Err(PatchError::Unprocessable(format!("cannot merge lists without merge key for {name}")));
    };
    let (original, patch) = apply_list_directives(original, patch, key)?;
    let element = schema.and_then(Schema::element);
    let mut merged = original.clone();
    for change in patch.iter() {
        let identity = change.get(key).ok_or_else(|| {
            PatchError::Unprocessable(format!("map: {change} does not contain declared merge key: {key}"))
        })?;
        match merged.iter_mut().find(|live| same_key(live.get(key), identity)) {
            Some(live) => {
                let change = change.as_object().cloned().unwrap_or_default();
                *live = merge_map(live.take().into_object(), change, element)?.into();
            }
            None => merged.extend(without_directives(change.clone())),
        }
    }
    Ok(order_maps(merged, &patch, &original, key))
}

/// `$patch: delete` and `$patch: replace` among a list's elements.
fn apply_list_directives(
    mut original: Vec<Document>,
    patch: Vec<Document>,
    key: &str,
) -> Result<(Vec<Document>, Vec<Document>), PatchError> {
    let mut plain = Vec::with_capacity(patch.len());
    let mut replace = false;
    for change in patch {
        match change.get(DIRECTIVE).map(|directive| directive.as_str().unwrap_or("")) {
            None => plain.push(change),
            Some("delete") => {
                let identity = change.get(key).ok_or_else(|| {
                    PatchError::Unprocessable("delete patch type with no merge key defined".to_owned())
                })?;
                original.retain(|live| !same_key(live.get(key), identity));
            }
            Some("replace") => replace = true,
            Some("merge") => {
                return Err(PatchError::Malformed(
                    "merging lists cannot yet be specified in the patch".to_owned(),
                ));
            }
            Some(other) => {
                return Err(PatchError::Malformed(format!("unknown patch type: {other} in map: {change}")));
            }
        }
    }
    if replace { Ok((plain, Vec::new())) } else { Ok((original, plain)) }
}

/// Keys compare by their text: a port may come as `80` and `"80"`.
pub(super) fn same_key(a: Option<&Document>, b: &Document) -> bool {
    let text = |doc: &Document| doc.as_str().map_or_else(|| doc.to_string(), str::to_owned);
    a.is_some_and(|a| a == b || text(a) == text(b))
}

/// A value that is new to the object: directives and nulls mean nothing there. `None` if it only deletes.
fn without_directives(value: Document) -> Option<Document> {
    match value.node() {
        Node::Object(map) => {
            if map.get(DIRECTIVE).and_then(Document::as_str) == Some("delete") {
                return None;
            }
            let clean = value.into_object().into_iter().filter(|(key, value)| {
                !value.is_null()
                    && &**key != DIRECTIVE
                    && &**key != RETAIN_KEYS
                    && !key.starts_with(ELEMENT_ORDER)
                    && !key.starts_with(DELETE_FROM)
            });
            Some(clean.filter_map(|(key, value)| Some((key, without_directives(value)?))).collect())
        }
        Node::Array(_) => Some(plain_elements(value.into_array()).into()),
        _ => Some(value),
    }
}

/// A list that is new to the object. An element that only says `$patch: replace` is dropped too.
fn plain_elements(list: Vec<Document>) -> Vec<Document> {
    list.into_iter()
        .filter(|element| {
            element.get(DIRECTIVE).and_then(Document::as_str) != Some("replace")
                || element.as_object().is_some_and(|map| map.len() > 1)
        })
        .filter_map(without_directives)
        .collect()
}

fn malformed_list(name: &str) -> PatchError {
    PatchError::Malformed(format!("invalid patch format of primitive list: {name}"))
}

#[cfg(test)]
#[path = "strategic_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "strategic_laws.rs"]
mod laws;

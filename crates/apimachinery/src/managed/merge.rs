//! An applied object laid over the live one.

use super::shape::{Shape, element_of, is_void, list, map, shape};
use crate::fieldset::PathElement;
use crate::schema::Schema;
use crate::{Document, Map};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The live object with the applied one's values over it. List elements that both have take the applied order; those
/// that only the live object has stay where they were among their neighbours.
pub(super) fn merge(live: &Document, applied: &Document, schema: Option<&Schema>) -> Document {
    value(schema, Some(live), Some(applied)).unwrap_or_default()
}

fn value(schema: Option<&Schema>, live: Option<&Document>, applied: Option<&Document>) -> Option<Document> {
    let kind = shape(schema, live, applied);
    let (one_sided, leaf) = (live.is_none() || applied.is_none(), kind == Shape::Leaf);
    if leaf || one_sided || (is_void(live) && is_void(applied)) {
        return applied.or(live).cloned();
    }
    match kind {
        Shape::List => Some(elements(schema, list(live), list(applied)).into()),
        Shape::Map | Shape::Leaf => Some(entries(schema, map(live), map(applied)).into()),
    }
}

fn entries(schema: Option<&Schema>, live: Option<&Map>, applied: Option<&Map>) -> Map {
    let mut out = live.cloned().unwrap_or_default();
    for (key, new) in applied.into_iter().flat_map(Map::iter) {
        let inner = schema.and_then(|schema| schema.value_of(key));
        if let Some(merged) = value(inner, out.get(key), Some(new)) {
            out.insert(key, merged);
        }
    }
    out
}

fn elements(schema: Option<&Schema>, live: &[Document], applied: &[Document]) -> Vec<Document> {
    let inner = schema.and_then(Schema::element);
    let name = |element: &Document| element_of(schema, element).ok();
    let live_names: Vec<Option<PathElement>> = live.iter().map(name).collect();
    let applied_names: Vec<PathElement> = applied.iter().filter_map(name).collect();
    let live_at = unique(&live_names);
    let applied_at: BTreeMap<&PathElement, usize> =
        applied_names.iter().enumerate().map(|(i, name)| (name, i)).collect();
    let live_has: BTreeSet<&PathElement> = live_names.iter().flatten().collect();

    // elements of both, in the applied order: the order in which they must come out
    let mut shared: VecDeque<&PathElement> =
        applied_names.iter().filter(|name| live_has.contains(name)).collect();
    let mut next_shared = shared.pop_front();
    let mut merged: BTreeSet<&PathElement> = BTreeSet::new();
    let mut out = Vec::with_capacity(live.len().max(applied.len()));
    let take = |name: &PathElement| {
        let before = live_at.get(name).map(|i| &live[*i]);
        let after = applied_at.get(name).map(|i| &applied[*i]);
        value(inner, before, after)
    };

    let (mut l, mut a) = (0, 0);
    while l < live.len() || a < applied_names.len() {
        if l < live.len() {
            let Some(name) = &live_names[l] else {
                out.push(live[l].clone());
                l += 1;
                continue;
            };
            if a < applied_names.len() {
                if *name == applied_names[a] {
                    merged.insert(&applied_names[a]);
                    out.extend(take(name));
                    (l, a) = (l + 1, a + 1);
                    next_shared = shared.pop_front();
                    continue;
                }
                if applied_at.contains_key(name) && next_shared.is_some_and(|next| next != name) {
                    // of both, but its turn comes later
                    l += 1;
                    continue;
                }
            }
            if !applied_at.contains_key(name) {
                out.push(live[l].clone());
                l += 1;
                continue;
            }
            if merged.contains(name) {
                l += 1;
                if a >= applied_names.len() {
                    continue;
                }
            }
        }
        if a < applied_names.len() {
            let name = &applied_names[a];
            merged.insert(name);
            out.extend(take(name));
            a += 1;
            if next_shared == Some(name) {
                next_shared = shared.pop_front();
            }
        } else if l < live.len() {
            l += 1;
        }
    }
    out
}

/// Names that come once, with their places.
fn unique(names: &[Option<PathElement>]) -> BTreeMap<&PathElement, usize> {
    let mut out = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for (i, name) in names.iter().enumerate() {
        if let Some(name) = name
            && out.insert(name, i).is_some()
        {
            twice.insert(name);
        }
    }
    out.retain(|name, _| !twice.contains(name));
    out
}

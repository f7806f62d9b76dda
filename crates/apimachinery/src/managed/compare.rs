//! What differs between two states of an object, as sets of fields.

use super::shape::{Shape, element_of, is_void, list, map, shape};
use crate::decode::zero_field;
use crate::fieldset::{FieldSet, PathElement};
use crate::schema::Schema;
use crate::{Document, Map};
use std::collections::BTreeMap;

/// Fields that differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Comparison {
    pub added: FieldSet,
    pub modified: FieldSet,
    pub removed: FieldSet,
}

impl Comparison {
    /// Without the fields that a write of this kind does not decide.
    pub(super) fn excluding(&self, ignored: &FieldSet) -> Self {
        Self {
            added: self.added.recursive_difference(ignored),
            modified: self.modified.recursive_difference(ignored),
            removed: self.removed.recursive_difference(ignored),
        }
    }
}

/// Compares two states.
pub(super) fn compare(old: &Document, new: &Document, schema: Option<&Schema>) -> Comparison {
    let mut walk = Walk { path: Vec::new(), out: Comparison::default() };
    walk.value(schema, Some(old), Some(new));
    walk.out
}

struct Walk {
    path: Vec<PathElement>,
    out: Comparison,
}

impl Walk {
    fn value(&mut self, schema: Option<&Schema>, old: Option<&Document>, new: Option<&Document>) {
        if old == new {
            return;
        }
        let kind = shape(schema, old, new);
        // an empty list or map against nothing: a difference of the field itself
        if kind == Shape::Leaf || (is_void(old) && is_void(new)) {
            self.leaf(old, new);
            return;
        }
        match kind {
            Shape::List => self.elements(schema, old, new),
            Shape::Map | Shape::Leaf => self.entries(schema, old, new),
        }
        if old.is_none() {
            self.out.added.insert(&self.path);
        } else if new.is_none() {
            self.out.removed.insert(&self.path);
        }
    }

    fn leaf(&mut self, old: Option<&Document>, new: Option<&Document>) {
        let set = match (old, new) {
            (None, _) => &mut self.out.added,
            (_, None) => &mut self.out.removed,
            _ => &mut self.out.modified,
        };
        set.insert(&self.path);
    }

    fn entries(&mut self, schema: Option<&Schema>, old: Option<&Document>, new: Option<&Document>) {
        let (old_map, new_map) = (map(old), map(new));
        let both = old_map.is_some() && new_map.is_some();
        let old_keys = old_map.into_iter().flat_map(Map::keys);
        let new_keys = new_map.into_iter().flat_map(Map::keys);
        let only_new = new_keys.filter(|key| !old_map.is_some_and(|map| map.contains_key(key)));
        for key in old_keys.chain(only_new) {
            let mut old = old_map.and_then(|map| map.get(key));
            let mut new = new_map.and_then(|map| map.get(key));
            // what is always written was there before, empty
            let zero = schema
                .and_then(|schema| schema.field(key))
                .filter(|field| both && field.always)
                .map(|field| zero_field(field.schema.get()));
            if let Some(zero) = &zero {
                old = old.or(Some(zero));
                new = new.or(Some(zero));
            }
            self.path.push(PathElement::field(key));
            self.value(schema.and_then(|schema| schema.value_of(key)), old, new);
            self.path.pop();
        }
    }

    fn elements(&mut self, schema: Option<&Schema>, old: Option<&Document>, new: Option<&Document>) {
        let element = schema.and_then(Schema::element);
        let old = by_name(schema, list(old));
        let new = by_name(schema, list(new));
        let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(name)));
        for name in names {
            let before = old.get(name).map_or(&[][..], Vec::as_slice);
            let after = new.get(name).map_or(&[][..], Vec::as_slice);
            self.path.push(name.clone());
            match (before, after) {
                ([] | [_], [] | [_]) => self.value(element, before.first().copied(), after.first().copied()),
                ([_, _, ..], [_, _, ..]) => {
                    if before != after {
                        self.out.modified.insert(&self.path);
                    }
                }
                ([_, _, ..], _) => {
                    if let Some(one) = after.first() {
                        self.value(element, None, Some(one));
                    }
                    self.out.removed.insert(&self.path);
                }
                (_, [_, _, ..]) => {
                    if let Some(one) = before.first() {
                        self.value(element, Some(one), None);
                    }
                    self.out.added.insert(&self.path);
                }
            }
            self.path.pop();
        }
    }
}

/// Elements by their name, duplicates together; those without a name are nobody's.
fn by_name<'d>(schema: Option<&Schema>, list: &'d [Document]) -> BTreeMap<PathElement, Vec<&'d Document>> {
    let mut out: BTreeMap<PathElement, Vec<&Document>> = BTreeMap::new();
    for element in list {
        if let Ok(name) = element_of(schema, element) {
            out.entry(name).or_default().push(element);
        }
    }
    out
}

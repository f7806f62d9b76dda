//! What differs between two states of an object.

use super::{FieldSet, PathElement, collect, element_of, is_granular, list_type};
use crate::schema::{ListType, Schema};
use crate::{Document, Map, Node};

/// The fields that differ.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// Set now, not before.
    pub added: FieldSet,
    /// Set to something else.
    pub modified: FieldSet,
    /// Set before, not now.
    pub removed: FieldSet,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }
}

/// Compares two states of an object.
pub fn compare(old: &Document, new: &Document, schema: Option<&Schema>) -> Comparison {
    let mut out = Comparison::default();
    walk(Some(old), Some(new), schema, &mut Vec::new(), &mut out);
    out
}

fn walk(
    old: Option<&Document>,
    new: Option<&Document>,
    schema: Option<&Schema>,
    at: &mut Vec<PathElement>,
    out: &mut Comparison,
) {
    match (old, new) {
        (None, None) => {}
        (None, Some(new)) => gather(new, schema, at, &mut out.added),
        (Some(old), None) => gather(old, schema, at, &mut out.removed),
        (Some(old), Some(new)) => match (old.node(), new.node()) {
            (Node::Object(old), Node::Object(new)) if is_granular(schema) => maps(old, new, schema, at, out),
            (Node::Array(old), Node::Array(new)) if *list_type(schema) != ListType::Atomic => {
                lists(old, new, schema, at, out);
            }
            _ if old == new => {}
            _ if at.is_empty() => {}
            _ => out.modified.insert(at),
        },
    }
}

/// All fields of a part that is only on one side; a free map counts as a field itself.
fn gather(doc: &Document, schema: Option<&Schema>, at: &mut Vec<PathElement>, out: &mut FieldSet) {
    let free_map = doc.as_object().is_some() && schema.is_none_or(Schema::is_free_map);
    if free_map && !at.is_empty() {
        out.insert(at);
    }
    collect::walk(doc, schema, at, out);
}

fn maps(old: &Map, new: &Map, schema: Option<&Schema>, at: &mut Vec<PathElement>, out: &mut Comparison) {
    let gone = old.keys().filter(|key| !new.contains_key(key));
    for key in new.keys().chain(gone) {
        at.push(PathElement::field(key));
        walk(old.get(key), new.get(key), schema.and_then(|schema| schema.value_of(key)), at, out);
        at.pop();
    }
}

fn lists(
    old: &[Document],
    new: &[Document],
    schema: Option<&Schema>,
    at: &mut Vec<PathElement>,
    out: &mut Comparison,
) {
    let element_schema = schema.and_then(Schema::element);
    let step = |element: &Document| element_of(list_type(schema), element_schema, element);
    let find =
        |list: &'_ [Document], wanted: &Option<PathElement>| list.iter().position(|e| step(e) == *wanted);
    for element in new {
        let key = step(element);
        let before = find(old, &key).map(|i| &old[i]);
        let Some(key) = key else { continue };
        at.push(key);
        if before.is_none() {
            out.added.insert(at);
        }
        walk(before, Some(element), element_schema, at, out);
        at.pop();
    }
    for element in old {
        let key = step(element);
        if find(new, &key).is_none()
            && let Some(key) = key
        {
            at.push(key);
            out.removed.insert(at);
            walk(Some(element), None, element_schema, at, out);
            at.pop();
        }
    }
}

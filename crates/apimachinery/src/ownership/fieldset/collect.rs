//! The fields that an object sets.

use super::{FieldSet, PathElement, element_of, is_granular, list_type};
use crate::schema::{ListType, Schema};
use crate::{Document, Node};

/// All fields that a document sets: scalars and atomic parts as a whole, elements of associative lists and free maps one by one.
pub fn collect(doc: &Document, schema: Option<&Schema>) -> FieldSet {
    let mut out = FieldSet::new();
    walk(doc, schema, &mut Vec::new(), &mut out);
    out
}

pub(super) fn walk(doc: &Document, schema: Option<&Schema>, at: &mut Vec<PathElement>, out: &mut FieldSet) {
    match doc.node() {
        Node::Object(map) if is_granular(schema) => {
            for (key, value) in map.iter() {
                at.push(PathElement::field(key));
                walk(value, schema.and_then(|schema| schema.value_of(key)), at, out);
                let free = schema.is_none_or(|schema| schema.field(key).is_none());
                let empty = match value.node() {
                    Node::Null => true,
                    Node::Object(map) => map.is_empty(),
                    _ => false,
                };
                if empty || (free && schema.is_some()) {
                    out.insert(at);
                }
                at.pop();
            }
        }
        Node::Array(list) if *list_type(schema) != ListType::Atomic => {
            let element_schema = schema.and_then(Schema::element);
            for element in list {
                if let Some(step) = element_of(list_type(schema), element_schema, element) {
                    at.push(step);
                    walk(element, element_schema, at, out);
                    out.insert(at);
                    at.pop();
                }
            }
        }
        _ => out.insert(at),
    }
}

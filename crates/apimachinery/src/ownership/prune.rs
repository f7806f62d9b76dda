//! Taking away what an applier named last time, names no longer, and nobody else owns.

use crate::ownership::fieldset::{FieldSet, PathElement, element_of, is_granular, list_type};
use crate::schema::{ListType, Schema};
use crate::{Document, Node};

/// Removes the members of `gone` from an object, unless something at or below them is `owned`.
pub(super) fn prune(object: &mut Document, schema: Option<&Schema>, gone: &FieldSet, owned: &FieldSet) {
    walk(object, schema, &mut Vec::new(), gone, owned);
}

fn walk(
    doc: &mut Document,
    schema: Option<&Schema>,
    at: &mut Vec<PathElement>,
    gone: &FieldSet,
    owned: &FieldSet,
) {
    let removed = |at: &[PathElement]| gone.has(at) && !owned.touches(at);
    match doc.node() {
        Node::Object(map) if is_granular(schema) => {
            let keys: Vec<Box<str>> = map.keys().map(Box::from).collect();
            for key in keys {
                at.push(PathElement::Field(key.clone()));
                if removed(at) {
                    doc.remove(&[&*key]);
                } else if gone.touches(at)
                    && let Some(value) = doc.get_mut(&key)
                {
                    let had = !value.is_empty();
                    walk(value, schema.and_then(|schema| schema.value_of(&key)), at, gone, owned);
                    // A parent that only held what went away goes with it.
                    let hollow = had && matches!(value.node(), Node::Object(map) if map.is_empty());
                    let hollow_list = had && matches!(value.node(), Node::Array(list) if list.is_empty());
                    if (hollow || hollow_list) && !owned.touches(at) {
                        doc.remove(&[&*key]);
                    }
                }
                at.pop();
            }
        }
        Node::Array(_) if *list_type(schema) != ListType::Atomic => {
            let element_schema = schema.and_then(Schema::element);
            let list = std::mem::take(doc.make_array());
            for mut element in list {
                let Some(step) = element_of(list_type(schema), element_schema, &element) else { continue };
                at.push(step);
                if !removed(at) {
                    if gone.touches(at) {
                        walk(&mut element, element_schema, at, gone, owned);
                    }
                    doc.push(element);
                }
                at.pop();
            }
        }
        _ => {}
    }
}

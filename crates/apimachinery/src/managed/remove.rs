//! Taking fields out of an object.

use super::shape::{Shape, element_of, shape};
use crate::Document;
use crate::fieldset::{FieldSet, PathElement};
use crate::schema::Schema;

/// The object without these fields. Atomic lists and maps are only taken as a whole.
pub(super) fn without(doc: &Document, schema: Option<&Schema>, fields: &FieldSet) -> Document {
    let mut out = doc.clone();
    remove(&mut out, schema, fields);
    out
}

fn remove(doc: &mut Document, schema: Option<&Schema>, fields: &FieldSet) {
    match shape(schema, Some(doc), None) {
        Shape::Leaf => {}
        Shape::List => {
            let Some(list) = doc.as_array_mut() else { return };
            list.retain_mut(|element| {
                let Ok(name) = element_of(schema, element) else { return true };
                if fields.has(&name) {
                    return false;
                }
                if let Some(below) = fields.below(&name) {
                    remove(element, schema.and_then(Schema::element), below);
                }
                true
            });
        }
        Shape::Map => {
            let Some(map) = doc.as_object_mut() else { return };
            map.retain(|key, value| {
                let name = PathElement::field(key);
                if fields.has(&name) {
                    return false;
                }
                if let Some(below) = fields.below(&name) {
                    remove(value, schema.and_then(|schema| schema.value_of(key)), below);
                }
                true
            });
        }
    }
}

/// The set where every named field with fields below it is a field itself, so that emptied structs go with their fields.
pub(super) fn with_named_parents(fields: &FieldSet, schema: Option<&Schema>) -> FieldSet {
    let mut out = FieldSet::new();
    for (element, member, below) in fields.elements() {
        let (named, inner) = match element {
            PathElement::Field(name) => (
                schema.is_some_and(|schema| schema.field(name).is_some()),
                schema.and_then(|schema| schema.value_of(name)),
            ),
            _ => (false, schema.and_then(Schema::element)),
        };
        if member || (named && below.is_some()) {
            out.insert_member(element.clone());
        }
        if let Some(below) = below {
            out.set_below(element.clone(), with_named_parents(below, inner));
        }
    }
    out
}

/// The set where what lies below an atomic list or map is owned with it, as after a schema became atomic.
pub(super) fn collapse_atomic(fields: &FieldSet, schema: Option<&Schema>) -> FieldSet {
    let mut out = FieldSet::new();
    for (element, member, below) in fields.elements() {
        let inner = match element {
            PathElement::Field(name) => schema.and_then(|schema| schema.value_of(name)),
            _ => schema.and_then(Schema::element),
        };
        let atomic = below.is_some()
            && inner.is_some_and(|inner| shape(Some(inner), None, None) == Shape::Leaf)
            && inner.is_some_and(|inner| inner.ty != crate::schema::Type::Any);
        if member || atomic {
            out.insert_member(element.clone());
        }
        if let Some(below) = below.filter(|_| !atomic) {
            out.set_below(element.clone(), collapse_atomic(below, inner));
        }
    }
    out
}

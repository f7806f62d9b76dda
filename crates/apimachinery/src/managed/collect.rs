//! The set of fields that an object holds, and whether an applied object fits its schema.

use super::mismatch::mismatch;
use super::shape::{Shape, element_of, list, map, shape};
use crate::Document;
use crate::fieldset::{FieldSet, PathElement, path_text};
use crate::schema::Schema;
use std::collections::BTreeMap;

/// How a problem with a field that the schema does not have ends.
pub(super) const UNDECLARED: &str = "field not declared in schema";

/// All leaves of the object, list elements, and keys of free maps.
pub(super) fn fields_of(doc: &Document, schema: Option<&Schema>) -> FieldSet {
    let mut out = FieldSet::new();
    collect(doc, schema, &mut Vec::new(), &mut out);
    out
}

fn collect(doc: &Document, schema: Option<&Schema>, path: &mut Vec<PathElement>, out: &mut FieldSet) {
    match shape(schema, Some(doc), None) {
        Shape::Leaf => out.insert(path),
        Shape::List => {
            let mut seen: BTreeMap<PathElement, usize> = BTreeMap::new();
            let elements: Vec<_> = list(Some(doc))
                .iter()
                .filter_map(|element| Some((element_of(schema, element).ok()?, element)))
                .collect();
            for (name, _) in &elements {
                *seen.entry(name.clone()).or_default() += 1;
            }
            for (name, element) in elements {
                // of elements that come twice only their name is owned
                let twice = seen.get(&name).is_some_and(|count| *count > 1);
                path.push(name);
                if !twice {
                    collect(element, schema.and_then(Schema::element), path, out);
                }
                out.insert(path);
                path.pop();
            }
        }
        Shape::Map => {
            for (key, value) in map(Some(doc)).into_iter().flat_map(crate::Map::iter) {
                let named = schema.is_some_and(|schema| schema.field(key).is_some());
                path.push(PathElement::field(key));
                collect(value, schema.and_then(|schema| schema.value_of(key)), path, out);
                let void = value.is_null() || value.as_object().is_some_and(crate::Map::is_empty);
                if void || !named {
                    out.insert(path);
                }
                path.pop();
            }
        }
    }
}

/// What is wrong with an applied object.
pub(super) enum Problem {
    /// A field that the schema lacks, or a value of another type.
    Misfit(String),
    /// An element of a list that cannot be told apart from the others.
    Unkeyed(String),
}

impl Problem {
    /// What upstream says of it.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Misfit(text) | Self::Unkeyed(text) => text,
        }
    }
}

/// All that is wrong with an applied object.
pub(super) fn problems(doc: &Document, schema: Option<&Schema>) -> Vec<Problem> {
    let mut out = Vec::new();
    check(doc, schema, &mut Vec::new(), &mut out);
    out
}

fn check(doc: &Document, schema: Option<&Schema>, path: &mut Vec<PathElement>, out: &mut Vec<Problem>) {
    let Some(schema) = schema else { return };
    if let Some(why) = mismatch(doc, schema) {
        out.push(Problem::Misfit(format!("{}: {why}", path_text(path))));
        return;
    }
    if let Some(map) = doc.as_object() {
        for (key, value) in map.iter() {
            path.push(PathElement::field(key));
            match schema.value_of(key) {
                Some(inner) => check(value, Some(inner), path, out),
                None if schema.fields.is_empty() || schema.preserve_unknown => {}
                None => out.push(Problem::Misfit(format!("{}: {UNDECLARED}", path_text(path)))),
            }
            path.pop();
        }
        return;
    }
    let Some(elements) = doc.as_array() else { return };
    let keyed = shape(Some(schema), Some(doc), None) == Shape::List;
    let mut seen = std::collections::BTreeSet::new();
    for (i, element) in elements.iter().enumerate() {
        let name = if keyed {
            match element_of(Some(schema), element) {
                Ok(name) => name,
                Err(why) => {
                    out.push(Problem::Unkeyed(format!("{}: element {i}: {why}", path_text(path))));
                    continue;
                }
            }
        } else {
            PathElement::Index(i as i64)
        };
        if !seen.insert(name.clone()) {
            let text = format!("{}: duplicate entries for key {name}", path_text(path));
            out.push(Problem::Unkeyed(text));
        }
        path.push(name);
        check(element, schema.element(), path, out);
        path.pop();
    }
}

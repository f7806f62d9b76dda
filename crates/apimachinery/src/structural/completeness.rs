//! Logic only speaks of what the schema around it specifies.

use super::rules::{nested, properties};
use crate::{Document, FieldError, FieldErrors, FieldPath};

/// What logic speaks of that is not specified, all the way down.
pub(super) fn check(schema: &Document, path: &FieldPath, out: &mut FieldErrors) {
    logic(schema, schema, path, path, out);
    if let Some(items) = nested(schema, "items") {
        check(items, &path.child("items"), out);
    }
    for (name, property) in properties(schema) {
        check(property, &path.child("properties").key(name), out);
    }
    if let Some(values) = nested(schema, "additionalProperties") {
        check(values, &path.child("additionalProperties"), out);
    }
}

/// The logic of `said` is about `known`.
fn logic(
    said: &Document,
    known: &Document,
    known_path: &FieldPath,
    said_path: &FieldPath,
    out: &mut FieldErrors,
) {
    for key in ["allOf", "anyOf", "oneOf"] {
        for (i, alternative) in said.array_at(&[key]).iter().enumerate() {
            restriction(alternative, Some(known), known_path, &said_path.child(key).index(i), out);
        }
    }
    if let Some(not) = nested(said, "not") {
        restriction(not, Some(known), known_path, &said_path.child("not"), out);
    }
}

fn restriction(
    said: &Document,
    known: Option<&Document>,
    known_path: &FieldPath,
    said_path: &FieldPath,
    out: &mut FieldErrors,
) {
    let Some(known) = known else {
        let why = format!("because it is defined in {}", said_path.as_str());
        out.push(FieldError::required(known_path, why));
        return;
    };
    logic(said, known, known_path, said_path, out);
    if let Some(items) = nested(said, "items") {
        let (known_path, said_path) = (known_path.child("items"), said_path.child("items"));
        restriction(items, nested(known, "items"), &known_path, &said_path, out);
    }
    for (name, property) in properties(said) {
        let place = |path: &FieldPath| path.child("properties").key(name);
        let known = known.at(&["properties", name]);
        restriction(property, known, &place(known_path), &place(said_path), out);
    }
}

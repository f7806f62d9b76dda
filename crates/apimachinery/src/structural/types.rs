//! Whether a value has the type that its schema gives, as upstream's validator sees types and formats together.

use super::format;
use crate::schema::{Schema, Type};
use crate::{Document, FieldError, FieldPath, Node};

/// Whether the schema says anything about the type.
pub(super) fn applies(schema: &Schema) -> bool {
    !names(schema).is_empty() || !checked_format(schema).is_empty()
}

/// What is wrong with the type of a value.
pub(super) fn error(doc: &Document, schema: &Schema, path: &FieldPath) -> Option<FieldError> {
    let (names, format) = (names(schema), checked_format(schema));
    let wrong = |wanted: &str, found: &str| {
        let why = format!("{} in body must be of type {wanted}: {found:?}", path.as_str());
        Some(FieldError::type_invalid(path, found, why))
    };
    let (found, found_format) = type_of(doc);
    if doc.is_null() {
        return if names.is_empty() || schema.nullable { None } else { wrong(&names.join(","), found) };
    }
    let has = |name: &str| names.contains(&name);
    let is_number = (found == "integer" && has("number"))
        || (found == "number" && has("integer") && doc.as_f64().is_some_and(|value| value.fract() == 0.0));
    let fits = has(found) || is_number;
    let is_text_or_list = matches!(found, "string" | "array");
    if !is_text_or_list && !format.is_empty() && !fits && found_format != format {
        return wrong(format, found_format);
    }
    // What is written as a text is left to its format.
    if is_text_or_list && !format.is_empty() && !(has("number") || has("integer")) {
        return None;
    }
    if fits { None } else { wrong(&names.join(","), found) }
}

/// The format, if it means something for custom resources.
fn checked_format(schema: &Schema) -> &str {
    schema.format.as_deref().filter(|name| format::is_checked(name)).unwrap_or_default()
}

fn names(schema: &Schema) -> &'static [&'static str] {
    if schema.int_or_string {
        return &["integer", "string"];
    }
    match schema.ty {
        Type::Any => &[],
        Type::Object => &["object"],
        Type::Array => &["array"],
        Type::String => &["string"],
        Type::Integer => &["integer"],
        Type::Number => &["number"],
        Type::Boolean => &["boolean"],
    }
}

/// The type and the format of a value.
fn type_of(doc: &Document) -> (&'static str, &'static str) {
    match doc.node() {
        Node::Null => ("null", ""),
        Node::Bool(_) => ("boolean", ""),
        Node::Int(_) => ("integer", "int64"),
        Node::Float(_) => ("number", "double"),
        Node::String(_) => ("string", ""),
        Node::Array(_) => ("array", ""),
        Node::Object(_) => ("object", ""),
    }
}

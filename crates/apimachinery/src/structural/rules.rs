//! What makes an `openAPIV3Schema` structural: types are given, and logic only restricts what they give (KEP-1111).

use super::completeness;
use crate::schema::Rules;
use crate::{Document, FieldError, FieldErrors, FieldPath, Map};

/// Where in a schema a description stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// What is wrong with a description, sorted as upstream sorts it. `path` is where it stands in its definition.
pub fn errors(description: &Document, path: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    invariants(description, Level::Root, path, &mut out);
    completeness::check(description, path, &mut out);
    out.sort_by_key(ToString::to_string);
    out
}

pub(super) fn flag(schema: &Document, key: &str) -> bool {
    schema.bool_at(&[key]) == Some(true)
}

/// A keyword's value, if it is given.
pub(super) fn given<'a>(schema: &'a Document, key: &str) -> Option<&'a Document> {
    schema.get(key).filter(|value| !value.is_null())
}

/// A keyword's value, if it is a schema.
pub(super) fn nested<'a>(schema: &'a Document, key: &str) -> Option<&'a Document> {
    schema.get(key).filter(|value| value.as_object().is_some())
}

pub(super) fn properties(schema: &Document) -> impl Iterator<Item = (&str, &Document)> {
    schema.object_at(&["properties"]).into_iter().flat_map(Map::iter)
}

fn invariants(schema: &Document, level: Level, path: &FieldPath, out: &mut FieldErrors) {
    let ty = schema.str_at(&["type"]);
    if ty == "array" && given(schema, "items").is_none() {
        out.push(FieldError::required(&path.child("items"), "must be specified"));
    }
    if let Some(items) = nested(schema, "items") {
        invariants(items, Level::Item, &path.child("items"), out);
    }
    for (name, property) in properties(schema) {
        invariants(property, Level::Field, &path.child("properties").key(name), out);
    }
    if let Some(values) = given(schema, "additionalProperties") {
        let place = path.child("additionalProperties");
        if level == Level::Root {
            out.push(FieldError::forbidden(&place, "must not be used at the root"));
        }
        if values.as_object().is_some() {
            invariants(values, Level::Field, &place, out);
        }
    }
    for key in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] {
        if flag(schema, "x-kubernetes-int-or-string") && flag(schema, key) {
            let why = "must be false if x-kubernetes-int-or-string is true";
            out.push(FieldError::invalid(&path.child(key), true, why));
        }
    }
    let all_of = schema.array_at(&["allOf"]).first();
    let skips = Skips {
        any_of: is_int_or_string(schema.array_at(&["anyOf"])),
        first_all_of: all_of.is_some_and(|first| is_int_or_string(first.array_at(&["anyOf"]))),
    };
    logic(schema, skips, path, out);
    type_rules(schema, ty, level, path, out);
    if level == Level::Root || flag(schema, "x-kubernetes-embedded-resource") {
        object_rules(schema, path, out);
    }
    if level == Level::Root {
        metadata_rules(schema, path, out);
    }
    if flag(schema, "x-kubernetes-embedded-resource")
        && !flag(schema, "x-kubernetes-preserve-unknown-fields")
        && properties(schema).next().is_none()
    {
        let why = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        out.push(FieldError::required(&path.child("properties"), why));
    }
}

fn type_rules(schema: &Document, ty: &str, level: Level, path: &FieldPath, out: &mut FieldErrors) {
    let place = path.child("type");
    let embedded = flag(schema, "x-kubernetes-embedded-resource");
    if embedded && ty != "object" {
        let why = "must be object if x-kubernetes-embedded-resource is true";
        out.push(if ty.is_empty() {
            FieldError::required(&place, why)
        } else {
            FieldError::invalid(&place, ty, why)
        });
    } else if ty.is_empty()
        && !flag(schema, "x-kubernetes-int-or-string")
        && !flag(schema, "x-kubernetes-preserve-unknown-fields")
    {
        let why = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        out.push(FieldError::required(&place, why));
    }
    if embedded && given(schema, "additionalProperties").is_some() {
        let why = "must not be used if x-kubernetes-embedded-resource is set";
        out.push(FieldError::forbidden(&path.child("additionalProperties"), why));
    }
    if level == Level::Root && !ty.is_empty() && ty != "object" {
        out.push(FieldError::invalid(&place, ty, "must be object at the root"));
    }
}

/// The types of apiVersion, kind and metadata of an object are known.
fn object_rules(schema: &Document, path: &FieldPath, out: &mut FieldErrors) {
    let known = [("kind", "string"), ("apiVersion", "string"), ("metadata", "object")];
    for (name, ty) in known {
        let Some(property) = schema.at(&["properties", name]) else { continue };
        let told = property.str_at(&["type"]);
        if told != ty {
            let place = path.child("properties").key(name).child("type");
            out.push(FieldError::invalid(&place, told, format!("must be {ty}")));
        }
    }
}

/// A description may only restrict the metadata's name and generateName.
fn metadata_rules(schema: &Document, path: &FieldPath, out: &mut FieldErrors) {
    // What is not told of a structural schema, and what is looked at elsewhere.
    const ASIDE: [&str; 5] = ["type", "properties", "default", "externalDocs", "example"];
    let Some(metadata) = schema.at(&["properties", "metadata"]) else { return };
    let others = properties(metadata).any(|(key, _)| !matches!(key, "name" | "generateName"));
    let rules = metadata.as_object().into_iter().flat_map(Map::iter);
    let says_more = rules.filter(|(key, _)| !ASIDE.contains(key)).any(|(_, value)| !value.is_empty());
    if others || says_more {
        let why = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        out.push(FieldError::forbidden(&path.child("properties").key("metadata"), why));
    }
}

/// Where the alternatives of integer and string may give types.
#[derive(Clone, Copy, Default)]
struct Skips {
    any_of: bool,
    first_all_of: bool,
}

/// Whether the alternatives are an integer and a string, and nothing more is said of them.
fn is_int_or_string(any_of: &[Document]) -> bool {
    let is_only = |schema: &Document, ty: &str| {
        let mut said =
            schema.as_object().into_iter().flat_map(Map::iter).filter(|(_, value)| !value.is_empty());
        schema.str_at(&["type"]) == ty && said.all(|(key, _)| key == "type")
    };
    matches!(any_of, [integer, string] if is_only(integer, "integer") && is_only(string, "string"))
}

fn logic(schema: &Document, skips: Skips, path: &FieldPath, out: &mut FieldErrors) {
    let alternatives = |key: &'static str| {
        let schemas = schema.array_at(&[key]).iter().enumerate();
        schemas.map(move |(i, nested)| (nested, path.child(key).index(i)))
    };
    if !skips.any_of {
        for (alternative, place) in alternatives("anyOf") {
            nested_rules(alternative, false, &place, out);
        }
    }
    for (i, (alternative, place)) in alternatives("allOf").enumerate() {
        nested_rules(alternative, skips.first_all_of && i == 0, &place, out);
    }
    for (alternative, place) in alternatives("oneOf") {
        nested_rules(alternative, false, &place, out);
    }
    if let Some(not) = nested(schema, "not") {
        nested_rules(not, false, &path.child("not"), out);
    }
    let pattern = schema.str_at(&["pattern"]);
    if !pattern.is_empty() && Rules::compile_pattern(pattern).is_none() {
        let why = "must be a valid regular expression, but isn't: error parsing regexp";
        out.push(FieldError::invalid(&path.child("pattern"), pattern, why));
    }
}

/// What logic may not say.
fn nested_rules(schema: &Document, skip_any_of: bool, path: &FieldPath, out: &mut FieldErrors) {
    const EMPTY: [(&str, &str); 9] = [
        ("type", "must be empty to be structural"),
        ("title", "must be empty to be structural"),
        ("description", "must be empty to be structural"),
        ("nullable", "must be false to be structural"),
        ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
        ("x-kubernetes-embedded-resource", "must be false to be structural"),
        ("x-kubernetes-int-or-string", "must be false to be structural"),
        ("x-kubernetes-list-map-keys", "must be empty to be structural"),
        ("x-kubernetes-validations", "must be empty to be structural"),
    ];
    const UNDEFINED: [&str; 4] =
        ["additionalProperties", "default", "x-kubernetes-list-type", "x-kubernetes-map-type"];
    logic(schema, Skips { any_of: skip_any_of, first_all_of: false }, path, out);
    if let Some(items) = nested(schema, "items") {
        nested_rules(items, false, &path.child("items"), out);
    }
    for (name, property) in properties(schema) {
        nested_rules(property, false, &path.child("properties").key(name), out);
    }
    for (key, why) in EMPTY {
        if schema.get(key).is_some_and(|value| !value.is_empty()) {
            out.push(FieldError::forbidden(&path.child(key), why));
        }
    }
    for key in UNDEFINED {
        if given(schema, key).is_some() {
            out.push(FieldError::forbidden(&path.child(key), "must be undefined to be structural"));
        }
    }
    if schema.at(&["properties", "metadata"]).is_some() {
        let place = path.child("properties").key("metadata");
        out.push(FieldError::forbidden(&place, "must not be specified in a nested context"));
    }
}

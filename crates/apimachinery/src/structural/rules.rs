//! What makes an `openAPIV3Schema` structural: types are given, and logic only restricts what they give (KEP-1111).

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
    out.sort_by_key(ToString::to_string);
    out
}

fn flag(schema: &Document, key: &str) -> bool {
    schema.bool_at(&[key]) == Some(true)
}

fn invariants(schema: &Document, level: Level, path: &FieldPath, out: &mut FieldErrors) {
    let ty = schema.str_at(&["type"]);
    if ty == "array" && schema.get("items").is_none() {
        out.push(FieldError::required(&path.child("items"), "must be specified"));
    }
    if let Some(items) = schema.get("items") {
        if items.as_array().is_some() {
            let why = "items must be a schema object and not an array";
            out.push(FieldError::forbidden(&path.child("items"), why));
        } else {
            invariants(items, Level::Item, &path.child("items"), out);
        }
    }
    let properties = schema.object_at(&["properties"]);
    for (name, property) in properties.into_iter().flat_map(Map::iter) {
        invariants(property, Level::Field, &path.child("properties").key(name), out);
    }
    if let Some(values) = schema.get("additionalProperties") {
        let place = path.child("additionalProperties");
        if level == Level::Root {
            out.push(FieldError::forbidden(&place, "must not be used at the root"));
        }
        if properties.is_some_and(|map| !map.is_empty()) && values.as_bool() != Some(false) {
            let why = "additionalProperties and properties are mutual exclusive";
            out.push(FieldError::forbidden(&place, why));
        }
        if values.as_object().is_some() {
            invariants(values, Level::Field, &place, out);
        }
    }
    type_rules(schema, ty, level, path, out);
    extension_rules(schema, ty, path, out);
    pattern_rule(schema, path, out);
    if level == Level::Root || flag(schema, "x-kubernetes-embedded-resource") {
        object_rules(schema, path, out);
    }
    logic(schema, path, |nested, place, alternative| {
        nested_rules(
            nested,
            schema,
            place,
            path,
            alternative && flag(schema, "x-kubernetes-int-or-string"),
            out,
        );
    });
}

fn type_rules(schema: &Document, ty: &str, level: Level, path: &FieldPath, out: &mut FieldErrors) {
    let place = path.child("type");
    let embedded = flag(schema, "x-kubernetes-embedded-resource");
    const KNOWN: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
    if !ty.is_empty() && !KNOWN.contains(&ty) {
        out.push(FieldError::not_supported(&place, ty, &KNOWN));
    }
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
    if level == Level::Root && !ty.is_empty() && ty != "object" {
        out.push(FieldError::invalid(&place, ty, "must be object at the root"));
    }
    if embedded && schema.get("additionalProperties").is_some() {
        let why = "must not be used if x-kubernetes-embedded-resource is set";
        out.push(FieldError::forbidden(&path.child("additionalProperties"), why));
    }
}

fn extension_rules(schema: &Document, ty: &str, path: &FieldPath, out: &mut FieldErrors) {
    let either = flag(schema, "x-kubernetes-int-or-string");
    for key in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] {
        if either && flag(schema, key) {
            let why = "must be false if x-kubernetes-int-or-string is true";
            out.push(FieldError::invalid(&path.child(key), true, why));
        }
        if schema.bool_at(&[key]) == Some(false) && key == "x-kubernetes-preserve-unknown-fields" {
            out.push(FieldError::invalid(&path.child(key), false, "must be true or undefined"));
        }
    }
    if either && !ty.is_empty() {
        let why = "must be empty if x-kubernetes-int-or-string is true";
        out.push(FieldError::invalid(&path.child("type"), ty, why));
    }
    if flag(schema, "uniqueItems") {
        let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        out.push(FieldError::forbidden(&path.child("uniqueItems"), why));
    }
    list_rules(schema, ty, path, out);
    let map_type = schema.str_at(&["x-kubernetes-map-type"]);
    if !map_type.is_empty() {
        let place = path.child("x-kubernetes-map-type");
        if ty != "object" {
            let why = "must be object if x-kubernetes-map-type is specified";
            out.push(FieldError::invalid(&path.child("type"), ty, why));
        }
        if !["atomic", "granular"].contains(&map_type) {
            out.push(FieldError::not_supported(&place, map_type, &["atomic", "granular"]));
        }
    }
}

fn list_rules(schema: &Document, ty: &str, path: &FieldPath, out: &mut FieldErrors) {
    let list_type = schema.str_at(&["x-kubernetes-list-type"]);
    let keys = schema.array_at(&["x-kubernetes-list-map-keys"]);
    let keys_place = path.child("x-kubernetes-list-map-keys");
    if !list_type.is_empty() {
        if ty != "array" {
            let why = "must be array if x-kubernetes-list-type is specified";
            let place = path.child("type");
            out.push(if ty.is_empty() {
                FieldError::required(&place, why)
            } else {
                FieldError::invalid(&place, ty, why)
            });
        }
        if !["atomic", "set", "map"].contains(&list_type) {
            let place = path.child("x-kubernetes-list-type");
            out.push(FieldError::not_supported(&place, list_type, &["atomic", "set", "map"]));
        }
    }
    if list_type != "map" {
        if !keys.is_empty() {
            let place = path.child("x-kubernetes-list-type");
            let why = "must be map if x-kubernetes-list-map-keys is non-empty";
            out.push(if list_type.is_empty() {
                FieldError::required(&place, why)
            } else {
                FieldError::invalid(&place, list_type, why)
            });
        }
        return;
    }
    if keys.is_empty() {
        let why = "must not be empty if x-kubernetes-list-type is map";
        out.push(FieldError::required(&keys_place, why));
    }
    let Some(items) = schema.get("items") else { return };
    if items.str_at(&["type"]) != "object" {
        let why = "must be object if parent array's x-kubernetes-list-type is map";
        out.push(FieldError::invalid(&path.child("items").child("type"), items.str_at(&["type"]), why));
    }
    let required = items.array_at(&["required"]);
    for (i, key) in keys.iter().enumerate() {
        let name = key.as_str().unwrap_or_default();
        match items.at(&["properties", name]) {
            None => {
                let why = "entries must all be names of item properties";
                out.push(FieldError::invalid(&keys_place.index(i), name, why));
            }
            Some(property) => {
                if ["array", "object"].contains(&property.str_at(&["type"])) {
                    let place = path.child("items").child("properties").key(name).child("type");
                    let why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                    out.push(FieldError::invalid(&place, property.str_at(&["type"]), why));
                }
                if !required.contains(key) && property.get("default").is_none() {
                    let place = path.child("items").child("properties").key(name).child("default");
                    let why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
                    out.push(FieldError::required(&place, why));
                }
            }
        }
    }
}

fn pattern_rule(schema: &Document, path: &FieldPath, out: &mut FieldErrors) {
    let pattern = schema.str_at(&["pattern"]);
    if !pattern.is_empty() && Rules::compile_pattern(pattern).is_none() {
        let why = "must be a valid regular expression, but isn't: error parsing regexp";
        out.push(FieldError::invalid(&path.child("pattern"), pattern, why));
    }
}

/// apiVersion, kind and metadata of an object are known; a description may only restrict the name.
fn object_rules(schema: &Document, path: &FieldPath, out: &mut FieldErrors) {
    let properties = path.child("properties");
    for name in ["kind", "apiVersion"] {
        if let Some(property) = schema.at(&["properties", name])
            && property.str_at(&["type"]) != "string"
        {
            let place = properties.key(name).child("type");
            out.push(FieldError::invalid(&place, property.str_at(&["type"]), "must be string"));
        }
    }
    if let Some(metadata) = schema.at(&["properties", "metadata"]) {
        let place = properties.key("metadata");
        if metadata.str_at(&["type"]) != "object" {
            let why = "must be object";
            out.push(FieldError::invalid(&place.child("type"), metadata.str_at(&["type"]), why));
        }
        let named = |key: &str| matches!(key, "name" | "generateName");
        let others = metadata.object_at(&["properties"]).is_some_and(|map| !map.keys().all(named));
        let rules = metadata.as_object().is_some_and(|map| {
            map.keys().any(|key| !matches!(key, "type" | "description" | "properties" | "required"))
        });
        if others || rules {
            let why = "must not specify anything other than name and generateName, but metadata is implicitly specified";
            out.push(FieldError::forbidden(&place, why));
        }
    }
    if flag(schema, "x-kubernetes-embedded-resource")
        && !flag(schema, "x-kubernetes-preserve-unknown-fields")
        && schema.object_at(&["properties"]).is_none_or(Map::is_empty)
    {
        let why = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        out.push(FieldError::required(&properties, why));
    }
}

/// Visits the alternatives of a schema's logic; the flag tells those of `anyOf`, and of `anyOf` inside the first `allOf`.
fn logic(schema: &Document, path: &FieldPath, mut visit: impl FnMut(&Document, &FieldPath, bool)) {
    for key in ["allOf", "anyOf", "oneOf"] {
        for (i, nested) in schema.array_at(&[key]).iter().enumerate() {
            visit(nested, &path.child(key).index(i), key != "oneOf");
        }
    }
    if let Some(not) = schema.get("not") {
        visit(not, &path.child("not"), false);
    }
}

/// What logic may not say, and what it may only say about what the schema around it knows.
fn nested_rules(
    nested: &Document,
    around: &Document,
    path: &FieldPath,
    around_path: &FieldPath,
    types_allowed: bool,
    out: &mut FieldErrors,
) {
    const EMPTY: [(&str, &str); 12] = [
        ("type", "must be empty to be structural"),
        ("additionalProperties", "must be undefined to be structural"),
        ("default", "must be undefined to be structural"),
        ("title", "must be empty to be structural"),
        ("description", "must be empty to be structural"),
        ("nullable", "must be false to be structural"),
        ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
        ("x-kubernetes-embedded-resource", "must be false to be structural"),
        ("x-kubernetes-int-or-string", "must be false to be structural"),
        ("x-kubernetes-list-map-keys", "must be empty to be structural"),
        ("x-kubernetes-list-type", "must be undefined to be structural"),
        ("x-kubernetes-map-type", "must be undefined to be structural"),
    ];
    for (key, why) in EMPTY {
        let exempt =
            key == "type" && types_allowed && matches!(nested.str_at(&["type"]), "integer" | "string");
        if !exempt && nested.get(key).is_some_and(|value| !value.is_empty()) {
            out.push(FieldError::forbidden(&path.child(key), why));
        }
    }
    if !nested.array_at(&["x-kubernetes-validations"]).is_empty() {
        let place = path.child("x-kubernetes-validations");
        out.push(FieldError::forbidden(&place, "must be empty to be structural"));
    }
    pattern_rule(nested, path, out);
    if let Some(items) = nested.get("items") {
        let place = path.child("items");
        match around.get("items") {
            Some(known) => nested_rules(items, known, &place, &around_path.child("items"), false, out),
            None => out.push(undefined(&around_path.child("items"), &place)),
        }
    }
    for (name, property) in nested.object_at(&["properties"]).into_iter().flat_map(Map::iter) {
        let place = path.child("properties").key(name);
        let known_place = around_path.child("properties").key(name);
        if name == "metadata" {
            out.push(FieldError::forbidden(&place, "must not be specified in a nested context"));
        }
        match around.at(&["properties", name]) {
            Some(known) => nested_rules(property, known, &place, &known_place, false, out),
            None => out.push(undefined(&known_place, &place)),
        }
    }
    logic(nested, path, |deeper, place, alternative| {
        nested_rules(deeper, around, place, around_path, types_allowed && alternative, out);
    });
}

fn undefined(missing: &FieldPath, because: &FieldPath) -> FieldError {
    FieldError::required(missing, format!("because it is defined in {because}"))
}

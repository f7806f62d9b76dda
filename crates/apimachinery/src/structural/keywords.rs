//! What is wrong with the keywords of a description: those that are not taken, and those that do not go together.

use super::rules::{flag, given, nested, properties};
use super::{list_keywords, validation_rules};
use crate::{Document, FieldError, FieldErrors, FieldPath, Map};

/// Types that a value can have, sorted.
const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
/// Keywords of JSON schema that are not taken, in the order in which they are told.
const UNSUPPORTED: [&str; 6] =
    ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"];
/// Fields that every object has.
const OBJECT_FIELDS: [&str; 3] = ["metadata", "kind", "apiVersion"];

/// What holds in the part of a description that is looked at.
#[derive(Clone, Default)]
struct Place {
    /// Why there may be no defaults.
    no_defaults: Option<String>,
    /// Inside of what every object has.
    in_metadata: bool,
    /// Whether the description is that of the whole object.
    is_root: bool,
}

/// What is wrong with the keywords of a whole object's description, all the way down.
pub fn keyword_errors(description: &Document, path: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    check(description, &Place { is_root: true, ..Place::default() }, path, &mut out);
    out
}

/// Why no schema can be made of a description, if that is so.
pub fn unsupported(description: &Document) -> Option<String> {
    const FIELDS: [(&str, &str); 7] = [
        ("id", "id"),
        ("$schema", "schema"),
        ("$ref", "$ref"),
        ("patternProperties", "patternProperties"),
        ("dependencies", "dependencies"),
        ("additionalItems", "additionalItems"),
        ("definitions", "definitions"),
    ];
    let own = FIELDS.iter().find(|(key, _)| description.get(key).is_some_and(|value| !value.is_empty()));
    if let Some((_, name)) = own {
        return Some(format!("OpenAPIV3Schema '{name}' is not supported"));
    }
    if description.bool_at(&["x-kubernetes-preserve-unknown-fields"]) == Some(false) {
        let why = "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
        return Some(why.to_owned());
    }
    if description.get("items").is_some_and(|items| items.as_array().is_some()) {
        return Some("OpenAPIV3Schema 'items' must be a schema, but is an array".to_owned());
    }
    children(description).find_map(unsupported)
}

/// The descriptions inside of one.
pub(super) fn children(description: &Document) -> impl Iterator<Item = &Document> {
    let one = ["items", "additionalProperties", "not"].map(|key| nested(description, key));
    let many = ["allOf", "anyOf", "oneOf"].map(|key| description.array_at(&[key]));
    let named = properties(description).map(|(_, property)| property);
    one.into_iter().flatten().chain(many.into_iter().flatten()).chain(named)
}

fn check(schema: &Document, at: &Place, path: &FieldPath, out: &mut FieldErrors) {
    supported(schema, at, path, out);
    if flag(schema, "uniqueItems") {
        let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        out.push(FieldError::forbidden(&path.child("uniqueItems"), why));
    }
    inside(schema, at, path, out);
    if schema.bool_at(&["x-kubernetes-preserve-unknown-fields"]) == Some(false) {
        let place = path.child("x-kubernetes-preserve-unknown-fields");
        out.push(FieldError::invalid(&place, false, "must be true or undefined"));
    }
    list_keywords::check(schema, path, out);
    validation_rules::check(schema, path, out);
}

/// Keywords that are not taken here.
fn supported(schema: &Document, at: &Place, path: &FieldPath, out: &mut FieldErrors) {
    let ty = schema.str_at(&["type"]);
    if !ty.is_empty() && !TYPES.contains(&ty) {
        out.push(FieldError::not_supported(&path.child("type"), ty, &TYPES));
    }
    if let (Some(why), Some(_)) = (&at.no_defaults, given(schema, "default")) {
        out.push(FieldError::forbidden(&path.child("default"), format!("must not be set {why}")));
    }
    for key in UNSUPPORTED {
        if given(schema, key).is_some_and(|value| !value.is_empty()) {
            out.push(FieldError::forbidden(&path.child(key), format!("{key} is not supported")));
        }
    }
    if ty == "null" {
        let why = "type cannot be set to null, use nullable as an alternative";
        out.push(FieldError::forbidden(&path.child("type"), why));
    }
    if schema.get("items").and_then(Document::as_array).is_some_and(|items| !items.is_empty()) {
        let why = "items must be a schema object and not an array";
        out.push(FieldError::forbidden(&path.child("items"), why));
    }
    if at.in_metadata && flag(schema, "x-kubernetes-embedded-resource") {
        let place = path.child("x-kubernetes-embedded-resource");
        out.push(FieldError::forbidden(&place, "must not be used inside of resource meta"));
    }
}

/// The descriptions inside of this one, in upstream's order.
fn inside(schema: &Document, at: &Place, path: &FieldPath, out: &mut FieldErrors) {
    let plain = Place { is_root: false, ..at.clone() };
    if let Some(values) = given(schema, "additionalProperties") {
        let place = path.child("additionalProperties");
        if properties(schema).next().is_some() && values.as_bool() != Some(true) {
            let why = "additionalProperties and properties are mutual exclusive";
            out.push(FieldError::forbidden(&place, why));
        }
        let mut at = plain.clone();
        if at.in_metadata {
            at.no_defaults = Some("inside additionalProperties applying to object metadata".to_owned());
        }
        if values.as_object().is_some() {
            check(values, &at, &place, out);
        }
    }
    let is_object = at.is_root || flag(schema, "x-kubernetes-embedded-resource");
    for (name, property) in properties(schema) {
        let mut inner = plain.clone();
        if is_object && OBJECT_FIELDS.contains(&name) {
            inner.in_metadata = true;
            if at.is_root {
                inner.no_defaults = Some(format!("in top-level {name}"));
            }
        }
        check(property, &inner, &path.child("properties").key(name), out);
    }
    if let Some(not) = nested(schema, "not") {
        check(not, &plain, &path.child("not"), out);
    }
    for key in ["allOf", "oneOf", "anyOf"] {
        for (i, alternative) in schema.array_at(&[key]).iter().enumerate() {
            check(alternative, &plain, &path.child(key).index(i), out);
        }
    }
    for (name, definition) in schema.object_at(&["definitions"]).into_iter().flat_map(Map::iter) {
        check(definition, &plain, &path.child("definitions").key(name), out);
    }
    if let Some(items) = nested(schema, "items") {
        check(items, &plain, &path.child("items"), out);
    }
    for (i, items) in schema.array_at(&["items"]).iter().enumerate() {
        check(items, &plain, &path.child("items").index(i), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;

    fn complaints(description: Document) -> Vec<String> {
        keyword_errors(&description, &FieldPath::new("s")).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn keywords_that_say_nothing_are_refused() {
        let wrong = doc!({
            "type": "object", "id": "x", "$ref": "#/x", "definitions": {"d": {"type": "null"}}, "uniqueItems": true,
            "x-kubernetes-preserve-unknown-fields": false
        });
        assert_eq!(
            complaints(wrong.clone()),
            [
                "s.id: Forbidden: id is not supported",
                "s.definitions: Forbidden: definitions is not supported",
                "s.$ref: Forbidden: $ref is not supported",
                "s.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
                r#"s.definitions[d].type: Unsupported value: "null": supported values: "array", "boolean", "integer", "number", "object", "string""#,
                "s.definitions[d].type: Forbidden: type cannot be set to null, use nullable as an alternative",
                "s.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined",
            ]
        );
        assert_eq!(unsupported(&wrong).as_deref(), Some("OpenAPIV3Schema 'id' is not supported"));
        let deep = doc!({"properties": {"a": {"items": [{"type": "string"}]}}});
        assert_eq!(
            unsupported(&deep).as_deref(),
            Some("OpenAPIV3Schema 'items' must be a schema, but is an array")
        );
        assert_eq!(unsupported(&doc!({"type": "object"})), None);
    }

    #[test]
    fn maps_have_named_fields_or_free_keys() {
        let of = |values: Document| {
            complaints(doc!({"properties": {"a": {"type": "string"}}, "additionalProperties": values}))
        };
        let why =
            "s.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive";
        assert_eq!(of(doc!({"type": "string"})), [why]);
        assert_eq!(of(doc!(false)), [why]);
        assert_eq!(of(doc!(true)), Vec::<String>::new());
    }

    #[test]
    fn what_every_object_has_is_not_described_again() {
        let description = doc!({"type": "object", "properties": {
            "kind": {"type": "string", "default": "K"},
            "metadata": {"type": "object", "properties": {
                "name": {"type": "string", "x-kubernetes-embedded-resource": true}
            }}
        }});
        assert_eq!(
            complaints(description),
            [
                "s.properties[kind].default: Forbidden: must not be set in top-level kind",
                "s.properties[metadata].properties[name].x-kubernetes-embedded-resource: Forbidden: must not be used inside of resource meta",
            ]
        );
    }
}

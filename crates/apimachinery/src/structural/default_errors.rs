//! What is wrong with the defaults that a description declares: they are valid values, and hold nothing unknown.

use super::rules::{flag, given, nested, properties};
use super::{build, prune, validate};
use crate::schema::SchemaRef;
use crate::{Document, FieldError, FieldErrors, FieldPath};

/// What is wrong with the defaults, all the way down; `metadata` is the schema of object metadata.
pub fn default_errors(description: &Document, path: &FieldPath, metadata: &SchemaRef) -> FieldErrors {
    let mut out = FieldErrors::new();
    check(description, path, metadata, true, false, &mut out);
    out
}

fn check(
    description: &Document,
    path: &FieldPath,
    metadata: &SchemaRef,
    is_object: bool,
    in_metadata: bool,
    out: &mut FieldErrors,
) {
    let is_object = is_object || flag(description, "x-kubernetes-embedded-resource");
    let in_metadata = in_metadata && !is_object;
    if let Some(value) = given(description, "default") {
        out.extend(value_errors(value, description, &path.child("default"), metadata, in_metadata));
    }
    if let Some(items) = nested(description, "items") {
        check(items, &path.child("items"), metadata, false, in_metadata, out);
    }
    for (name, property) in properties(description) {
        let path = path.child("properties").key(name);
        let of_object = is_object && matches!(name, "metadata" | "apiVersion" | "kind");
        check(property, &path, metadata, false, in_metadata || of_object, out);
    }
}

fn value_errors(
    value: &Document,
    description: &Document,
    path: &FieldPath,
    metadata: &SchemaRef,
    in_metadata: bool,
) -> FieldErrors {
    let schema = build::schema_of(description, metadata);
    let mut out = FieldErrors::new();
    let mut pruned = value.clone();
    if !in_metadata && !prune::prune(&mut pruned, &schema).is_empty() {
        out.push(FieldError::invalid(path, value, "must not have unknown fields"));
    }
    let errors = validate::value_errors(value, &schema);
    out.extend(errors.into_iter().map(|error| FieldError { field: below(path, &error.field), ..error }));
    out
}

/// A field of the default.
fn below(path: &FieldPath, field: &FieldPath) -> FieldPath {
    if field.as_str().is_empty() { path.clone() } else { path.child(field.as_str()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;
    use crate::schema::Schema;

    fn complaints(description: Document) -> Vec<String> {
        let metadata = SchemaRef::from(Schema::default());
        let errors = default_errors(&description, &FieldPath::new("s"), &metadata);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn defaults_are_valid_and_known() {
        let description = doc!({"type": "object", "properties": {
            "a": {"type": "integer", "default": "x"},
            "b": {"type": "object", "default": {"c": 0, "d": 1}, "properties": {"c": {"type": "integer", "minimum": 1}}},
            "e": {"type": "array", "items": {"type": "string", "default": "fine"}}
        }});
        assert_eq!(
            complaints(description),
            [
                r#"s.properties[a].default: Invalid value: "string":  in body must be of type integer: "string""#,
                r#"s.properties[b].default: Invalid value: {"c":0,"d":1}: must not have unknown fields"#,
                "s.properties[b].default.c: Invalid value: 0: c in body should be greater than or equal to 1",
            ]
        );
    }
}

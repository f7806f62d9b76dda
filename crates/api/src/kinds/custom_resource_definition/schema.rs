//! What is wrong with the schema of a definition: its root, its structure, its defaults, its keywords.

use crate::schemas;
use skiff_apimachinery::schema::{Schema, SchemaRef};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map, structural};

/// The schema of metadata.
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
/// Keywords that may stand at the root beside a status, so that nothing is lost when the status is looked at alone.
const AT_ROOT: [&str; 22] = [
    "description",
    "type",
    "format",
    "title",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "multipleOf",
    "required",
    "items",
    "properties",
    "externalDocs",
    "example",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];
/// The same as upstream names them.
const AT_ROOT_TEXT: &str = "Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations";
/// Keywords that upstream looks at before the type.
const BEFORE_TYPE: [&str; 3] = ["id", "$schema", "$ref"];

/// What is wrong with a schema; `field` holds it as `openAPIV3Schema`. What was wrong with the old one is let through.
pub(super) fn errors(
    field: &FieldPath,
    schema: &Document,
    has_status: bool,
    old: Option<&Document>,
) -> FieldErrors {
    let out = all_errors(field, schema, has_status);
    if out.is_empty() {
        return out;
    }
    let before = old.map(|old| all_errors(field, old, has_status)).unwrap_or_default();
    out.into_iter().filter(|error| !before.contains(error)).collect()
}

fn all_errors(field: &FieldPath, schema: &Document, has_status: bool) -> FieldErrors {
    let place = field.child("openAPIV3Schema");
    let mut out = FieldErrors::new();
    if has_status {
        out.extend(root_error(&place, schema));
    }
    if schema.bool_at(&["nullable"]) == Some(true) {
        out.push(FieldError::forbidden(&place.child("nullable"), "nullable cannot be true at the root"));
    }
    let unsupported = structural::unsupported(schema);
    if unsupported.is_none() {
        let mut errors = structural::errors(schema, &place);
        if errors.is_empty() {
            errors = structural::default_errors(schema, &place, &metadata());
        }
        out.extend(errors);
    }
    out.extend(structural::keyword_errors(schema, &place));
    // This tells the same as keywords do, unless they have nothing to tell.
    if let (true, Some(why)) = (out.is_empty(), unsupported) {
        out.push(FieldError::invalid(&place, "", why));
    }
    out
}

/// The first keyword that must not stand at the root.
fn root_error(field: &FieldPath, schema: &Document) -> Option<FieldError> {
    let given: Vec<&str> = schema
        .as_object()
        .into_iter()
        .flat_map(Map::iter)
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, _)| key)
        .collect();
    let other = || {
        let why = format!(
            "only [{AT_ROOT_TEXT}] fields are allowed at the root of the schema if the status subresource is enabled"
        );
        Some(FieldError::invalid(field, schema, why))
    };
    if given.iter().any(|key| BEFORE_TYPE.contains(key)) {
        return other();
    }
    let ty = schema.str_at(&["type"]);
    if !ty.is_empty() && ty != "object" {
        let why = "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
        return Some(FieldError::invalid(&field.child("type"), ty, why));
    }
    // Nullable is told of on its own, too.
    if given.iter().all(|key| AT_ROOT.contains(key)) { None } else { other() }
}

fn metadata() -> SchemaRef {
    schemas::lookup(OBJECT_META).unwrap_or_else(|| Schema::default().into())
}

/// Whether a schema declares a default anywhere.
pub(super) fn has_defaults(schema: &Document) -> bool {
    match schema.as_object() {
        Some(map) => {
            map.get("default").is_some_and(|value| !value.is_null())
                || map.iter().filter(|(key, _)| !matches!(*key, "default" | "example" | "enum")).any(
                    |(key, value)| match key {
                        "properties" => value.as_object().into_iter().flat_map(Map::values).any(has_defaults),
                        _ => has_defaults(value),
                    },
                )
        }
        None => schema.as_array().unwrap_or_default().iter().any(has_defaults),
    }
}

/// What keeps the schemas of a stored definition from being structural, or why that cannot be told.
///
/// # Errors
/// The version whose schema cannot be looked at, and why, in upstream's words.
pub fn structural_errors(definition: &Document) -> Result<FieldErrors, String> {
    let spec = FieldPath::new("spec");
    let mut out = FieldErrors::new();
    if definition.bool_at(&["spec", "preserveUnknownFields"]) == Some(true) {
        out.push(FieldError::invalid(&spec.child("preserveUnknownFields"), true, "must be false"));
    }
    for (i, version) in definition.array_at(&["spec", "versions"]).iter().enumerate() {
        let Some(schema) = version.at(&["schema", "openAPIV3Schema"]).filter(|schema| !schema.is_null())
        else {
            continue;
        };
        if let Some(why) = structural::unsupported(schema) {
            let name = version.str_at(&["name"]);
            return Err(format!("failed to check validation schema for version {name}: {why}"));
        }
        let place = spec.child("versions").index(i).child("schema").child("openAPIV3Schema");
        out.extend(structural::errors(schema, &place));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn complaints(schema: Document, has_status: bool) -> Vec<String> {
        errors(&FieldPath::new("s"), &schema, has_status, None).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn little_stands_at_the_root_beside_a_status() {
        let schema = doc!({"type": "object", "maxProperties": 3});
        assert_eq!(complaints(schema.clone(), false), Vec::<String>::new());
        assert_eq!(
            complaints(schema, true),
            [format!(
                r#"s.openAPIV3Schema: Invalid value: {{"type":"object","maxProperties":3}}: only [{AT_ROOT_TEXT}] fields are allowed at the root of the schema if the status subresource is enabled"#
            )]
        );
        assert_eq!(
            complaints(doc!({"type": "object", "nullable": true}), false),
            ["s.openAPIV3Schema.nullable: Forbidden: nullable cannot be true at the root"]
        );
    }

    #[test]
    fn defaults_are_looked_at_once_the_structure_is_right() {
        let property = |extra: Document| doc!({"type": "object", "properties": {"a": {"type": "integer", "default": "x"}, "b": extra}});
        assert_eq!(
            complaints(property(doc!({})), false),
            [
                "s.openAPIV3Schema.properties[b].type: Required value: must not be empty for specified object fields"
            ]
        );
        assert_eq!(
            complaints(property(doc!({"type": "string"})), false),
            [
                r#"s.openAPIV3Schema.properties[a].default: Invalid value: "string":  in body must be of type integer: "string""#
            ]
        );
        assert!(has_defaults(&property(doc!({}))));
        assert!(!has_defaults(&doc!({"type": "object", "properties": {"default": {"type": "string"}}})));
    }

    #[test]
    fn what_was_wrong_before_does_not_stop_an_update() {
        let schema = doc!({"type": "object", "properties": {"b": {}}});
        assert_eq!(errors(&FieldPath::new("s"), &schema, false, Some(&schema)), []);
    }

    #[test]
    fn stored_schemas_tell_what_is_not_structural() {
        let of = |schema: Document| doc!({"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}});
        let told = structural_errors(&of(doc!({}))).unwrap();
        assert_eq!(
            told[0].to_string(),
            "spec.versions[0].schema.openAPIV3Schema.type: Required value: must not be empty at the root"
        );
        assert_eq!(
            structural_errors(&of(doc!({"id": "x"}))).unwrap_err(),
            "failed to check validation schema for version v1: OpenAPIV3Schema 'id' is not supported"
        );
    }
}

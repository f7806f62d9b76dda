//! What is wrong with the fields that objects of a version can be selected by.

use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, structural};
use std::collections::HashSet;

/// Most fields of one version.
const MAX: usize = 8;
const TYPES: [&str; 3] = ["string", "boolean", "integer"];
const WRONG_TYPE: &str = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";

/// What is wrong with the fields of a version; too many that did not change are let through.
pub(super) fn errors(
    field: &FieldPath,
    version: &Document,
    schema: Option<&Document>,
    old: Option<&Document>,
) -> FieldErrors {
    let fields = version.array_at(&["selectableFields"]);
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    for (i, one) in fields.iter().enumerate() {
        let (place, path) = (field.index(i).child("jsonPath"), one.str_at(&["jsonPath"]));
        if path.is_empty() {
            out.push(FieldError::required(&place, ""));
            continue;
        }
        let found = match structural::resolve(path, schema.unwrap_or(&Document::NULL), false) {
            Ok(found) => found,
            Err(why) => {
                out.push(FieldError::invalid(&place, path, format!("is an invalid path: {why}")));
                continue;
            }
        };
        if found.root == "metadata" {
            out.push(FieldError::invalid(&place, path, "must not point to fields in metadata"));
        }
        if !TYPES.contains(&found.schema.str_at(&["type"])) {
            out.push(FieldError::invalid(&place, path, WRONG_TYPE));
        }
        if !seen.insert(found.path) {
            out.push(FieldError::duplicate(&place, path));
        }
    }
    let unchanged = old.is_some_and(|old| old.array_at(&["selectableFields"]) == fields);
    if seen.len() > MAX && !unchanged {
        out.push(FieldError::too_many(field, seen.len(), MAX));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn complaints(paths: &[&str]) -> Vec<String> {
        let schema = doc!({"type": "object", "properties": {
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "spec": {"type": "object", "properties": {"color": {"type": "string"}, "sizes": {"type": "array"}}}
        }});
        let fields: Document = paths.iter().map(|path| doc!({"jsonPath": (*path)})).collect();
        let version = doc!({"selectableFields": fields});
        errors(&FieldPath::new("f"), &version, Some(&schema), None).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn fields_are_scalars_that_the_schema_knows() {
        assert_eq!(complaints(&[".spec.color"]), Vec::<String>::new());
        assert_eq!(
            complaints(&["", ".spec.size", ".metadata.name", ".spec.sizes", ".spec.color", ".spec.color"]),
            [
                "f[0].jsonPath: Required value".to_owned(),
                r#"f[1].jsonPath: Invalid value: ".spec.size": is an invalid path: does not refer to a valid field"#.to_owned(),
                r#"f[2].jsonPath: Invalid value: ".metadata.name": must not point to fields in metadata"#.to_owned(),
                format!(r#"f[3].jsonPath: Invalid value: ".spec.sizes": {WRONG_TYPE}"#),
                r#"f[5].jsonPath: Duplicate value: ".spec.color""#.to_owned(),
            ]
        );
    }

    #[test]
    fn fields_are_few() {
        let names: Vec<String> = (0..9).map(|i| format!("f{i}")).collect();
        let properties: Document =
            names.iter().map(|name| (name.as_str(), doc!({"type": "string"}))).collect();
        let schema = doc!({"type": "object", "properties": properties});
        let fields: Document = names.iter().map(|name| doc!({"jsonPath": format!(".{name}")})).collect();
        let version = doc!({"selectableFields": fields});
        let field = FieldPath::new("f");
        assert_eq!(
            errors(&field, &version, Some(&schema), None)[0].to_string(),
            "f: Too many: 9: must have at most 8 items"
        );
        assert_eq!(errors(&field, &version, Some(&schema), Some(&version)), []);
    }
}

//! What is wrong with the steps of a policy: validations, audit annotations, mutations.

use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};
use std::collections::HashSet;

const REASONS: [&str; 3] = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
const PATCH_TYPES: [&str; 2] = ["ApplyConfiguration", "JSONPatch"];
/// Patch types, the fields that hold their expressions, and the fields of the other type.
const PATCHES: [(&str, &str, &str); 2] = [
    ("JSONPatch", "jsonPatch", "applyConfiguration"),
    ("ApplyConfiguration", "applyConfiguration", "jsonPatch"),
];
const MAX_ANNOTATIONS: usize = 20;
/// Most bytes of an annotation's expression; values are longer than what makes them.
const MAX_ANNOTATION_EXPRESSION: usize = 5 << 10;

/// What is wrong with validations and audit annotations, of which there must be one.
pub(super) fn validations(field: &FieldPath, name: &str, spec: &Document) -> FieldErrors {
    let validations = spec.array_at(&["validations"]);
    let annotations = spec.array_at(&["auditAnnotations"]);
    if validations.is_empty() && annotations.is_empty() {
        let why = "validations or auditAnnotations must contain at least one item";
        let places = ["validations", "auditAnnotations"].map(|key| field.child(key));
        return places.iter().map(|place| FieldError::required(place, why)).collect();
    }
    let mut out = FieldErrors::new();
    for (i, validation) in validations.iter().enumerate() {
        out.extend(validation_errors(&field.child("validations").index(i), validation));
    }
    out.extend(annotation_errors(&field.child("auditAnnotations"), name, annotations));
    out
}

fn validation_errors(field: &FieldPath, validation: &Document) -> FieldErrors {
    const EMPTY: &str = "must be non-empty if specified";
    let text = |key: &str| validation.str_at(&[key]);
    let is_blank = |key: &str| !text(key).is_empty() && text(key).trim().is_empty();
    let mut out = FieldErrors::new();
    if text("expression").trim().is_empty() {
        out.push(FieldError::required(&field.child("expression"), "expression is not specified"));
    }
    if is_blank("messageExpression") {
        out.push(FieldError::invalid(&field.child("messageExpression"), text("messageExpression"), EMPTY));
    }
    let (place, message) = (field.child("message"), text("message"));
    if is_blank("message") {
        out.push(FieldError::invalid(&place, message, EMPTY));
    } else if message.trim().contains(['\n', '\r']) {
        out.push(FieldError::invalid(&place, message, "must not contain line breaks"));
    }
    if let Some(reason) = validation.get("reason").and_then(Document::as_str)
        && !REASONS.contains(&reason)
    {
        out.push(FieldError::not_supported(&field.child("reason"), reason, &REASONS));
    }
    out
}

fn annotation_errors(field: &FieldPath, name: &str, annotations: &[Document]) -> FieldErrors {
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    if annotations.len() > MAX_ANNOTATIONS {
        // Upstream shows the names that the fields have inside its server.
        let shown = annotations.iter().map(
            |one| doc!({"Key": one.str_at(&["key"]), "ValueExpression": one.str_at(&["valueExpression"])}),
        );
        let why = format!("must not have more than {MAX_ANNOTATIONS} auditAnnotations");
        out.push(FieldError::invalid(field, shown.collect::<Document>(), why));
    }
    for (i, annotation) in annotations.iter().enumerate() {
        let field = field.index(i);
        let (place, key) = (field.child("key"), annotation.str_at(&["key"]));
        if name.is_empty() {
            out.push(FieldError::invalid(&place, key, "requires metadata.name be non-empty"));
        } else {
            let whole = format!("{name}/{key}");
            out.extend(invalid(&place, &whole, names::qualified_name(&whole)));
        }
        out.extend(annotation_value(&field.child("valueExpression"), annotation));
        if !seen.insert(key) {
            out.push(FieldError::duplicate(&place, key));
        }
    }
    out
}

fn annotation_value(field: &FieldPath, annotation: &Document) -> Option<FieldError> {
    let why = match annotation.str_at(&["valueExpression"]).trim().len() {
        0 => "valueExpression is not specified".to_owned(),
        1..=MAX_ANNOTATION_EXPRESSION => return None,
        _ => format!("must not exceed {MAX_ANNOTATION_EXPRESSION} bytes in length"),
    };
    Some(FieldError::required(field, why))
}

/// What is wrong with mutations.
pub(super) fn mutations(field: &FieldPath, mutations: &[Document]) -> FieldErrors {
    if mutations.is_empty() {
        return vec![FieldError::required(field, "mutations must contain at least one item")];
    }
    let each = mutations.iter().enumerate();
    each.flat_map(|(i, mutation)| mutation_errors(&field.index(i), mutation)).collect()
}

fn mutation_errors(field: &FieldPath, mutation: &Document) -> FieldErrors {
    let ty = mutation.str_at(&["patchType"]);
    let place = field.child("patchType");
    if ty.is_empty() {
        return vec![FieldError::required(&place, "")];
    }
    let Some((_, own, other)) = PATCHES.into_iter().find(|(known, ..)| *known == ty) else {
        return vec![FieldError::not_supported(&place, ty, &PATCH_TYPES)];
    };
    let given = |key: &str| mutation.get(key).filter(|value| !value.is_null());
    let mut out = FieldErrors::new();
    match given(own) {
        None => {
            let why = format!("must be specified when patchType is {ty}");
            out.push(FieldError::required(&field.child(own), why));
        }
        Some(patch) if patch.str_at(&["expression"]).trim().is_empty() => {
            out.push(FieldError::required(&field.child(own).child("expression"), ""));
        }
        Some(_) => {}
    }
    if given(other).is_some() {
        let why = format!("must not be specified when patchType is {ty}");
        out.push(FieldError::invalid(&field.child(other), format!("{{{other}}}"), why));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_policy_validates_or_annotates() {
        let field = FieldPath::new("spec");
        let why = "Required value: validations or auditAnnotations must contain at least one item";
        assert_eq!(
            complaints(&validations(&field, "p", &doc!({}))),
            [format!("spec.validations: {why}"), format!("spec.auditAnnotations: {why}")]
        );
        let spec = doc!({
            "validations": [
                {"expression": " ", "messageExpression": " ", "message": "a\nb", "reason": "Because"},
                {"expression": "true", "message": " "}
            ],
            "auditAnnotations": [{"key": "a b", "valueExpression": ""}, {"key": "k", "valueExpression": "'v'"}, {"key": "k", "valueExpression": "'v'"}]
        });
        let told = complaints(&validations(&field, "p", &spec));
        let expected = [
            "spec.validations[0].expression: Required value: expression is not specified",
            r#"spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified"#,
            r#"spec.validations[0].message: Invalid value: "a\nb": must not contain line breaks"#,
            r#"spec.validations[0].reason: Unsupported value: "Because": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge""#,
            r#"spec.validations[1].message: Invalid value: " ": must be non-empty if specified"#,
        ];
        assert_eq!(told[..5], expected);
        assert!(
            told[5].starts_with(r#"spec.auditAnnotations[0].key: Invalid value: "p/a b": name part must"#)
        );
        assert_eq!(
            told[6..],
            [
                "spec.auditAnnotations[0].valueExpression: Required value: valueExpression is not specified",
                r#"spec.auditAnnotations[2].key: Duplicate value: "k""#,
            ]
        );
    }

    #[test]
    fn a_mutation_has_the_patch_of_its_type() {
        let field = FieldPath::new("m");
        assert_eq!(
            complaints(&mutations(&field, &[])),
            ["m: Required value: mutations must contain at least one item"]
        );
        let cases = [
            (doc!({}), vec!["m[0].patchType: Required value"]),
            (
                doc!({"patchType": "Merge"}),
                vec![
                    r#"m[0].patchType: Unsupported value: "Merge": supported values: "ApplyConfiguration", "JSONPatch""#,
                ],
            ),
            (
                doc!({"patchType": "JSONPatch", "applyConfiguration": {"expression": "Object{}"}}),
                vec![
                    "m[0].jsonPatch: Required value: must be specified when patchType is JSONPatch",
                    r#"m[0].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch"#,
                ],
            ),
            (
                doc!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": " "}}),
                vec!["m[0].applyConfiguration.expression: Required value"],
            ),
        ];
        for (mutation, expected) in cases {
            assert_eq!(complaints(&mutations(&field, &[mutation])), expected);
        }
    }
}

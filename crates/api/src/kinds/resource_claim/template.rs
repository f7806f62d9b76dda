//! ResourceClaimTemplates: claims that are made for pods. They never change.

use super::{defaults, form, frozen_spec, request};
use crate::kinds::cells;
use crate::strategy::UpdateScope;
use crate::validation::{invalid, labels, names};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};

/// `resource.k8s.io ResourceClaimTemplate`.
pub(crate) struct ResourceClaimTemplate;

const MAX_ANNOTATION_BYTES: usize = 256 << 10;
/// Metadata that a template cannot give to its claims.
const NOT_GIVEN: [&str; 13] = [
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
    "finalizers",
    "managedFields",
];

impl Strategy for ResourceClaimTemplate {
    fn default(&self, object: &mut Document) {
        if let Some(spec) = object.at_mut(&["spec", "spec"]) {
            defaults::devices(spec);
        }
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec");
        let mut out = metadata(&field.child("metadata"), &object["spec"]["metadata"]);
        let devices = &object["spec"]["spec"]["devices"];
        out.extend(request::errors(&field.child("spec").child("devices"), devices));
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        frozen_spec(new, old, form::TEMPLATE_SPEC).into_iter().collect()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::age(object, now)]
    }
}

fn metadata(field: &FieldPath, metadata: &Document) -> FieldErrors {
    let annotations = || metadata.object_at(&["annotations"]).into_iter().flat_map(Map::iter);
    let at = field.child("annotations");
    let mut out: FieldErrors = annotations()
        .flat_map(|(key, _)| invalid(&at, key, names::qualified_name(&key.to_lowercase())))
        .collect();
    let bytes: usize = annotations().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if bytes > MAX_ANNOTATION_BYTES {
        out.push(FieldError::too_long(&at, MAX_ANNOTATION_BYTES));
    }
    out.extend(labels::labels(&field.child("labels"), metadata.object_at(&["labels"])));
    let given = NOT_GIVEN.into_iter().filter(|name| !metadata[*name].is_empty());
    out.extend(given.map(|name| {
        // Upstream derives the names from those of its own fields.
        let name = if name == "uid" { "uID" } else { name };
        FieldError::forbidden(&field.child(name), "cannot be set")
    }));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn templates_give_labels_and_annotations_only() {
        let of = |metadata: Document| {
            texts(
                &ResourceClaimTemplate
                    .validate_create(&doc!({"spec": {"metadata": metadata, "spec": {"devices": {}}}})),
            )
        };
        assert_eq!(of(doc!({"labels": {"a": "b"}, "annotations": {"C": "d"}})), Vec::<String>::new());
        assert_eq!(
            of(doc!({"name": "n", "uid": "u"})),
            ["spec.metadata.name: Forbidden: cannot be set", "spec.metadata.uID: Forbidden: cannot be set"]
        );
    }

    #[test]
    fn templates_do_not_change() {
        let of =
            |label: &str| doc!({"spec": {"metadata": {"labels": {"a": label}}, "spec": {"devices": {}}}});
        let update = |new: &Document, old: &Document| {
            texts(&ResourceClaimTemplate.validate_update(UpdateScope::Main, new, old))
        };
        assert_eq!(update(&of("b"), &of("b")), Vec::<String>::new());
        assert_eq!(
            update(&of("c"), &of("b")),
            [
                r#"spec: Invalid value: {"labels":{"a":"c"},"Spec":{"Devices":{"Requests":null,"Constraints":null,"Config":null}}}: field is immutable"#
            ]
        );
    }
}

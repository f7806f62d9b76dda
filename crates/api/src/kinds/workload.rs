//! What kinds share that keep pods by a selector and a template.

use super::pod_template;
use crate::validation::{self, labels};
use skiff_apimachinery::selector::LabelSelector;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// Replicas, selector, and a template that the selector matches and whose pods are always restarted.
pub(crate) fn validate(object: &Document, field: &FieldPath) -> FieldErrors {
    static EMPTY: Document = Document::NULL;
    let spec = object.get("spec").unwrap_or(&EMPTY);
    let mut out: FieldErrors =
        validation::not_negative(&field.child("replicas"), spec.get("replicas")).into_iter().collect();
    let selector = spec.get("selector").filter(|s| !s.is_null());
    let at = field.child("selector");
    match selector {
        None => out.push(FieldError::required(&at, "")),
        Some(selector) => {
            out.extend(labels::selector(&at, Some(selector)));
            if labels::is_empty_selector(Some(selector)) {
                let why = "empty selector is invalid for deployment";
                out.push(FieldError::invalid(&at, selector, why));
            }
        }
    }
    let template = field.child("template");
    if let Ok(parsed) = LabelSelector::from_object(selector)
        && !labels::is_empty_selector(selector)
    {
        let given = spec.at(&["template", "metadata", "labels"]);
        if !parsed.matches(given.and_then(Document::as_object)) {
            let at = template.child("metadata").child("labels");
            let shown = given.cloned().unwrap_or_else(Document::object);
            out.push(FieldError::invalid(&at, shown, "`selector` does not match template `labels`"));
        }
    }
    out.extend(pod_template::validate(spec.get("template"), &template));
    let policy = spec.str_at(&["template", "spec", "restartPolicy"]);
    if !policy.is_empty() && policy != "Always" {
        let at = template.child("spec").child("restartPolicy");
        out.push(FieldError::not_supported(&at, policy, &["Always"]));
    }
    if spec.i64_at(&["template", "spec", "activeDeadlineSeconds"]).is_some() {
        let at = template.child("spec").child("activeDeadlineSeconds");
        out.push(FieldError::forbidden(&at, "activeDeadlineSeconds in workload templates is not Supported"));
    }
    out
}

/// The selector of a workload may not change.
pub(crate) fn immutable_selector(new: &Document, old: &Document) -> Option<FieldError> {
    let selector = |doc| Document::at(doc, &["spec", "selector"]);
    validation::immutable(&FieldPath::new("spec").child("selector"), selector(new), selector(old))
}

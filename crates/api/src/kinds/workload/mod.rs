//! What kinds share that keep pods: selectors and templates that fit each other, counts of pods or percentages of them,
//! counts that a status tells.

mod amount;
mod counts;

pub(crate) use amount::{amount, at_most_all, count_or_percent, shown_strategy};
pub(crate) use counts::{above_replicas, fewer_collisions, negative};

use super::pod_template;
use crate::validation::labels;
use skiff_apimachinery::selector::LabelSelector;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// The value under nested keys, unless it is absent or null: what Go holds a pointer to.
pub(crate) fn given<'a>(object: &'a Document, path: &[&str]) -> Option<&'a Document> {
    object.at(path).filter(|value| !value.is_null())
}

/// Takes a value from the old object, absent or not.
pub(crate) fn restore(new: &mut Document, old: &Document, path: &[&str]) {
    match old.at(path) {
        Some(value) => new.set(path, value),
        None => drop(new.remove(path)),
    }
}

/// Whether a write is one of the status, of which upstream warns less: no other write changes it.
pub(crate) fn is_status_write(new: &Document, old: &Document) -> bool {
    given(new, &["status"]) != given(old, &["status"])
}

/// Errors that upstream finds twice in a changed object: once in it as one of its own, once as a change.
pub(crate) fn twice(mut errors: FieldErrors) -> FieldErrors {
    errors.extend(errors.clone());
    errors
}

/// What is wrong with the selector and the template of a Deployment or a ReplicaSet; upstream has the texts of one of
/// them for both.
pub(crate) fn selector_and_template(spec: &Document, field: &FieldPath) -> FieldErrors {
    let at = field.child("selector");
    let mut out = selector(spec, &at, "empty selector is invalid for deployment");
    let template = field.child("template");
    match LabelSelector::from_object(spec.get("selector")) {
        Err(_) => {
            out.push(FieldError::invalid(
                &at,
                shown_selector(spec.get("selector")),
                "invalid label selector",
            ));
        }
        Ok(selector) => {
            out.extend(mismatch(&selector, spec.get("template"), &template));
            out.extend(pod_template::validate(spec.get("template"), &template));
            out.extend(always_restarted(spec.get("template"), &template, "ReplicaSet"));
        }
    }
    out
}

/// What is wrong with a selector that must be there and select something.
pub(crate) fn selector(spec: &Document, field: &FieldPath, why_empty: &str) -> FieldErrors {
    let Some(selector) = given(spec, &["selector"]) else {
        return vec![FieldError::required(field, "")];
    };
    let mut out = labels::selector(field, Some(selector));
    if labels::is_empty_selector(Some(selector)) {
        out.push(FieldError::invalid(field, selector, why_empty));
    }
    out
}

/// The template lacks labels that the selector asks for. A selector that is not there selects nothing, one that is empty
/// says nothing.
pub(crate) fn mismatch(
    selector: &LabelSelector,
    template: Option<&Document>,
    field: &FieldPath,
) -> Option<FieldError> {
    if selector.is_everything() {
        return None;
    }
    let given = template.and_then(|template| template.at(&["metadata", "labels"]));
    if selector.matches(given.and_then(Document::as_object)) {
        return None;
    }
    let at = field.child("metadata").child("labels");
    Some(FieldError::invalid(&at, shown_labels(given), "`selector` does not match template `labels`"))
}

/// Pods of these templates are always restarted and never end of themselves.
pub(crate) fn always_restarted(template: Option<&Document>, field: &FieldPath, kind: &str) -> FieldErrors {
    let mut out = FieldErrors::new();
    let spec = template.and_then(|template| template.get("spec"));
    let policy = spec.map_or("", |spec| spec.str_at(&["restartPolicy"]));
    let field = field.child("spec");
    if policy != "Always" {
        out.push(FieldError::not_supported(&field.child("restartPolicy"), policy, &["Always"]));
    }
    if spec.is_some_and(|spec| given(spec, &["activeDeadlineSeconds"]).is_some()) {
        let why = format!("activeDeadlineSeconds in {kind} is not Supported");
        out.push(FieldError::forbidden(&field.child("activeDeadlineSeconds"), why));
    }
    out
}

/// The selector of a workload may not change.
pub(crate) fn immutable_selector(new: &Document, old: &Document) -> Option<FieldError> {
    const PATH: [&str; 2] = ["spec", "selector"];
    let (now, before) = (given(new, &PATH), given(old, &PATH));
    let field = FieldPath::new("spec").child("selector");
    (now != before).then(|| FieldError::invalid(&field, shown_selector(now), "field is immutable"))
}

/// Labels as upstream shows them: sorted by key.
pub(crate) fn shown_labels(labels: Option<&Document>) -> Document {
    let mut labels = labels.cloned().unwrap_or_default();
    if let Some(map) = labels.as_object_mut() {
        map.sort_keys();
    }
    labels
}

/// A selector as upstream shows it, its labels sorted by key.
pub(crate) fn shown_selector(selector: Option<&Document>) -> Document {
    let mut selector = selector.cloned().unwrap_or_default();
    if let Some(map) = selector.at_mut(&["matchLabels"]).and_then(Document::as_object_mut) {
        map.sort_keys();
    }
    selector
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn selectors_and_templates_fit_each_other() {
        const MISMATCH: &str = "spec.template.metadata.labels: Invalid value: {\"a\":\"1\"}: `selector` does not match template `labels`";
        let cases = [
            ("a match", doc!({"matchLabels": {"a": "1"}}), vec![]),
            ("another label", doc!({"matchLabels": {"a": "2"}}), vec![MISMATCH.to_owned()]),
            (
                "no selector",
                Document::NULL,
                vec!["spec.selector: Required value".to_owned(), MISMATCH.to_owned()],
            ),
            (
                "an empty selector",
                doc!({}),
                vec![
                    "spec.selector: Invalid value: {}: empty selector is invalid for deployment".to_owned(),
                ],
            ),
            (
                "an unknown operator",
                doc!({"matchExpressions": [{"key": "a", "operator": "Near"}]}),
                vec![
                    "spec.selector.matchExpressions[0].operator: Invalid value: \"Near\": not a valid selector operator"
                        .to_owned(),
                    "spec.selector: Invalid value: {\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Near\"}]}: invalid label selector"
                        .to_owned(),
                ],
            ),
        ];
        for (case, selector, expected) in cases {
            let mut template = doc!({
                "metadata": {"labels": {"a": "1"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}
            });
            pod_template::default_template(&mut template);
            let spec = doc!({"selector": selector, "template": template});
            let errors = selector_and_template(&spec, &FieldPath::new("spec"));
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{case}");
        }
    }

    #[test]
    fn a_template_without_labels_is_shown_as_null() {
        let selector = LabelSelector::from_object(Some(&doc!({"matchLabels": {"a": "1"}}))).unwrap();
        let error = mismatch(&selector, Some(&doc!({})), &FieldPath::new("spec.template")).unwrap();
        assert_eq!(
            error.to_string(),
            "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`"
        );
    }

    #[test]
    fn labels_are_shown_sorted() {
        let labels = doc!({"b": "1", "a": "2"});
        assert_eq!(shown_labels(Some(&labels)).to_string(), r#"{"a":"2","b":"1"}"#);
        let selector = doc!({"matchLabels": labels});
        assert_eq!(shown_selector(Some(&selector)).to_string(), r#"{"matchLabels":{"a":"2","b":"1"}}"#);
        assert_eq!(shown_selector(None), Document::NULL);
    }

    #[test]
    fn pods_of_workloads_are_always_restarted() {
        let template = doc!({"spec": {"restartPolicy": "Never", "activeDeadlineSeconds": 1}});
        let errors = always_restarted(Some(&template), &FieldPath::new("spec.template"), "ReplicaSet");
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                r#"spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always""#,
                "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported"
            ]
        );
    }
}

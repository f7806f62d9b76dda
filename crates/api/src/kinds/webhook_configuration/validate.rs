//! What is wrong with a webhook configuration.

use super::super::admission_rules::{
    failure_policy, match_conditions, match_policy, reinvocation_policy, rule_with_operations,
};
use crate::validation::{invalid, labels, names, webhook as client};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

/// Side effects that dry runs do not have.
const NO_SIDE_EFFECTS: [&str; 2] = ["None", "NoneOnDryRun"];
/// Side effects that stored webhooks may have.
const SIDE_EFFECTS: [&str; 4] = ["None", "NoneOnDryRun", "Some", "Unknown"];
/// Versions of AdmissionReview that webhooks are asked in.
const REVIEW_VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// What the old webhooks had wrong, which the new ones may have too.
#[derive(Default)]
struct Leniency {
    side_effects: bool,
    versions: bool,
    same_names: bool,
    label_values: bool,
    match_conditions: bool,
}

impl Leniency {
    fn of(new: &[Document], old: &[Document]) -> Self {
        let has_values = |webhook: &Document| {
            let selectors = ["namespaceSelector", "objectSelector"].map(|key| webhook.get(key));
            selectors.into_iter().any(|selector| !labels::selector(&FieldPath::root(), selector).is_empty())
        };
        let names: HashSet<&str> = old.iter().map(|webhook| webhook.str_at(&["name"])).collect();
        let conditions = |webhooks: &[Document]| -> Vec<Document> {
            webhooks.iter().map(|webhook| webhook["matchConditions"].clone()).collect()
        };
        Self {
            side_effects: !old
                .iter()
                .all(|webhook| NO_SIDE_EFFECTS.contains(&webhook.str_at(&["sideEffects"]))),
            versions: old.iter().any(|webhook| {
                let versions = webhook.array_at(&["admissionReviewVersions"]);
                !versions.is_empty() && !versions.iter().any(is_known)
            }),
            same_names: names.len() < old.len(),
            label_values: old.iter().any(has_values),
            match_conditions: conditions(new) == conditions(old),
        }
    }
}

/// What is wrong with the webhooks; what was wrong with `old` before is let through.
pub(super) fn webhooks(object: &Document, old: Option<&Document>) -> FieldErrors {
    let webhooks = object.array_at(&["webhooks"]);
    let lenient = old.map(|old| Leniency::of(webhooks, old.array_at(&["webhooks"]))).unwrap_or_default();
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    for (i, webhook) in webhooks.iter().enumerate() {
        let field = FieldPath::new("webhooks").index(i);
        out.extend(webhook_errors(&field, webhook, &lenient));
        let place = field.child("admissionReviewVersions");
        out.extend(review_versions(&place, webhook.array_at(&["admissionReviewVersions"]), &lenient));
        let name = webhook.str_at(&["name"]);
        if !name.is_empty() && !seen.insert(name) && !lenient.same_names {
            out.push(FieldError::duplicate(&field.child("name"), name));
        }
    }
    out
}

fn webhook_errors(field: &FieldPath, webhook: &Document, lenient: &Leniency) -> FieldErrors {
    let mut out: FieldErrors =
        qualified_name(&field.child("name"), webhook.str_at(&["name"])).into_iter().collect();
    for (i, rule) in webhook.array_at(&["rules"]).iter().enumerate() {
        out.extend(rule_with_operations(&field.child("rules").index(i), rule));
    }
    out.extend(failure_policy(field, webhook));
    out.extend(match_policy(field, webhook));
    out.extend(side_effects(&field.child("sideEffects"), webhook, lenient));
    let timeout = webhook.i64_at(&["timeoutSeconds"]);
    if let Some(timeout) = timeout.filter(|timeout| !(1..=30).contains(timeout)) {
        let why = "the timeout value must be between 1 and 30 seconds";
        out.push(FieldError::invalid(&field.child("timeoutSeconds"), timeout, why));
    }
    for key in ["namespaceSelector", "objectSelector"] {
        let mut errors = labels::selector(&field.child(key), webhook.get(key));
        if lenient.label_values {
            errors.retain(|error| !error.field.as_str().contains(".values["));
        }
        out.extend(errors);
    }
    out.extend(reinvocation_policy(field, webhook));
    out.extend(client::client_config(&field.child("clientConfig"), &webhook["clientConfig"]));
    if !lenient.match_conditions {
        let conditions = webhook.array_at(&["matchConditions"]);
        out.extend(match_conditions(&field.child("matchConditions"), conditions));
    }
    out
}

/// A name of at least three labels, so that webhooks of different domains do not meet.
fn qualified_name(field: &FieldPath, name: &str) -> Option<FieldError> {
    if name.is_empty() {
        return Some(FieldError::required(field, ""));
    }
    let complaints = names::dns1123_subdomain(name);
    if !complaints.is_empty() {
        return Some(FieldError::invalid(field, name, complaints.join(",")));
    }
    let why = "should be a domain with at least three segments separated by dots";
    (name.split('.').count() < 3).then(|| FieldError::invalid(field, name, why))
}

fn side_effects(field: &FieldPath, webhook: &Document, lenient: &Leniency) -> Option<FieldError> {
    let allowed = if lenient.side_effects { &SIDE_EFFECTS[..] } else { &NO_SIDE_EFFECTS };
    match webhook.get("sideEffects").and_then(Document::as_str) {
        None => Some(FieldError::required(field, format!("must specify one of {}", allowed.join(", ")))),
        Some(text) => (!allowed.contains(&text)).then(|| FieldError::not_supported(field, text, allowed)),
    }
}

fn is_known(version: &Document) -> bool {
    version.as_str().is_some_and(|version| REVIEW_VERSIONS.contains(&version))
}

fn review_versions(field: &FieldPath, versions: &[Document], lenient: &Leniency) -> FieldErrors {
    if versions.is_empty() {
        return vec![FieldError::required(field, "must specify one of v1, v1beta1")];
    }
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    for (i, version) in versions.iter().filter_map(Document::as_str).enumerate() {
        if seen.insert(version) {
            out.extend(invalid(&field.index(i), version, names::dns1035_label(version)));
        } else {
            out.push(FieldError::invalid(&field.index(i), version, "duplicate version"));
        }
    }
    if !lenient.versions && !versions.iter().any(is_known) {
        let why = "must include at least one of v1, v1beta1";
        out.push(FieldError::invalid(field, versions.to_vec(), why));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn fine() -> Document {
        doc!({
            "name": "a.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": "https://example.com"}, "timeoutSeconds": 10
        })
    }

    fn with(key: &str, value: Document) -> Document {
        let mut webhook = fine();
        webhook.insert(key, value);
        webhook
    }

    fn complaints(webhook: Document, old: Option<Document>) -> Vec<String> {
        let of = |webhook: Document| doc!({"webhooks": [webhook]});
        let old = old.map(of);
        webhooks(&of(webhook), old.as_ref()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn webhooks_are_judged_in_upstreams_words() {
        assert_eq!(complaints(fine(), None), Vec::<String>::new());
        let cases = [
            ("name", doc!(""), "webhooks[0].name: Required value"),
            (
                "name",
                doc!("a.b"),
                r#"webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots"#,
            ),
            (
                "failurePolicy",
                doc!("Maybe"),
                r#"webhooks[0].failurePolicy: Unsupported value: "Maybe": supported values: "Fail", "Ignore""#,
            ),
            (
                "sideEffects",
                doc!("Some"),
                r#"webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun""#,
            ),
            (
                "sideEffects",
                Document::NULL,
                "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun",
            ),
            (
                "timeoutSeconds",
                doc!(31),
                "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
            ),
            (
                "reinvocationPolicy",
                doc!("Always"),
                r#"webhooks[0].reinvocationPolicy: Unsupported value: "Always": supported values: "IfNeeded", "Never""#,
            ),
            (
                "admissionReviewVersions",
                doc!([]),
                "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1",
            ),
            (
                "admissionReviewVersions",
                doc!(["v2"]),
                r#"webhooks[0].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1"#,
            ),
            (
                "admissionReviewVersions",
                doc!(["v1", "v1"]),
                r#"webhooks[0].admissionReviewVersions[1]: Invalid value: "v1": duplicate version"#,
            ),
        ];
        for (key, value, expected) in cases {
            assert_eq!(complaints(with(key, value), None), [expected]);
        }
        let twice = doc!({"webhooks": [fine(), fine()]});
        assert_eq!(
            webhooks(&twice, None)[0].to_string(),
            r#"webhooks[1].name: Duplicate value: "a.example.com""#
        );
        assert_eq!(webhooks(&twice, Some(&twice)), []);
    }

    #[test]
    fn what_was_wrong_before_does_not_stop_an_update() {
        let odd_selector = doc!({"matchExpressions": [{"key": "a", "operator": "In", "values": ["-"]}]});
        let cases = [
            ("sideEffects", doc!("Unknown")),
            ("admissionReviewVersions", doc!(["v2"])),
            ("objectSelector", odd_selector),
            ("matchConditions", doc!([{"name": "", "expression": ""}])),
        ];
        for (key, value) in cases {
            let webhook = with(key, value);
            assert!(!complaints(webhook.clone(), Some(fine())).is_empty(), "{key}");
            assert_eq!(complaints(webhook.clone(), Some(webhook)), Vec::<String>::new(), "{key}");
        }
    }
}

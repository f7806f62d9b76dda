//! What webhooks and admission policies share: which requests they match, defaults and validation.

mod match_conditions;
mod match_resources;
mod rule;

pub(crate) use match_conditions::match_conditions;
pub(crate) use match_resources::match_resources;
pub(crate) use rule::rule_with_operations;

use skiff_apimachinery::{Document, FieldError, FieldPath};

/// What happens when a webhook or policy cannot be asked.
const FAILURE_POLICIES: [&str; 2] = ["Fail", "Ignore"];
/// Whether other versions of a resource match too.
const MATCH_POLICIES: [&str; 2] = ["Equivalent", "Exact"];
/// Whether a mutation is made again after later ones.
const REINVOCATION_POLICIES: [&str; 2] = ["IfNeeded", "Never"];

/// Fills in how a webhook, a policy's constraints or a binding's resources match; `rules` names the lists of rules.
pub(crate) fn default_match(matcher: &mut Document, rules: &str) {
    matcher.set_default(&["matchPolicy"], "Equivalent");
    matcher.set_default(&["namespaceSelector"], Document::object());
    matcher.set_default(&["objectSelector"], Document::object());
    default_rules(matcher, rules);
}

/// Rules apply to all scopes unless they say otherwise.
pub(crate) fn default_rules(matcher: &mut Document, rules: &str) {
    for rule in matcher.get_mut(rules).and_then(Document::as_array_mut).into_iter().flatten() {
        rule.set_default(&["scope"], "*");
    }
}

/// What is wrong with `failurePolicy`, if it is given.
pub(crate) fn failure_policy(field: &FieldPath, of: &Document) -> Option<FieldError> {
    known(field, of, "failurePolicy", &FAILURE_POLICIES)
}

/// What is wrong with `matchPolicy`, if it is given.
pub(crate) fn match_policy(field: &FieldPath, of: &Document) -> Option<FieldError> {
    known(field, of, "matchPolicy", &MATCH_POLICIES)
}

/// What is wrong with `reinvocationPolicy`, if it is given.
pub(crate) fn reinvocation_policy(field: &FieldPath, of: &Document) -> Option<FieldError> {
    known(field, of, "reinvocationPolicy", &REINVOCATION_POLICIES)
}

fn known(field: &FieldPath, of: &Document, key: &str, allowed: &[&str]) -> Option<FieldError> {
    let text = of.get(key).and_then(Document::as_str)?;
    (!allowed.contains(&text)).then(|| FieldError::not_supported(&field.child(key), text, allowed))
}

/// Whether a list has the wildcard among others.
fn is_mixed(list: &[Document]) -> bool {
    list.len() > 1 && list.iter().any(|one| one.as_str() == Some("*"))
}

//! Defaults that webhooks and admission policies share: which requests they match.

use skiff_apimachinery::Document;

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

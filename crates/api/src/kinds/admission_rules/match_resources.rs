//! What is wrong with the constraints of a policy, and with the resources that a binding narrows them to.

use super::{match_policy, rule_with_operations};
use crate::validation::{invalid, labels, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

/// What is wrong with the matcher.
pub(crate) fn match_resources(field: &FieldPath, matcher: &Document) -> FieldErrors {
    let given = |key: &str| matcher.get(key).filter(|value| !value.is_null());
    let mut out = FieldErrors::new();
    if given("matchPolicy").is_none() {
        out.push(FieldError::required(&field.child("matchPolicy"), ""));
    }
    out.extend(match_policy(field, matcher));
    for key in ["namespaceSelector", "objectSelector"] {
        let place = field.child(key);
        match given(key) {
            None => out.push(FieldError::required(&place, "")),
            selector => out.extend(labels::selector(&place, selector)),
        }
    }
    for key in ["resourceRules", "excludeResourceRules"] {
        for (i, rule) in matcher.array_at(&[key]).iter().enumerate() {
            out.extend(named_rule(&field.child(key).index(i), rule));
        }
    }
    out
}

fn named_rule(field: &FieldPath, rule: &Document) -> FieldErrors {
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    let names = rule.array_at(&["resourceNames"]).iter().filter_map(Document::as_str).enumerate();
    for (i, name) in names {
        let place = field.child("resourceNames").index(i);
        out.extend(invalid(&place, name, names::path_segment(name)));
        if !seen.insert(name) {
            out.push(FieldError::duplicate(&place, name));
        }
    }
    out.extend(rule_with_operations(field, rule));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn a_matcher_is_whole_and_its_rules_are_right() {
        let texts = |matcher: Document| -> Vec<String> {
            match_resources(&FieldPath::new("m"), &matcher).iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            texts(doc!({})),
            [
                "m.matchPolicy: Required value",
                "m.namespaceSelector: Required value",
                "m.objectSelector: Required value",
            ]
        );
        let matcher = doc!({
            "matchPolicy": "Similar", "namespaceSelector": {}, "objectSelector": {},
            "resourceRules": [{
                "resourceNames": ["a", "a/b", "a"], "operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"],
                "resources": ["pods"]
            }]
        });
        assert_eq!(
            texts(matcher),
            [
                r#"m.matchPolicy: Unsupported value: "Similar": supported values: "Equivalent", "Exact""#,
                r#"m.resourceRules[0].resourceNames[1]: Invalid value: "a/b": may not contain '/'"#,
                r#"m.resourceRules[0].resourceNames[2]: Duplicate value: "a""#,
            ]
        );
    }
}

//! What is wrong with a ResourceQuota.

use crate::validation::resources;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map, doc};
use std::collections::BTreeSet;

/// Scopes that a quota can have.
const SCOPES: [&str; 7] = [
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
    "VolumeAttributesClass",
];
/// Scopes that an object is in or is not, with nothing to choose.
const EXISTS_ONLY: [&str; 5] =
    ["BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "Terminating"];
/// Scopes that no object is in both of.
const CONFLICTS: [[&str; 2]; 2] = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]];
/// What a scope of pods can limit.
const OF_PODS: [&str; 7] =
    ["cpu", "limits.cpu", "limits.memory", "memory", "pods", "requests.cpu", "requests.memory"];
/// What a scope of claims can limit.
const OF_CLAIMS: [&str; 2] = ["persistentvolumeclaims", "requests.storage"];

/// What is wrong with the limits and scopes.
pub(super) fn spec(quota: &Document) -> FieldErrors {
    let field = FieldPath::new("spec");
    let limits = quota.object_at(&["spec", "hard"]);
    let mut out = amounts(&field.child("hard"), limits);
    out.extend(scopes(&field.child("scopes"), quota));
    out.extend(selector(&field.child("scopeSelector").child("matchExpressions"), quota));
    out
}

/// What is wrong with the usage that is told.
pub(super) fn status(quota: &Document) -> FieldErrors {
    let field = FieldPath::new("status");
    let list = |name: &str| amounts(&field.child(name), quota.object_at(&["status", name]));
    let mut out = list("hard");
    out.extend(list("used"));
    out
}

/// What is wrong with a changed quota: its scopes must be the same, in any order.
pub(super) fn update(new: &Document, old: &Document) -> FieldErrors {
    let mut out = spec(new);
    let set = |quota: &Document| -> BTreeSet<String> {
        let scopes = quota.array_at(&["spec", "scopes"]).iter();
        scopes.filter_map(Document::as_str).map(str::to_owned).collect()
    };
    if set(new) != set(old) {
        let field = FieldPath::new("spec").child("scopes");
        out.push(FieldError::invalid(&field, shown_scopes(new), "field is immutable"));
    }
    out
}

fn amounts(field: &FieldPath, list: Option<&Map>) -> FieldErrors {
    let mut out = FieldErrors::new();
    for name in sorted_names(list) {
        let field = field.key(name);
        out.extend(resources::quota_name(&field, name));
        let amount = list.and_then(|list| list.get(name)).and_then(Quantity::from_document);
        if let Some(Ok(amount)) = amount {
            out.extend(resources::amount(&field, name, amount));
        }
    }
    out
}

fn sorted_names(list: Option<&Map>) -> Vec<&str> {
    let mut names: Vec<&str> = list.into_iter().flat_map(Map::keys).collect();
    names.sort_unstable();
    names
}

fn scopes(field: &FieldPath, quota: &Document) -> FieldErrors {
    let scopes: Vec<&str> = quota.array_at(&["spec", "scopes"]).iter().filter_map(Document::as_str).collect();
    let refusal = |why: &str| FieldError::invalid(field, shown_scopes(quota), why);
    let mut out = FieldErrors::new();
    for &scope in &scopes {
        if !SCOPES.contains(&scope) {
            out.push(refusal("unsupported scope"));
        }
        out.extend(beyond(scope, quota).map(|_| refusal("unsupported scope applied to resource")));
    }
    out.extend(conflicts(&scopes).map(|_| refusal("conflicting scopes")));
    out
}

/// Upstream names the list of expressions and not the one that is wrong.
fn selector(field: &FieldPath, quota: &Document) -> FieldErrors {
    let expressions = quota.array_at(&["spec", "scopeSelector", "matchExpressions"]);
    let mut out = FieldErrors::new();
    for expression in expressions {
        let scope = expression.str_at(&["scopeName"]);
        if !SCOPES.contains(&scope) {
            out.push(FieldError::invalid(&field.child("scopeName"), scope, "unsupported scope"));
        }
        out.extend(beyond(scope, quota).map(|_| {
            FieldError::invalid(field, shown_selector(expressions), "unsupported scope applied to resource")
        }));
        out.extend(operator(field, scope, expression));
    }
    let scopes: Vec<&str> = expressions.iter().map(|expression| expression.str_at(&["scopeName"])).collect();
    // Upstream shows the scopes of the other field here.
    out.extend(
        conflicts(&scopes).map(|_| FieldError::invalid(field, shown_scopes(quota), "conflicting scopes")),
    );
    out
}

fn operator(field: &FieldPath, scope: &str, expression: &Document) -> FieldErrors {
    let operator = expression.str_at(&["operator"]);
    let has_values = !expression.array_at(&["values"]).is_empty();
    let mut out = FieldErrors::new();
    if EXISTS_ONLY.contains(&scope) && operator != "Exists" {
        let why = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, \
                   ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, \
                   ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
        out.push(FieldError::invalid(&field.child("operator"), operator, why));
    }
    match operator {
        "In" | "NotIn" if !has_values => {
            let why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
            out.push(FieldError::required(&field.child("values"), why));
        }
        "Exists" | "DoesNotExist" if has_values => {
            let why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
            out.push(FieldError::invalid(&field.child("values"), expression.get("values").cloned(), why));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ => {
            out.push(FieldError::invalid(&field.child("operator"), operator, "not a valid selector operator"))
        }
    }
    out
}

/// The limits that a quota of this scope cannot have.
fn beyond<'q>(scope: &'q str, quota: &'q Document) -> impl Iterator<Item = &'q str> {
    let names = sorted_names(quota.object_at(&["spec", "hard"]));
    names.into_iter().filter(move |name| resources::is_standard_in_quotas(name) && !covers(scope, name))
}

/// Whether objects in the scope use the resource.
fn covers(scope: &str, resource: &str) -> bool {
    match scope {
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => OF_CLAIMS.contains(&resource),
        _ if SCOPES.contains(&scope) => OF_PODS.contains(&resource),
        _ => true,
    }
}

/// Scopes that do not go together.
fn conflicts(scopes: &[&str]) -> impl Iterator<Item = [&'static str; 2]> {
    CONFLICTS.into_iter().filter(move |pair| pair.iter().all(|scope| scopes.contains(scope)))
}

fn shown_scopes(quota: &Document) -> Option<Document> {
    quota.at(&["spec", "scopes"]).cloned()
}

/// The selector under the names that its fields have inside upstream's server.
fn shown_selector(expressions: &[Document]) -> Document {
    let expressions = expressions.iter().map(|expression| {
        doc!({
            "ScopeName": expression.str_at(&["scopeName"]),
            "Operator": expression.str_at(&["operator"]),
            "Values": expression.get("values").cloned()
        })
    });
    doc!({"MatchExpressions": expressions.collect::<Vec<Document>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    fn limited(hard: Document) -> Vec<String> {
        texts(&spec(&doc!({"spec": {"hard": hard}})))
    }

    fn scoped(hard: Document, scopes: &[&str]) -> Vec<String> {
        texts(&spec(&doc!({"spec": {"hard": hard, "scopes": scopes.to_vec()}})))
    }

    fn selected(hard: Document, expressions: Document) -> Vec<String> {
        texts(&spec(&doc!({"spec": {"hard": hard, "scopeSelector": {"matchExpressions": expressions}}})))
    }

    #[test]
    fn limits_have_known_names_and_possible_amounts() {
        let fine = doc!({
            "cpu": "100", "requests.memory": "10Gi", "limits.ephemeral-storage": "1", "hugepages-2Mi": "4Mi",
            "requests.example.com/gpu": "4", "count/deployments.apps": "2", "services.nodeports": "0",
            "gold.storageclass.storage.k8s.io/requests.storage": "500Gi"
        });
        assert_eq!(limited(fine), Vec::<String>::new());
        assert_eq!(
            limited(doc!({"widgets": "1"})),
            [
                r#"spec.hard[widgets]: Invalid value: "widgets": must be a standard resource type or fully qualified"#,
                r#"spec.hard[widgets]: Invalid value: "widgets": must be a standard resource for quota"#,
            ]
        );
        assert_eq!(
            limited(doc!({"pods": "500m", "cpu": "-1"})),
            [
                r#"spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0"#,
                r#"spec.hard[pods]: Invalid value: "500m": must be an integer"#,
            ]
        );
    }

    #[test]
    fn scopes_are_known_go_together_and_suit_the_limits() {
        assert_eq!(scoped(doc!({"pods": "1", "count/secrets": "1"}), &["BestEffort"]), Vec::<String>::new());
        assert_eq!(scoped(doc!({"requests.storage": "1"}), &["VolumeAttributesClass"]), Vec::<String>::new());
        assert_eq!(
            scoped(doc!({"pods": "1"}), &["Sometimes"]),
            [r#"spec.scopes: Invalid value: ["Sometimes"]: unsupported scope"#]
        );
        for (limit, scope) in [
            ("cpu", "BestEffort"),
            ("services", "Terminating"),
            ("requests.ephemeral-storage", "NotBestEffort"),
            ("persistentvolumeclaims", "PriorityClass"),
            ("pods", "VolumeAttributesClass"),
        ] {
            let text =
                format!("spec.scopes: Invalid value: [{scope:?}]: unsupported scope applied to resource");
            assert_eq!(scoped(doc!({(limit): "1"}), &[scope]), [text]);
        }
        assert_eq!(
            scoped(doc!({"pods": "1"}), &["Terminating", "NotTerminating"]),
            [r#"spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes"#]
        );
    }

    #[test]
    fn selectors_have_operators_that_suit_their_scopes() {
        let pods = || doc!({"pods": "1"});
        let fine = doc!([
            {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]},
            {"scopeName": "CrossNamespacePodAffinity", "operator": "Exists"}
        ]);
        assert_eq!(selected(pods(), fine), Vec::<String>::new());
        let cases = [
            (
                doc!({"scopeName": "Sometimes", "operator": "Exists"}),
                r#"scopeName: Invalid value: "Sometimes": unsupported scope"#,
            ),
            (
                doc!({"scopeName": "Terminating", "operator": "DoesNotExist"}),
                r#"operator: Invalid value: "DoesNotExist": must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"#,
            ),
            (
                doc!({"scopeName": "PriorityClass", "operator": "NotIn"}),
                "values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
            ),
            (
                doc!({"scopeName": "PriorityClass", "operator": "Exists", "values": ["high"]}),
                r#"values: Invalid value: ["high"]: must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"#,
            ),
            (
                doc!({"scopeName": "PriorityClass", "operator": "Likes"}),
                r#"operator: Invalid value: "Likes": not a valid selector operator"#,
            ),
        ];
        for (expression, why) in cases {
            let text = format!("spec.scopeSelector.matchExpressions.{why}");
            assert_eq!(selected(pods(), doc!([expression])), [text]);
        }
    }

    #[test]
    fn selectors_suit_the_limits_and_do_not_conflict() {
        assert_eq!(
            selected(doc!({"services": "1"}), doc!([{"scopeName": "PriorityClass", "operator": "Exists"}])),
            [
                r#"spec.scopeSelector.matchExpressions: Invalid value: {"MatchExpressions":[{"ScopeName":"PriorityClass","Operator":"Exists","Values":null}]}: unsupported scope applied to resource"#
            ]
        );
        let both = doc!([
            {"scopeName": "BestEffort", "operator": "Exists"},
            {"scopeName": "NotBestEffort", "operator": "Exists"}
        ]);
        assert_eq!(
            selected(doc!({"pods": "1"}), both),
            ["spec.scopeSelector.matchExpressions: Invalid value: null: conflicting scopes"]
        );
    }

    #[test]
    fn scopes_do_not_change() {
        let of = |scopes: &[&str]| doc!({"spec": {"hard": {"pods": "1"}, "scopes": scopes.to_vec()}});
        let pair = ["BestEffort", "Terminating"];
        assert!(update(&of(&pair), &of(&["Terminating", "BestEffort"])).is_empty());
        assert_eq!(
            texts(&update(&of(&["BestEffort"]), &of(&pair))),
            [r#"spec.scopes: Invalid value: ["BestEffort"]: field is immutable"#]
        );
        let unscoped = doc!({"spec": {"hard": {"pods": "1"}}});
        assert_eq!(
            texts(&update(&unscoped, &of(&pair))),
            ["spec.scopes: Invalid value: null: field is immutable"]
        );
    }

    #[test]
    fn told_usage_is_possible() {
        let quota = doc!({"status": {"hard": {"pods": "1"}, "used": {"pods": "-1", "cpu": "1"}}});
        assert_eq!(
            texts(&status(&quota)),
            [r#"status.used[pods]: Invalid value: "-1": must be greater than or equal to 0"#]
        );
    }
}

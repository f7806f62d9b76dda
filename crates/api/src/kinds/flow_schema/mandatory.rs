//! The two FlowSchemas that every server has and nobody may change: `exempt` and `catch-all`.

use super::super::flow_control::meaning;
use skiff_apimachinery::{Document, doc};

/// Whether the schema has the name of a mandatory one and not its content.
pub(super) fn differs(object: &Document) -> bool {
    fixed(object.name()).is_some_and(|fixed| meaning(&object["spec"]) != meaning(&fixed))
}

/// The fixed content, for the names that have one.
fn fixed(name: &str) -> Option<Document> {
    let (precedence, method, groups) = match name {
        "exempt" => (1, Document::NULL, vec!["system:masters"]),
        "catch-all" => {
            (10_000, doc!({"type": "ByUser"}), vec!["system:unauthenticated", "system:authenticated"])
        }
        _ => return None,
    };
    let subjects: Document =
        groups.into_iter().map(|group| doc!({"kind": "Group", "group": {"name": group}})).collect();
    Some(doc!({
        "priorityLevelConfiguration": {"name": name}, "matchingPrecedence": precedence, "distinguisherMethod": method,
        "rules": [{
            "subjects": subjects,
            "resourceRules": [
                {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": true, "namespaces": ["*"]}
            ],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}]
        }]
    }))
}

/// The spec under the names that its fields have inside upstream's server.
pub(super) fn shown(spec: &Document) -> Document {
    let method = spec.get("distinguisherMethod").filter(|method| !method.is_null());
    doc!({
        "PriorityLevelConfiguration": {"Name": spec.str_at(&["priorityLevelConfiguration", "name"])},
        "MatchingPrecedence": spec.i64_at(&["matchingPrecedence"]).unwrap_or(0),
        "DistinguisherMethod": method.map(|method| doc!({"Type": method.str_at(&["type"])})),
        "Rules": spec.array_at(&["rules"]).iter().map(shown_rule).collect::<Document>()
    })
}

fn shown_rule(rule: &Document) -> Document {
    let of_resources = |one: &Document| {
        doc!({
            "Verbs": one.get("verbs").cloned(), "APIGroups": one.get("apiGroups").cloned(),
            "Resources": one.get("resources").cloned(),
            "ClusterScope": one.bool_at(&["clusterScope"]).unwrap_or(false),
            "Namespaces": one.get("namespaces").cloned()
        })
    };
    let of_paths = |one: &Document| doc!({"Verbs": one.get("verbs").cloned(), "NonResourceURLs": one.get("nonResourceURLs").cloned()});
    let list = |key: &str, shown: &dyn Fn(&Document) -> Document| {
        rule.get(key).map(|_| rule.array_at(&[key]).iter().map(shown).collect::<Document>())
    };
    doc!({
        "Subjects": list("subjects", &shown_subject), "ResourceRules": list("resourceRules", &of_resources),
        "NonResourceRules": list("nonResourceRules", &of_paths)
    })
}

fn shown_subject(subject: &Document) -> Document {
    let given = |key: &str| subject.get(key).filter(|value| !value.is_null());
    let named = |key: &str| given(key).map(|value| doc!({"Name": value.str_at(&["name"])}));
    let account = given("serviceAccount").map(
        |account| doc!({"Namespace": account.str_at(&["namespace"]), "Name": account.str_at(&["name"])}),
    );
    doc!({
        "Kind": subject.str_at(&["kind"]), "User": named("user"), "Group": named("group"), "ServiceAccount": account
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mandatory_schemas_are_what_they_are() {
        for name in ["exempt", "catch-all"] {
            let mut object = doc!({"metadata": {"name": name}, "spec": fixed(name)});
            assert!(!differs(&object), "{name}");
            assert!(super::super::validate::flow_schema(&object).is_empty(), "{name}");
            object.set(&["spec", "matchingPrecedence"], 2);
            assert!(differs(&object), "{name}");
        }
        assert!(!differs(&doc!({"metadata": {"name": "mine"}, "spec": {}})));
    }

    #[test]
    fn a_changed_one_is_shown_under_internal_names() {
        let object = doc!({
            "metadata": {"name": "exempt"},
            "spec": {"matchingPrecedence": 1, "priorityLevelConfiguration": {"name": "exempt"}}
        });
        let errors = super::super::validate::flow_schema(&object);
        assert_eq!(
            errors[0].to_string(),
            r#"spec: Invalid value: {"PriorityLevelConfiguration":{"Name":"exempt"},"MatchingPrecedence":1,"DistinguisherMethod":null,"Rules":[]}: spec of 'exempt' must equal the fixed value"#
        );
    }
}

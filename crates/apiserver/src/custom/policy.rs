//! What a definition's status tells of policies: whether its schemas are structural, and whether a definition in one of
//! upstream's own groups was approved there.

use super::conditions::{self, APPROVAL_POLICY_CONFORMANT, Condition, NON_STRUCTURAL_SCHEMA};
use jiff::Timestamp;
use skiff_api::kinds::custom_resource_definition::{Approval, approval, is_protected, structural_errors};
use skiff_apimachinery::{Document, FieldErrors};

/// Sets the conditions that the definition gives reason for, and removes one that it does not any more.
pub(super) fn tell(definition: &mut Document, now: Timestamp) {
    match structural_errors(definition) {
        Ok(errors) if errors.is_empty() => conditions::remove(definition, NON_STRUCTURAL_SCHEMA),
        Ok(errors) => {
            let condition = Condition::new(NON_STRUCTURAL_SCHEMA, true, "Violations", aggregate(&errors));
            conditions::set(definition, &condition, now);
        }
        // Such a schema is not taken, so that only one from elsewhere can be in the store.
        Err(why) => tracing::warn!(definition = definition.name(), why, "schemas cannot be looked at"),
    }
    // The group never changes, so that there is nothing to remove.
    if is_protected(definition.str_at(&["spec", "group"])) {
        let (said, message) = approval(definition);
        let (holds, reason) = match said {
            Approval::Approved => (true, "ApprovedAnnotation"),
            Approval::Bypassed => (false, "UnapprovedAnnotation"),
            Approval::Invalid => (false, "InvalidAnnotation"),
            Approval::Missing => (false, "MissingAnnotation"),
        };
        let condition = Condition::new(APPROVAL_POLICY_CONFORMANT, holds, reason, message);
        conditions::set(definition, &condition, now);
    }
}

/// Several errors in one text, as upstream joins them.
fn aggregate(errors: &FieldErrors) -> String {
    let mut texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let mut seen = std::collections::HashSet::new();
    texts.retain(|text| seen.insert(text.clone()));
    match texts.as_slice() {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn told(mut definition: Document) -> Vec<[String; 4]> {
        tell(&mut definition, "2026-01-01T00:00:00Z".parse().unwrap());
        let conditions = definition.array_at(&["status", "conditions"]).iter();
        conditions
            .map(|condition| {
                ["type", "status", "reason", "message"].map(|key| condition.str_at(&[key]).to_owned())
            })
            .collect()
    }

    #[test]
    fn an_ordinary_definition_is_told_nothing() {
        let definition = doc!({
            "spec": {"group": "example.com", "versions": [
                {"name": "v1", "schema": {"openAPIV3Schema": {"type": "object"}}}
            ]},
            "status": {"conditions": [{"type": "NonStructuralSchema", "status": "True"}]}
        });
        assert_eq!(told(definition), Vec::<[String; 4]>::new());
    }

    #[test]
    fn what_is_not_structural_is_told() {
        let definition = doc!({"spec": {"group": "example.com", "versions": [
            {"name": "v1", "schema": {"openAPIV3Schema": {"properties": {"a": {}}}}}
        ]}});
        let message = "[spec.versions[0].schema.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields, spec.versions[0].schema.openAPIV3Schema.type: Required value: must not be empty at the root]";
        assert_eq!(told(definition), [["NonStructuralSchema", "True", "Violations", message]]);
    }

    #[test]
    fn definitions_in_upstreams_groups_tell_whether_they_were_approved() {
        let of = |said: &str| {
            told(doc!({
                "metadata": {"annotations": {"api-approved.kubernetes.io": said}}, "spec": {"group": "x.k8s.io"}
            }))
        };
        let ty = "KubernetesAPIApprovalPolicyConformant";
        assert_eq!(
            of("https://github.com/a/b"),
            [[ty, "True", "ApprovedAnnotation", "approved in https://github.com/a/b"]]
        );
        assert_eq!(
            of("unapproved for now"),
            [[ty, "False", "UnapprovedAnnotation", r#"not approved: "unapproved for now""#]]
        );
        assert_eq!(of("")[0][2], "MissingAnnotation");
        assert_eq!(of("bob")[0][2], "InvalidAnnotation");
    }
}

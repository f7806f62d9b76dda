//! [sig-api-machinery] API priority and fairness.

use crate::api_operations::{Operations, StatusChanges, supports_api_operations};
use crate::resources::{FLOW_SCHEMAS, PRIORITY_LEVELS, yaml};
use skiff_apimachinery::{Document, doc};

fn condition(kind: &str, status: &str) -> Document {
    doc!({"status": {"conditions": [{
        "type": kind, "status": status, "reason": "E2E", "message": "Set by an e2e test",
        "lastTransitionTime": "2026-01-02T03:04:05Z"
    }]}})
}

fn changes() -> Option<StatusChanges> {
    Some(StatusChanges {
        patch: condition("PatchStatusFailed", "False"),
        update: condition("StatusUpdateFailed", "False"),
    })
}

/// `API priority and fairness should support FlowSchema API operations`
#[test]
fn should_support_flow_schema_api_operations() {
    let object = |_: usize| {
        yaml(
            r#"
spec:
  matchingPrecedence: 10000
  priorityLevelConfiguration: {name: global-default}
  distinguisherMethod: {type: ByUser}
  rules:
  - subjects: [{kind: User, user: {name: example-e2e-non-existent-user}}]
    nonResourceRules: [{verbs: ["*"], nonResourceURLs: ["*"]}]
"#,
        )
    };
    supports_api_operations(&Operations { resource: FLOW_SCHEMAS, object: &object, status: changes() });
}

/// `API priority and fairness should support PriorityLevelConfiguration API operations`
#[test]
fn should_support_priority_level_configuration_api_operations() {
    let object = |_: usize| {
        yaml(
            r#"
spec:
  type: Limited
  limited: {nominalConcurrencyShares: 2, limitResponse: {type: Reject}}
"#,
        )
    };
    supports_api_operations(&Operations { resource: PRIORITY_LEVELS, object: &object, status: changes() });
}

//! Refuses roles and bindings that would grant more than their writer holds.

use super::{Operation, Plugin, Request};
use crate::authorization::escalation::Escalation;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status};

/// The check, as a plugin: upstream has it in the storage of the four kinds.
pub struct RbacEscalation {
    escalation: Escalation,
}

impl RbacEscalation {
    /// With this check.
    pub fn new(escalation: Escalation) -> Self {
        Self { escalation }
    }

    fn check(&self, request: &Request<'_>, object: &Document) -> Result<(), Status> {
        let about_rbac =
            request.resource.gvk.group == "rbac.authorization.k8s.io" && request.subresource.is_empty();
        if !about_rbac || !matches!(request.operation, Operation::Create | Operation::Update) {
            return Ok(());
        }
        let unchanged = request.old.is_some_and(|old| {
            ["rules", "subjects", "roleRef", "aggregationRule"]
                .iter()
                .all(|field| old.get(field) == object.get(field))
        });
        if unchanged {
            return Ok(());
        }
        self.escalation.check(request.user, &request.resource.plural, object)
    }
}

impl Plugin for RbacEscalation {
    fn name(&self) -> &'static str {
        "RBACEscalation"
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.check(request, object)))
    }
}

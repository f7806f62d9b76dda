//! `pods/binding` and `bindings`: gives a pod its node.

use super::super::admit::Write;
use super::super::{Edit, Registry};
use super::{Action, Context, Target};
use crate::admission::Operation;
use futures::future::BoxFuture;
use skiff_api::strategy::UpdateScope;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, FieldError, FieldPath, GroupKind, Status, doc};

/// The action.
pub(super) struct BindingAction;

impl Action for BindingAction {
    fn run<'a>(
        &'a self,
        registry: &'a Registry,
        context: &'a mut Context,
        target: &'a Target,
        sent: Document,
    ) -> BoxFuture<'a, Result<Document, Status>> {
        Box::pin(bind(registry, context, target, sent))
    }
}

/// Binds the pod that the target names to the node that the Binding names. What is admitted is the Binding.
///
/// # Errors
/// 409 if the pod has a node already, is being deleted or waits for scheduling gates; 422 if the Binding is invalid;
/// what an admission plugin answers.
pub async fn bind(
    registry: &Registry,
    context: &mut Context,
    target: &Target,
    mut binding: Document,
) -> Result<Document, Status> {
    let target = Target { subresource: "binding".to_owned(), ..target.clone() };
    let write = Write { target: &target, operation: Operation::Create, old: None };
    registry.admit(context, &write, &mut binding).await?;
    check(&target, &binding)?;
    registry.admit_final(context, &write, &binding).await?;
    let edit = Bind { target: target.clone(), binding };
    registry.update(context, &target, &edit).await?;
    Ok(doc!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}

fn check(target: &Target, binding: &Document) -> Result<(), Status> {
    let node = binding.str_at(&["target", "name"]);
    let kind = binding.str_at(&["target", "kind"]);
    let mut errors = Vec::new();
    let field = FieldPath::new("target");
    if !matches!(kind, "" | "Node") {
        errors.push(FieldError::not_supported(&field.child("kind"), kind, &["Node", "<empty>"]));
    }
    if node.is_empty() {
        errors.push(FieldError::required(&field.child("name"), ""));
    }
    if !errors.is_empty() {
        return Err(Status::invalid(&GroupKind::new("", "Binding"), &target.name, &errors));
    }
    if !binding.name().is_empty() && binding.name() != target.name {
        return Err(Status::bad_request("name in URL does not match name in Binding object"));
    }
    Ok(())
}

struct Bind {
    target: Target,
    binding: Document,
}

impl Bind {
    fn conflict(&self, why: String) -> Status {
        let resource = skiff_apimachinery::GroupResource::new("", "pods/binding");
        Status::conflict(&resource, &self.target.name, &why)
    }
}

impl Edit for Bind {
    fn apply(&self, context: &mut Context, old: &Document) -> Result<Document, Status> {
        let name = &self.target.name;
        let wanted_uid = self.binding.uid();
        if !wanted_uid.is_empty() && wanted_uid != old.uid() {
            let found = old.uid();
            return Err(self.conflict(format!(
                "Precondition failed: UID in precondition: {wanted_uid}, UID in object meta: {found}"
            )));
        }
        if old.deletion_timestamp().is_some() {
            return Err(self.conflict(format!("pod {name} is being deleted, cannot be assigned to a host")));
        }
        let bound = old.str_at(&["spec", "nodeName"]);
        if !bound.is_empty() {
            return Err(self.conflict(format!("pod {name} is already assigned to node {bound:?}")));
        }
        if !old.array_at(&["spec", "schedulingGates"]).is_empty() {
            return Err(self.conflict(format!("pod {name} has non-empty .spec.schedulingGates")));
        }
        let mut pod = old.clone();
        pod.set(&["spec", "nodeName"], self.binding.str_at(&["target", "name"]));
        for (key, value) in self.binding.annotations().into_iter().flat_map(|map| map.iter()) {
            pod.set(&["metadata", "annotations", key], value);
        }
        for (key, value) in self.binding.labels().into_iter().flat_map(|map| map.iter()) {
            pod.set(&["metadata", "labels", key], value);
        }
        set_scheduled(&mut pod, &format_time(context.now));
        pod.remove(&["metadata", "resourceVersion"]);
        Ok(pod)
    }

    fn scope(&self) -> Option<UpdateScope> {
        None
    }

    fn is_admitted_as_update(&self) -> bool {
        false
    }
}

fn set_scheduled(pod: &mut Document, now: &str) {
    let condition = doc!({
        "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now
    });
    let conditions = pod.ensure(&["status", "conditions"]).make_array();
    match conditions.iter_mut().find(|c| c.str_at(&["type"]) == "PodScheduled") {
        Some(found) if found.str_at(&["status"]) == "True" => {}
        Some(found) => *found = condition,
        None => conditions.push(condition),
    }
}

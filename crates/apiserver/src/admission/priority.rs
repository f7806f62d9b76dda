//! `Priority`: resolves a pod's priority class to its number and preemption policy.

use super::{Operation, Plugin, Request};
use crate::objects::Objects;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, GroupResource, Status};
use std::sync::Arc;

/// The plugin.
pub struct Priority {
    objects: Arc<dyn Objects>,
}

impl Priority {
    /// Over current priority classes.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    fn classes() -> GroupResource {
        GroupResource::new("scheduling.k8s.io", "priorityclasses")
    }

    /// The class marked as default; the lowest one if several are.
    fn global_default(&self) -> Option<Arc<Document>> {
        self.objects
            .list(&Self::classes(), "")
            .into_iter()
            .filter(|class| class.bool_at(&["globalDefault"]) == Some(true))
            .min_by_key(|class| class.i64_at(&["value"]).unwrap_or(0))
    }

    fn resolve(&self, request: &Request<'_>, pod: &mut Document) -> Result<(), Status> {
        if !request.is("", "pods") {
            return Ok(());
        }
        if request.operation == Operation::Update {
            // Neither may change; what the client left out is taken over.
            for field in ["priority", "preemptionPolicy"] {
                if let Some(value) = request.old.and_then(|old| old.at(&["spec", field])) {
                    pod.set_default(&["spec", field], value);
                }
            }
            return Ok(());
        }
        if request.operation != Operation::Create {
            return Ok(());
        }
        let name = pod.str_at(&["spec", "priorityClassName"]).to_owned();
        let class =
            if name.is_empty() {
                self.global_default()
            } else {
                let found = self.objects.get(&Self::classes(), "", &name);
                Some(found.ok_or_else(|| {
                    request.forbidden(&format!("no PriorityClass with name {name} was found"))
                })?)
            };
        let (priority, policy) = class.as_ref().map_or((0, ""), |class| {
            (class.i64_at(&["value"]).unwrap_or(0), class.str_at(&["preemptionPolicy"]))
        });
        let policy = if policy.is_empty() { "PreemptLowerPriority" } else { policy };
        if let Some(class) = &class {
            pod.set(&["spec", "priorityClassName"], class.name());
        }
        let given = pod.i64_at(&["spec", "priority"]);
        if given.is_some_and(|given| given != priority) {
            return Err(request.forbidden(&format!(
                "the integer value of priority ({}) must not be provided in pod spec; priority admission controller computed {priority} from the given PriorityClass name",
                given.unwrap_or(0)
            )));
        }
        pod.set(&["spec", "priority"], priority);
        let given = pod.str_at(&["spec", "preemptionPolicy"]);
        if !given.is_empty() && given != policy {
            return Err(request.forbidden(&format!(
                "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission controller computed {policy} from the given PriorityClass name"
            )));
        }
        pod.set(&["spec", "preemptionPolicy"], policy);
        Ok(())
    }

    fn one_default(&self, request: &Request<'_>, class: &Document) -> Result<(), Status> {
        let about_classes = request.is("scheduling.k8s.io", "priorityclasses")
            && matches!(request.operation, Operation::Create | Operation::Update);
        if !about_classes || class.bool_at(&["globalDefault"]) != Some(true) {
            return Ok(());
        }
        match self.global_default() {
            Some(other) if other.name() != class.name() => Err(request.forbidden(&format!(
                "PriorityClass {} is already marked as default. Only one default can exist",
                other.name()
            ))),
            _ => Ok(()),
        }
    }
}

impl Plugin for Priority {
    fn name(&self) -> &'static str {
        "Priority"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.resolve(request, object)))
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.one_default(request, object)))
    }
}

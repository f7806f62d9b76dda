//! `NamespaceLifecycle`: nothing is created in a namespace that is absent or ending, and system namespaces stay.

use super::{Operation, Plugin, Request};
use crate::objects::Objects;
use futures::future::BoxFuture;
use skiff_apimachinery::status::Cause;
use skiff_apimachinery::{Document, GroupResource, Status};
use std::sync::Arc;

/// Namespaces that cannot be deleted.
const IMMORTAL: [&str; 3] = ["default", "kube-public", "kube-system"];

/// The plugin.
pub struct NamespaceLifecycle {
    objects: Arc<dyn Objects>,
}

impl NamespaceLifecycle {
    /// Over current namespaces.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    fn check(&self, request: &Request<'_>) -> Result<(), Status> {
        let about_namespaces =
            request.resource.gvk.group.is_empty() && request.resource.plural == "namespaces";
        if about_namespaces {
            let immortal = request.operation == Operation::Delete && IMMORTAL.contains(&request.name);
            return if immortal {
                Err(request.forbidden("this namespace may not be deleted"))
            } else {
                Ok(())
            };
        }
        if request.operation != Operation::Create || request.namespace.is_empty() {
            return Ok(());
        }
        // Reviews are about access, not content.
        if request.resource.gvk.group == "authorization.k8s.io" {
            return Ok(());
        }
        let namespaces = GroupResource::new("", "namespaces");
        let Some(namespace) = self.objects.get(&namespaces, "", request.namespace) else {
            return Err(Status::not_found(&namespaces, request.namespace));
        };
        if namespace.deletion_timestamp().is_none() {
            return Ok(());
        }
        let ending = request.namespace;
        let why =
            format!("unable to create new content in namespace {ending} because it is being terminated");
        let mut status = request.forbidden(&why);
        status.details_mut().causes.push(Cause {
            reason: "NamespaceTerminating".into(),
            message: format!("namespace {ending} is being terminated"),
            field: "metadata.namespace".into(),
        });
        Err(status)
    }
}

impl Plugin for NamespaceLifecycle {
    fn name(&self) -> &'static str {
        "NamespaceLifecycle"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        _: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.check(request)))
    }
}

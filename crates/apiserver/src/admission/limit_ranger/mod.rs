//! `LimitRanger`: gives containers the amounts that a namespace's LimitRanges have as defaults, and refuses pods and claims
//! beyond their bounds.

mod bounds;
mod defaults;

use super::{Operation, Plugin, Request};
use crate::objects::Objects;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, GroupResource, Status};
use std::sync::Arc;

/// The plugin.
pub struct LimitRanger {
    objects: Arc<dyn Objects>,
}

impl LimitRanger {
    /// Over current limit ranges.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    /// The limit ranges that speak of a write, in order of their names.
    fn limit_ranges(&self, request: &Request<'_>) -> Vec<Arc<Document>> {
        let core =
            |resource: &str| request.resource.gvk.group.is_empty() && request.resource.plural == resource;
        let spoken_of = match (request.operation, request.subresource) {
            (Operation::Create, "") => core("pods") || core("persistentvolumeclaims"),
            // The amounts of a pod change by its subresource alone.
            (Operation::Update, "") => core("persistentvolumeclaims"),
            (Operation::Update, "resize") => core("pods"),
            _ => false,
        };
        if !spoken_of || request.old.is_some_and(|old| old.deletion_timestamp().is_some()) {
            return Vec::new();
        }
        let mut all = self.objects.list(&GroupResource::new("", "limitranges"), request.namespace);
        all.sort_by(|a, b| a.name().cmp(b.name()));
        all
    }

    fn default(&self, request: &Request<'_>, object: &mut Document) {
        if request.resource.plural != "pods" {
            return;
        }
        for range in self.limit_ranges(request) {
            defaults::fill(&range, object);
        }
    }

    fn check(&self, request: &Request<'_>, object: &Document) -> Result<(), Status> {
        for range in self.limit_ranges(request) {
            let broken = match &*request.resource.plural {
                "pods" => bounds::of_pod(&range, object),
                _ => bounds::of_claim(&range, object),
            };
            match broken.as_slice() {
                [] => {}
                [one] => return Err(request.forbidden(one)),
                several => return Err(request.forbidden(&format!("[{}]", several.join(", ")))),
            }
        }
        Ok(())
    }
}

impl Plugin for LimitRanger {
    fn name(&self) -> &'static str {
        "LimitRanger"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        self.default(request, object);
        Box::pin(std::future::ready(Ok(())))
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.check(request, object)))
    }
}

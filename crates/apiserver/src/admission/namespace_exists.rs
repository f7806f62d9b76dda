//! `NamespaceExists`: nothing is written in a namespace that is not there. `NamespaceLifecycle` has made it needless.

use super::{Operation, Plugin, Request};
use crate::objects::Objects;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, GroupResource, Status};
use std::sync::Arc;

/// The plugin.
pub struct NamespaceExists {
    objects: Arc<dyn Objects>,
}

impl NamespaceExists {
    /// Over current namespaces.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    fn check(&self, request: &Request<'_>) -> Result<(), Status> {
        let about_namespaces =
            request.resource.gvk.group.is_empty() && request.resource.plural == "namespaces";
        if request.operation == Operation::Connect || request.namespace.is_empty() || about_namespaces {
            return Ok(());
        }
        let namespaces = GroupResource::new("", "namespaces");
        match self.objects.get(&namespaces, "", request.namespace) {
            Some(_) => Ok(()),
            None => Err(Status::not_found(&namespaces, request.namespace)),
        }
    }
}

impl Plugin for NamespaceExists {
    fn name(&self) -> &'static str {
        "NamespaceExists"
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        _: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.check(request)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::{self, Write};
    use skiff_apimachinery::doc;

    #[test]
    fn the_namespace_must_be_there() {
        let nowhere = NamespaceExists::new(testing::objects(Vec::new()));
        let pod = Document::object();
        assert_eq!(Write::create("", "pods").refusal(&nowhere, &pod), r#"namespaces "a" not found"#);
        assert_eq!(Write::create("", "nodes").refusal(&nowhere, &pod), "");
        let namespace = doc!({"metadata": {"name": "a"}});
        let there = NamespaceExists::new(testing::objects(vec![("namespaces", namespace)]));
        assert_eq!(Write::create("", "pods").refusal(&there, &pod), "");
    }
}

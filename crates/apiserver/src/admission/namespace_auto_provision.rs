//! `NamespaceAutoProvision`: a namespace in which something is created is created first.

use super::{Operation, Plugin, Request};
use crate::local::LocalCall;
use crate::objects::Objects;
use crate::own_door::OwnDoor;
use crate::request::Verb;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, GroupResource, GroupVersionResource, Status, doc};
use std::sync::Arc;

/// Creates namespaces.
pub trait CreateNamespace: Send + Sync + 'static {
    /// Creates an empty namespace of this name.
    fn create_namespace<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), Status>>;
}

/// The plugin.
pub struct NamespaceAutoProvision {
    objects: Arc<dyn Objects>,
    creator: Arc<dyn CreateNamespace>,
}

impl NamespaceAutoProvision {
    /// Over current namespaces, with someone to create missing ones.
    pub fn new(objects: Arc<dyn Objects>, creator: Arc<dyn CreateNamespace>) -> Self {
        Self { objects, creator }
    }

    fn is_missing(&self, request: &Request<'_>) -> bool {
        let about_namespaces =
            request.resource.gvk.group.is_empty() && request.resource.plural == "namespaces";
        request.operation == Operation::Create
            && !request.dry_run
            && !request.namespace.is_empty()
            && !about_namespaces
            && self.objects.get(&GroupResource::new("", "namespaces"), "", request.namespace).is_none()
    }
}

impl Plugin for NamespaceAutoProvision {
    fn name(&self) -> &'static str {
        "NamespaceAutoProvision"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        _: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        if !self.is_missing(request) {
            return Box::pin(std::future::ready(Ok(())));
        }
        Box::pin(async move {
            match self.creator.create_namespace(request.namespace).await {
                // Somebody else was faster.
                Err(status) if !status.is_already_exists() => Err(request.forbidden(&status.message)),
                _ => Ok(()),
            }
        })
    }
}

impl CreateNamespace for OwnDoor {
    fn create_namespace<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(async move {
            let door = self.open().ok_or_else(|| Status::service_unavailable("the server is not running"))?;
            let namespace = doc!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            let call = LocalCall {
                verb: Verb::Create,
                resource: GroupVersionResource::new("", "v1", "namespaces"),
                namespace: String::new(),
                name: String::new(),
                subresource: String::new(),
                query: Vec::new(),
                body: Some(namespace),
                content_type: "",
            };
            door.call(call).await.map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::{self, Write};
    use std::sync::{Mutex, PoisonError};

    /// Notes what it is asked for, and answers so.
    struct Creator {
        asked: Mutex<Vec<String>>,
        answer: Result<(), Status>,
    }

    impl CreateNamespace for Creator {
        fn create_namespace<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), Status>> {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
            Box::pin(std::future::ready(self.answer.clone()))
        }
    }

    /// The refusal of a pod in the namespace `a`, and which namespaces were created.
    fn provision(present: &str, answer: Result<(), Status>) -> (String, Vec<String>) {
        let creator = Arc::new(Creator { asked: Mutex::default(), answer });
        let namespace = doc!({"metadata": {"name": present}});
        let objects = testing::objects(vec![("namespaces", namespace)]);
        let plugin = NamespaceAutoProvision::new(objects, creator.clone());
        let refusal = Write::create("", "pods").admit(&plugin, Document::object()).err();
        let asked = creator.asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (refusal.map(|status| status.message).unwrap_or_default(), asked)
    }

    #[test]
    fn a_missing_namespace_is_created_and_a_present_one_is_not() {
        assert_eq!(provision("b", Ok(())), (String::new(), vec!["a".to_owned()]));
        assert_eq!(provision("a", Ok(())), (String::new(), Vec::new()));
    }

    #[test]
    fn only_a_namespace_that_cannot_be_created_is_a_reason_to_refuse() {
        let namespaces = GroupResource::new("", "namespaces");
        let (refusal, _) = provision("b", Err(Status::already_exists(&namespaces, "a")));
        assert_eq!(refusal, "");
        let (refusal, _) = provision("b", Err(Status::service_unavailable("the store is gone")));
        assert_eq!(refusal, r#"pods "x" is forbidden: the store is gone"#);
    }
}

//! `PodTolerationRestriction`: a namespace says what its pods tolerate, and what they may tolerate at most.

use super::{Operation, Plugin, Request, plain_error, tolerations};
use crate::objects::Objects;
use futures::future::BoxFuture;
use skiff_api::pod_resources::Which;
use skiff_api::resource_list::ResourceList;
use skiff_apimachinery::{Document, GroupResource, Status, doc, json};
use std::sync::Arc;

/// The namespace's annotations, each with a list of tolerations in JSON.
const DEFAULT: &str = "scheduler.alpha.kubernetes.io/defaultTolerations";
const WHITELIST: &str = "scheduler.alpha.kubernetes.io/tolerationsWhitelist";

/// The plugin.
pub struct PodTolerationRestriction {
    objects: Arc<dyn Objects>,
}

impl PodTolerationRestriction {
    /// Over current namespaces.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    fn apply(&self, request: &Request<'_>, pod: &mut Document) -> Result<(), Status> {
        if !concerns(request) {
            return Ok(());
        }
        let mut more = Vec::new();
        if request.operation == Operation::Create {
            more = self.listed(request, DEFAULT)?;
        }
        // A pod that reserves something may stay on a node that is short of memory.
        if !is_best_effort(pod) {
            more.push(doc!({
                "key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"
            }));
        }
        if !more.is_empty() {
            let merged = tolerations::merge(pod.array_at(&["spec", "tolerations"]), &more);
            pod.set(&["spec", "tolerations"], merged);
        }
        self.check(request, pod)
    }

    fn check(&self, request: &Request<'_>, pod: &Document) -> Result<(), Status> {
        let given = pod.array_at(&["spec", "tolerations"]);
        if !concerns(request) || given.is_empty() {
            return Ok(());
        }
        let allowed = self.listed(request, WHITELIST)?;
        if allowed.is_empty() || tolerations::all_covered(given, &allowed) {
            return Ok(());
        }
        Err(plain_error(
            "pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist",
        ))
    }

    /// The tolerations in an annotation of the namespace; none if it has no such annotation.
    fn listed(&self, request: &Request<'_>, annotation: &str) -> Result<Vec<Document>, Status> {
        let namespaces = GroupResource::new("", "namespaces");
        let Some(namespace) = self.objects.get(&namespaces, "", request.namespace) else {
            return Err(Status::not_found(&namespaces, request.namespace));
        };
        match namespace.annotation(annotation) {
            None | Some("") => Ok(Vec::new()),
            Some(text) => match json::decode(text.as_bytes()) {
                Ok(list) => Ok(list.into_array()),
                Err(error) => Err(plain_error(&error.to_string())),
            },
        }
    }
}

fn concerns(request: &Request<'_>) -> bool {
    request.is("", "pods") && matches!(request.operation, Operation::Create | Operation::Update)
}

/// Whether the pod asks for no CPU and no memory.
fn is_best_effort(pod: &Document) -> bool {
    let asks = |object: &Document| {
        [Which::Requests.of(object), Which::Limits.of(object)].iter().any(asks_for_something)
    };
    let mut containers =
        ["initContainers", "containers"].iter().flat_map(|list| pod.array_at(&["spec", list]));
    !pod.get("spec").is_some_and(asks) && !containers.any(asks)
}

fn asks_for_something(amounts: &ResourceList) -> bool {
    ["cpu", "memory"].iter().any(|name| amounts.get(name).is_some_and(|amount| !amount.is_zero()))
}

impl Plugin for PodTolerationRestriction {
    fn name(&self) -> &'static str {
        "PodTolerationRestriction"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.apply(request, object)))
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.check(request, object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::{self, Write};

    fn admitted(default: &str, whitelist: &str, spec: Document) -> Result<Document, Status> {
        let annotations = doc!({(DEFAULT): default, (WHITELIST): whitelist});
        let namespace = doc!({"metadata": {"name": "a", "annotations": annotations}});
        let plugin = PodTolerationRestriction::new(testing::objects(vec![("namespaces", namespace)]));
        let pod = Write::create("", "pods").admit(&plugin, doc!({"spec": spec}))?;
        Ok(pod["spec"]["tolerations"].clone())
    }

    #[test]
    fn a_pod_gets_the_default_tolerations_after_its_own() {
        let spec = doc!({"tolerations": [{"key": "own", "operator": "Exists"}]});
        assert_eq!(
            admitted(r#"[{"key": "team", "operator": "Exists"}]"#, "", spec).unwrap(),
            doc!([{"key": "own", "operator": "Exists"}, {"key": "team", "operator": "Exists"}])
        );
    }

    #[test]
    fn a_pod_that_reserves_something_tolerates_pressure_on_memory() {
        let spec = doc!({"containers": [{"resources": {"requests": {"memory": "1Mi"}}}]});
        assert_eq!(
            admitted("", "", spec).unwrap(),
            doc!([{"key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"}])
        );
        assert!(admitted("", "", doc!({"containers": [{"name": "c"}]})).unwrap().is_null());
    }

    #[test]
    fn what_the_whitelist_does_not_cover_fails_the_request() {
        let whitelist = r#"[{"key": "team", "operator": "Exists"}]"#;
        let tolerating = |key: &str| doc!({"tolerations": [{"key": key, "operator": "Exists"}]});
        assert!(admitted("", whitelist, tolerating("team")).is_ok());
        let status = admitted("", whitelist, tolerating("other")).unwrap_err();
        assert_eq!(status.code, 500);
        assert_eq!(
            status.message,
            "pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist"
        );
    }
}

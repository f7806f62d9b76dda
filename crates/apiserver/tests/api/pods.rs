//! Pods: binding and graceful deletion.

use crate::pod;
use crate::support::{Server, call};
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status, doc};
use skiff_apiserver::admission::{Operation, Plugin, Request};
use skiff_apiserver::request::Verb;
use std::sync::Arc;

async fn bind(server: &Server, node: &str) -> Result<Arc<Document>, Status> {
    let mut call = call(Verb::Create, "", "v1", "pods", "default", "p");
    call.subresource = "binding".into();
    call.body = Some(doc!({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": node}
    }));
    server.local().call(call).await
}

#[tokio::test]
async fn a_pod_is_bound_once() {
    let server = Server::start().await;
    let made = server.make("pods", pod("p")).await.unwrap();
    assert_eq!(made.str_at(&["status", "phase"]), "Pending");
    bind(&server, "n").await.unwrap();
    let bound = server.get("pods", "default", "p").await.unwrap();
    assert_eq!(bound.str_at(&["spec", "nodeName"]), "n");
    let scheduled = &bound.array_at(&["status", "conditions"])[0];
    assert_eq!((scheduled.str_at(&["type"]), scheduled.str_at(&["status"])), ("PodScheduled", "True"));
    let again = bind(&server, "other").await.unwrap_err();
    assert_eq!(again.code, 409);
    assert!(again.message.ends_with(r#"pod p is already assigned to node "n""#), "{}", again.message);
}

/// Labels bindings, and takes no pod that is not new.
struct LabelBindings;

impl Plugin for LabelBindings {
    fn name(&self) -> &'static str {
        "LabelBindings"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        let about_pods = request.resource.plural == "pods";
        let outcome = match (request.operation, request.subresource) {
            (Operation::Create, "binding") => {
                object.set(&["metadata", "labels", "bound"], "yes");
                Ok(())
            }
            (Operation::Update, _) if about_pods => Err(request.forbidden("it is not new")),
            _ => Ok(()),
        };
        Box::pin(std::future::ready(outcome))
    }
}

#[tokio::test]
async fn what_is_admitted_is_the_binding_and_its_labels_become_the_pod_s() {
    let server = Server::start_with(|config| config.admission.push(Arc::new(LabelBindings))).await;
    server.make("pods", pod("p")).await.unwrap();
    bind(&server, "n").await.unwrap();
    let bound = server.get("pods", "default", "p").await.unwrap();
    assert_eq!((bound.str_at(&["spec", "nodeName"]), bound.label("bound")), ("n", Some("yes")));
}

/// Takes no new pod.
struct RefuseNew;

impl Plugin for RefuseNew {
    fn name(&self) -> &'static str {
        "RefuseNew"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        _: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        let refused = request.is("", "pods") && request.operation == Operation::Create;
        let outcome = if refused { Err(request.forbidden("it is new")) } else { Ok(()) };
        Box::pin(std::future::ready(outcome))
    }
}

#[tokio::test]
async fn a_refused_pod_without_a_name_is_told_by_what_its_name_would_begin_with() {
    let server = Server::start_with(|config| config.admission.push(Arc::new(RefuseNew))).await;
    let mut unnamed = pod("");
    unnamed.set(&["metadata"], doc!({"generateName": "web-"}));
    let refusal = server.make("pods", unnamed).await.unwrap_err();
    assert_eq!(refusal.message, r#"pods "web-" is forbidden: it is new"#);
    let refusal = server.make("pods", pod("p")).await.unwrap_err();
    assert_eq!(refusal.message, r#"pods "p" is forbidden: it is new"#);
}

#[tokio::test]
async fn an_unbound_pod_goes_at_once_and_a_bound_one_gracefully() {
    let server = Server::start().await;
    server.make("pods", pod("p")).await.unwrap();
    let gone = server.delete("pods", "p", doc!({})).await.unwrap();
    assert_eq!(gone.name(), "p");
    assert!(server.get("pods", "default", "p").await.is_err());

    server.make("pods", pod("p")).await.unwrap();
    bind(&server, "n").await.unwrap();
    let waiting = server.delete("pods", "p", doc!({})).await.unwrap();
    assert_eq!(waiting.i64_at(&["metadata", "deletionGracePeriodSeconds"]), Some(30));
    let sooner = server.delete("pods", "p", doc!({"gracePeriodSeconds": 5})).await.unwrap();
    assert_eq!(sooner.i64_at(&["metadata", "deletionGracePeriodSeconds"]), Some(5));
    let later = server.delete("pods", "p", doc!({"gracePeriodSeconds": 60})).await.unwrap();
    assert_eq!(later.i64_at(&["metadata", "deletionGracePeriodSeconds"]), Some(5));
    server.delete("pods", "p", doc!({"gracePeriodSeconds": 0})).await.unwrap();
    assert!(server.get("pods", "default", "p").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn only_ephemeral_containers_change_through_their_subresource() {
    let server = Server::start().await;
    server.make("pods", pod("p")).await.unwrap();
    let mut changed = (*server.get("pods", "default", "p").await.unwrap()).clone();
    changed.set(&["spec", "ephemeralContainers"], doc!([{"name": "debug", "image": "busybox"}]));
    changed.set(&["metadata", "labels"], doc!({"a": "b"}));
    let mut update = call(Verb::Update, "", "v1", "pods", "default", "p");
    update.subresource = "ephemeralcontainers".into();
    update.body = Some(changed);
    let updated = server.local().call(update).await.unwrap();
    assert_eq!(updated.array_at(&["spec", "ephemeralContainers"]).len(), 1);
    assert_eq!(updated.labels(), None);
}

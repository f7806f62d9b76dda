//! Evictions: which budgets let which pods go.

use crate::pod;
use crate::support::{Server, call};
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status, doc};
use skiff_apiserver::admission::{Operation, Plugin, Request};
use skiff_apiserver::request::Verb;
use std::sync::Arc;

async fn evict(server: &Server, eviction: Document) -> Result<Arc<Document>, Status> {
    let mut call = call(Verb::Create, "", "v1", "pods", "default", "p");
    call.subresource = "eviction".into();
    call.body = Some(eviction);
    server.local().call(call).await
}

fn eviction() -> Document {
    doc!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}})
}

fn with_options(options: Document) -> Document {
    let mut eviction = eviction();
    eviction.insert("deleteOptions", options);
    eviction
}

/// Writes the status of an object that was made.
async fn report(
    server: &Server,
    group: &str,
    plural: &str,
    made: &Document,
    status: Document,
) -> Arc<Document> {
    let mut call = call(Verb::Update, group, "v1", plural, "default", made.name());
    call.subresource = "status".into();
    let mut object = made.clone();
    object.insert("status", status);
    call.body = Some(object);
    server.local().call(call).await.unwrap()
}

/// Makes a running pod.
async fn make_pod(server: &Server, ready: &str) -> Arc<Document> {
    let mut pod = pod("p");
    pod.set(&["metadata", "labels"], doc!({"app": "web"}));
    pod.set(&["spec", "nodeName"], "n");
    let made = server.make("pods", pod).await.unwrap();
    let status = doc!({"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]});
    report(server, "", "pods", &made, status).await
}

/// Makes a budget for the pod with what a disruption controller says of it.
async fn make_budget(server: &Server, name: &str, policy: Document, status: Document) {
    let budget = doc!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}, "unhealthyPodEvictionPolicy": policy}
    });
    let made = server.create("policy", "v1", "poddisruptionbudgets", "default", budget).await.unwrap();
    report(server, "policy", "poddisruptionbudgets", &made, status).await;
}

async fn budget(server: &Server) -> Arc<Document> {
    server
        .local()
        .call(call(Verb::Get, "policy", "v1", "poddisruptionbudgets", "default", "b"))
        .await
        .unwrap()
}

fn counts(allowed: i64, current: i64, desired: i64) -> Document {
    doc!({"observedGeneration": 1, "disruptionsAllowed": allowed, "currentHealthy": current, "desiredHealthy": desired,
        "expectedPods": 2})
}

/// Whether the pod was let go: it waits for its node now.
async fn goes(server: &Server) -> bool {
    server.get("pods", "default", "p").await.unwrap().deletion_timestamp().is_some()
}

#[tokio::test]
async fn a_pod_that_does_not_serve_goes_at_once() {
    let server = Server::start().await;
    server.make("pods", pod("p")).await.unwrap();
    make_budget(&server, "b", Document::NULL, counts(0, 0, 1)).await;
    let answer = evict(&server, eviction()).await.unwrap();
    assert_eq!(
        *answer,
        doc!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})
    );
    assert!(server.get("pods", "default", "p").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_pod_is_told_why_it_goes_and_its_budget_is_charged() {
    let server = Server::start().await;
    make_pod(&server, "True").await;
    make_budget(&server, "b", Document::NULL, counts(1, 2, 1)).await;
    evict(&server, eviction()).await.unwrap();
    let pod = server.get("pods", "default", "p").await.unwrap();
    assert!(pod.deletion_timestamp().is_some());
    let conditions = pod.array_at(&["status", "conditions"]);
    let announced = conditions.iter().find(|c| c.str_at(&["type"]) == "DisruptionTarget").unwrap();
    let text = |field: &str| announced.str_at(&[field]);
    assert_eq!(
        (text("status"), text("reason"), text("message")),
        ("True", "EvictionByEvictionAPI", "Eviction API: evicting")
    );
    let budget = budget(&server).await;
    assert_eq!(budget.i64_at(&["status", "disruptionsAllowed"]), Some(0));
    assert!(budget.at(&["status", "disruptedPods", "p"]).is_some());
    let condition = &budget.array_at(&["status", "conditions"])[0];
    assert_eq!((condition.str_at(&["status"]), condition.str_at(&["reason"])), ("False", "InsufficientPods"));
}

#[tokio::test]
async fn an_exhausted_budget_answers_429_with_the_cause() {
    let server = Server::start().await;
    make_pod(&server, "True").await;
    make_budget(&server, "b", Document::NULL, counts(0, 1, 1)).await;
    let refusal = evict(&server, eviction()).await.unwrap_err();
    assert_eq!(
        refusal.to_document(),
        doc!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "TooManyRequests",
            "message": "Cannot evict pod as it would violate the pod's disruption budget.",
            "details": {"causes": [{"reason": "DisruptionBudget",
                "message": "The disruption budget b needs 1 healthy pods and has 1 currently"}]},
            "code": 429})
    );
    assert!(!goes(&server).await);
}

#[tokio::test]
async fn unhealthy_pods_go_as_their_budget_says() {
    // Whether the pod goes that is not ready, and what the budget allows afterwards.
    let cases = [
        ("others are enough", Document::NULL, counts(0, 1, 1), true),
        ("others are too few", Document::NULL, counts(0, 0, 1), false),
        ("always", doc!("AlwaysAllow"), counts(0, 0, 1), true),
    ];
    for (case, policy, status, wanted) in cases {
        let server = Server::start().await;
        make_pod(&server, "False").await;
        make_budget(&server, "b", policy, status).await;
        assert_eq!(evict(&server, eviction()).await.is_ok(), wanted, "{case}");
        assert_eq!(goes(&server).await, wanted, "{case}");
        assert_eq!(budget(&server).await.at(&["status", "disruptedPods"]), None, "{case}");
    }
}

#[tokio::test]
async fn two_budgets_are_one_too_many() {
    let server = Server::start().await;
    make_pod(&server, "True").await;
    for name in ["a", "b"] {
        make_budget(&server, name, Document::NULL, counts(1, 2, 1)).await;
    }
    let refusal = evict(&server, eviction()).await.unwrap_err();
    assert_eq!(
        refusal.to_document(),
        doc!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            "code": 500})
    );
    assert!(!goes(&server).await);
}

#[tokio::test]
async fn a_dry_run_asks_and_changes_nothing() {
    let server = Server::start().await;
    make_pod(&server, "True").await;
    make_budget(&server, "b", Document::NULL, counts(1, 2, 1)).await;
    let dry = || with_options(doc!({"dryRun": ["All"]}));
    evict(&server, dry()).await.unwrap();
    let pod = server.get("pods", "default", "p").await.unwrap();
    assert_eq!((pod.deletion_timestamp(), pod.array_at(&["status", "conditions"]).len()), (None, 1));
    assert_eq!(budget(&server).await.i64_at(&["status", "disruptionsAllowed"]), Some(1));
    evict(&server, eviction()).await.unwrap();
    assert!(goes(&server).await);
}

#[tokio::test]
async fn preconditions_hold_and_names_match() {
    let server = Server::start().await;
    let made = make_pod(&server, "True").await;
    let (uid, version) = (made.uid(), made.resource_version());
    let with_preconditions = |preconditions: Document| with_options(doc!({"preconditions": preconditions}));
    let misnamed = doc!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "q"}});
    let cases = [
        ("another name", misnamed, 400, "name in URL does not match name in Eviction object".to_owned()),
        (
            "another pod",
            with_preconditions(doc!({"uid": "x"})),
            409,
            format!(
                "Operation cannot be fulfilled on Pod \"p\": the UID in the precondition (x) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
            ),
        ),
        (
            "another version",
            with_preconditions(doc!({"resourceVersion": "1"})),
            409,
            format!(
                "Operation cannot be fulfilled on Pod \"p\": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record ({version}). The object might have been modified"
            ),
        ),
    ];
    for (case, eviction, code, message) in cases {
        let refusal = evict(&server, eviction).await.unwrap_err();
        assert_eq!((refusal.code, refusal.message), (code, message), "{case}");
    }
    evict(&server, with_preconditions(doc!({"uid": uid, "resourceVersion": version}))).await.unwrap();
    assert!(goes(&server).await);
}

/// Takes no evictions.
struct RefuseEvictions;

impl Plugin for RefuseEvictions {
    fn name(&self) -> &'static str {
        "RefuseEvictions"
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        _: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        let outcome = match (request.operation, request.subresource) {
            (Operation::Create, "eviction") => Err(request.forbidden("it stays")),
            _ => Ok(()),
        };
        Box::pin(std::future::ready(outcome))
    }
}

#[tokio::test]
async fn what_is_admitted_is_the_eviction() {
    let server = Server::start_with(|config| config.admission.push(Arc::new(RefuseEvictions))).await;
    make_pod(&server, "True").await;
    let refusal = evict(&server, eviction()).await.unwrap_err();
    assert_eq!((refusal.code, refusal.message.as_str()), (403, r#"pods "p" is forbidden: it stays"#));
    assert!(!goes(&server).await);
}

#[tokio::test]
async fn old_clients_may_evict_in_their_version() {
    let server = Server::start().await;
    make_pod(&server, "True").await;
    let mut eviction = eviction();
    eviction.insert("apiVersion", "policy/v1beta1");
    let answer = evict(&server, eviction).await.unwrap();
    assert_eq!(answer.str_at(&["status"]), "Success");
}

//! Malformed requests, thousands of each kind: every one is answered, none by 5xx or a panic, and none costs memory for
//! good. `SKIFF_HOSTILE_REQUESTS` says how many of each kind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

mod node;
mod request;
#[path = "../support/mod.rs"]
mod support;
mod wire;

use node::NodeDial;
use request::{Generator, Kind};
use skiff_apimachinery::doc;
use skiff_apimachinery::time::SystemClock;
use skiff_apiserver::authentication::certificate::ClientCertificate;
use skiff_apiserver::authentication::service_account::ServiceAccountTokens;
use skiff_apiserver::authentication::{Authenticator, Chain};
use skiff_apiserver::connect::Kubelets;
use skiff_fuzz::memory;
use skiff_pki::TokenKeys;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::Server;
use wire::Client;

/// Requests of each kind, unless the environment says otherwise.
const REQUESTS: usize = 1_000;
/// Clients of a kind at once.
const CLIENTS: usize = 4;
/// What memory may grow by in the last third: what the allocator keeps and threads that were not there before. By then every
/// kind of answer and metric has been made.
const GROWTH: u64 = 8 << 20;

static PANICS: AtomicUsize = AtomicUsize::new(0);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_are_refused_and_cost_nothing() {
    count_panics();
    let server = Arc::new(start().await);
    let requests = std::env::var("SKIFF_HOSTILE_REQUESTS").ok().and_then(|text| text.parse().ok());
    let third = requests.unwrap_or(REQUESTS).div_ceil(3 * CLIENTS);
    all_kinds(&server, 1, third).await;
    all_kinds(&server, 2, third).await;
    let before = memory::resident();
    all_kinds(&server, 3, third).await;
    let grown = memory::resident().saturating_sub(before);
    assert!(grown <= GROWTH, "the last third grew the process by {} KiB", grown >> 10);
    assert_eq!(PANICS.load(Ordering::Relaxed), 0, "panics");
}

async fn all_kinds(server: &Arc<Server>, seed: u64, each: usize) {
    for kind in Kind::ALL {
        let clients = (0..CLIENTS as u64)
            .map(|client| tokio::spawn(send(server.clone(), kind, seed * CLIENTS as u64 + client, each)));
        for done in futures::future::join_all(clients).await {
            done.unwrap();
        }
        let status =
            Client::new(server, true).status(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert_eq!(status.unwrap(), 200, "after {kind:?}");
    }
}

/// One client's requests of a kind.
async fn send(server: Arc<Server>, kind: Kind, seed: u64, count: usize) {
    let mut generator = Generator::new(kind, seed);
    let mut client = Client::new(&server, kind.has_certificate());
    for number in 0..count {
        let hostile = generator.next();
        let answer = match &hostile.frames {
            Some(frames) => client.session(&hostile.head_and_body, frames).await,
            None => client.status(&hostile.head_and_body).await,
        };
        let shown = || hostile.head_and_body.escape_ascii().to_string();
        let status = answer.unwrap_or_else(|error| panic!("{kind:?} {seed}/{number}: {error}: {}", shown()));
        // A revision that is not there yet is answered 504, as upstream does.
        let waited = kind == Kind::Query && status == 504;
        // So is an applied configuration with a field that its kind does not have, with 500.
        let undeclared = kind == Kind::Apply
            && status == 500
            && String::from_utf8_lossy(client.body()).contains("failed to create typed patch object");
        assert!(status < 500 || waited || undeclared, "{kind:?} {seed}/{number}: {status}: {}", shown());
    }
}

/// A server with a config map, a pod, and the node that the pod runs on.
async fn start() -> Server {
    let node = NodeDial::new();
    let server = Server::start_with(|config| {
        let folder = tempfile::tempdir().unwrap();
        let tokens = ServiceAccountTokens::new(
            Arc::new(TokenKeys::open(&folder.path().join("service-account.key")).unwrap()),
            vec!["https://kubernetes.default.svc.cluster.local".to_owned()],
            vec!["api".to_owned()],
            config.caches.clone(),
            Arc::new(SystemClock),
        );
        let all: Vec<Arc<dyn Authenticator>> = vec![Arc::new(ClientCertificate), Arc::new(tokens)];
        config.authenticator = Arc::new(Chain::new(all));
        let trust = node.trust();
        config.kubelets = Some(Kubelets::new(Arc::new(node), trust));
    })
    .await;
    let config_map = doc!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"app": "web"}},
        "data": {"a": "b"}});
    server.create("", "v1", "configmaps", "default", config_map).await.unwrap();
    let pod = doc!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "example.test/x:1"}]}});
    server.create("", "v1", "pods", "default", pod).await.unwrap();
    let node = doc!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"},
        "status": {"addresses": [{"type": "InternalIP", "address": node::ADDRESS}]}});
    server.create("", "v1", "nodes", "", node).await.unwrap();
    server
}

fn count_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        before(panic);
    }));
}

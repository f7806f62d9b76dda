//! The cluster that the tests share, and what a test holds of it.
//!
//! The first test that needs the cluster starts it, the last one that lets go of it stops it: nothing outlives the test
//! program, and a test that runs in a process of its own has a cluster of its own.

use crate::objects::Objects;
use crate::raw::Request;
use skiff_apimachinery::{Document, doc};
use skiff_client::kubeconfig::{Access, Kubeconfig};
use skiff_client::resources::{NAMESPACES, NODES, SERVICE_ACCOUNTS};
use skiff_client::{Client, HttpsTransport, Resource};
use skiff_testkit::{Options, Server, wait};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long anything may take that happens by itself.
pub const SOON: Duration = Duration::from_secs(30);

static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
static TESTS: AtomicUsize = AtomicUsize::new(1);

/// A running server, and a client with the admin's rights.
pub struct Cluster {
    client: Client,
    access: Access,
    runtime: Runtime,
    server: Server,
}

/// A test's own part of the cluster.
pub struct Api {
    cluster: Arc<Cluster>,
    /// The test's namespace; also a prefix for its cluster-scoped names.
    pub namespace: String,
}

impl Cluster {
    fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = shared.upgrade() {
            return cluster;
        }
        let cluster = Arc::new(Self::start(Options::default()));
        *shared = Arc::downgrade(&cluster);
        cluster
    }

    fn start(options: Options) -> Self {
        let server = Server::start(options);
        let access = Kubeconfig::load(&server.path("kubeconfig")).unwrap().access(None).unwrap();
        let transport = HttpsTransport::new(access.clone(), "conformance").unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { client: Client::new(Arc::new(transport)), access, runtime, server }
    }
}

impl Api {
    /// A fresh namespace in the shared cluster.
    pub fn new() -> Self {
        let cluster = Cluster::shared();
        let namespace = format!("conf-{}", TESTS.fetch_add(1, Ordering::Relaxed));
        let api = Self { cluster, namespace };
        api.of(&NAMESPACES).create(doc!({"metadata": {"name": api.namespace.as_str()}}));
        api
    }

    /// A fresh namespace in which pods can be created: its default service account is there.
    pub fn for_pods() -> Self {
        Self::new().ready_for_pods()
    }

    /// A namespace in a cluster of the test's own, started with further flags.
    pub fn apart(flags: &[&str]) -> Self {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let cluster = Arc::new(Cluster::start(Options { flags, ..Options::default() }));
        let api = Self { cluster, namespace: "conf".to_owned() };
        api.of(&NAMESPACES).create(doc!({"metadata": {"name": api.namespace.as_str()}}));
        api
    }

    /// A namespace for pods in a cluster of the test's own, which has nodes: pods are bound, but nothing runs them.
    pub fn with_nodes(names: &[&str]) -> Self {
        let api = Self::apart(&[]);
        for name in names {
            api.of(&NODES).create(hollow_node(name));
        }
        api.eventually("the nodes take pods", || {
            let nodes = api.of(&NODES).list("");
            let tainted = nodes.iter().any(|node| !node.array_at(&["spec", "taints"]).is_empty());
            if tainted || nodes.len() != names.len() { Err(format!("{nodes:?}")) } else { Ok(()) }
        });
        api.ready_for_pods()
    }

    fn ready_for_pods(self) -> Self {
        self.eventually("the default service account", || {
            self.of(&SERVICE_ACCOUNTS).try_get("default").map_err(|status| status.to_string())
        });
        self
    }

    /// The objects of a resource, in the test's namespace if the resource has namespaces.
    pub fn of(&self, resource: &Resource) -> Objects<'_> {
        Objects::new(self, resource, &self.namespace)
    }

    /// The objects of a resource in another namespace.
    pub fn of_namespace(&self, resource: &Resource, namespace: &str) -> Objects<'_> {
        Objects::new(self, resource, namespace)
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.cluster.client
    }

    /// A request that no method of the client makes.
    pub fn request(&self, method: &'static str, path: &str) -> Request<'_> {
        Request::new(&self.cluster.access, method, path)
    }

    /// The admin's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.cluster.server.path("kubeconfig")
    }

    /// Reads a path as JSON.
    pub fn path(&self, path: &str) -> Document {
        let read = self.run(self.client().transport().get_path(path));
        Arc::unwrap_or_clone(read.unwrap_or_else(|status| panic!("GET {path}: {status}")))
    }

    /// A name that no other test uses.
    pub fn named(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.namespace)
    }

    /// Drives a future to its end on the cluster's runtime.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.cluster.runtime.block_on(async {
            let timed = tokio::time::timeout(SOON * 3, future).await;
            timed.unwrap_or_else(|_| panic!("no answer within {:?}", SOON * 3))
        })
    }

    /// Waits for a condition.
    pub fn eventually<T>(&self, what: &str, look: impl FnMut() -> Result<T, String>) -> T {
        wait::until(what, SOON, look)
    }
}

/// A node that says it is ready.
fn hollow_node(name: &str) -> Document {
    let amounts = || doc!({"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "100Gi"});
    doc!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "status": {
            "capacity": (amounts()), "allocatable": (amounts()),
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]
        }
    })
}

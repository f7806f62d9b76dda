//! The cluster that the sessions share.
//!
//! The first session starts it, the last one that lets go of it stops it: nothing outlives the test program.

use skiff_apimachinery::doc;
use skiff_client::kubeconfig::Kubeconfig;
use skiff_client::resources::{CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS};
use skiff_client::{Client, HttpsTransport};
use skiff_testkit::{Options, Server, wait};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long anything may take that happens by itself.
pub const SOON: Duration = Duration::from_secs(30);

static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
static NAMES: AtomicUsize = AtomicUsize::new(100);

/// A running server, and a client with the admin's rights.
pub struct Cluster {
    client: Client,
    runtime: Runtime,
    server: Server,
}

impl Cluster {
    /// The cluster, started if there is none.
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = shared.upgrade() {
            return cluster;
        }
        let cluster = Arc::new(Self::start());
        *shared = Arc::downgrade(&cluster);
        cluster
    }

    fn start() -> Self {
        let server = Server::start(Options::default());
        let access = Kubeconfig::load(&server.path("kubeconfig")).unwrap().access(None).unwrap();
        let transport = HttpsTransport::new(access, "kubectl-tests").unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { client: Client::new(Arc::new(transport)), runtime, server }
    }

    /// The admin's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.server.path("kubeconfig")
    }

    /// Where the server listens.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.server.port())
    }

    /// A new namespace that has what every namespace gets, and so may have pods.
    pub fn make_namespace(&self, minor: u32) -> String {
        let name = format!("kubectl-{minor}-{}", NAMES.fetch_add(1, Ordering::Relaxed));
        let namespace = doc!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name.as_str()}});
        self.runtime.block_on(self.client.create(&NAMESPACES, "", namespace)).unwrap();
        for (resource, object) in [(&SERVICE_ACCOUNTS, "default"), (&CONFIG_MAPS, "kube-root-ca.crt")] {
            wait::until(object, SOON, || self.runtime.block_on(self.client.get(resource, &name, object)));
        }
        name
    }
}

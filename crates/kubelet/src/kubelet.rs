//! Puts the node agent together and runs it.

use crate::agent::pods::Pods;
use crate::agent::{Agent, AgentParts};
use crate::config::KubeletConfig;
use crate::logs::rotation;
use crate::node::agent::NodeAgent;
use crate::node::lease;
use crate::node::machine::Machine;
use crate::server::access::ReviewAccess;
use crate::server::{NodeServer, ServerTls};
use skiff_apimachinery::time::{Clock, SystemClock};
use skiff_client::informer::SharedInformers;
use skiff_cri::Runtime;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long tasks of pods may take to stop.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the kubelet cannot run.
#[derive(Debug, thiserror::Error)]
pub enum KubeletError {
    /// Its directory cannot be made or written.
    #[error("cannot make or write {path}: {source}")]
    Directory {
        /// Which one.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The node server's address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which one.
        address: std::net::SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The node server's keys do not do.
    #[error("node server: {0}")]
    Tls(#[from] rustls::server::VerifierBuilderError),
    /// A part of it died.
    #[error("a part of the kubelet died: {0}")]
    Died(#[from] tokio::task::JoinError),
}

/// The node agent.
pub struct Kubelet {
    agent: Arc<Agent>,
    pods: Pods,
    server: NodeServer,
    listener: TcpListener,
}

impl Kubelet {
    /// Makes the agent and begins to listen. The informers' client speaks as `system:node:<name>`. Requests to the node
    /// server are granted by the API server's word ([`ReviewAccess`]).
    ///
    /// # Errors
    /// If its directory cannot be made or its port is taken.
    pub async fn new(
        config: KubeletConfig,
        runtime: Arc<dyn Runtime>,
        informers: SharedInformers,
        tls: ServerTls,
    ) -> Result<Self, KubeletError> {
        let address = std::net::SocketAddr::new(config.address, config.port);
        let listener =
            TcpListener::bind(address).await.map_err(|source| KubeletError::Listen { address, source })?;
        for path in [config.root_dir.join("pods"), config.pod_logs_dir.clone()] {
            std::fs::create_dir_all(&path).map_err(|source| KubeletError::Directory { path, source })?;
        }
        crate::cleanup::note(&config)
            .map_err(|source| KubeletError::Directory { path: config.root_dir.clone(), source })?;
        let machine = Machine::read(&config.root_dir);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let agent = Arc::new(Agent::new(AgentParts { config, runtime, informers, clock, machine }));
        let allocatable = agent.allocatable();
        if let Err(error) = agent.cgroups.prepare(allocatable.cpu, allocatable.memory) {
            tracing::warn!(%error, "cannot make the cgroups above pods");
        }
        let pods = Pods::new(agent.clone());
        let access = ReviewAccess::new(agent.client.clone(), &agent.config.node_name, agent.clock.clone());
        let server = NodeServer::new(agent.clone(), pods.directory(), Arc::new(access), tls)?;
        Ok(Self { agent, pods, server, listener })
    }

    /// Where the node server listens; tells the port if the settings left it to the system.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn address(&self) -> std::io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// Runs until `shutdown`. Pods go on running after it.
    ///
    /// # Errors
    /// If a part of it dies.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), KubeletError> {
        let (node, uid) = NodeAgent::new(self.agent.clone());
        let mut parts = JoinSet::new();
        parts.spawn(node.run());
        let agent = self.agent;
        parts.spawn(lease::keep(agent.client.clone(), agent.config.clone(), agent.clock.clone(), uid));
        parts.spawn(rotation::keep(agent.clone()));
        parts.spawn(self.pods.run());
        parts.spawn(self.server.run(self.listener, shutdown.clone()));
        let outcome = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            // The parts run until they are dropped; one that ends first died, or heard of the shutdown before us.
            Some(ended) = parts.join_next() => ended.map_err(KubeletError::from),
        };
        // What is aborted goes on to its next await: nothing may touch the machine after this returns.
        parts.shutdown().await;
        agent.tasks.close();
        if tokio::time::timeout(PATIENCE, agent.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = agent.tasks.len(), "some pod tasks did not stop in time");
        }
        outcome
    }
}

//! Puts the node agent together and runs it.

use crate::agent::pods::{PodDirectory, Pods};
use crate::agent::{Agent, AgentParts};
use crate::config::KubeletConfig;
use crate::node::agent::NodeAgent;
use crate::node::lease;
use crate::node::machine::Machine;
use skiff_apimachinery::time::{Clock, SystemClock};
use skiff_client::informer::SharedInformers;
use skiff_cri::Runtime;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Why the kubelet cannot run.
#[derive(Debug, thiserror::Error)]
pub enum KubeletError {
    /// Its directory cannot be made.
    #[error("cannot make {path}: {source}")]
    Directory {
        /// Which one.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A part of it died.
    #[error("a part of the kubelet died: {0}")]
    Died(#[from] tokio::task::JoinError),
}

/// The node agent.
pub struct Kubelet {
    agent: Arc<Agent>,
    pods: Pods,
}

impl Kubelet {
    /// Makes the agent; must be called inside a tokio runtime. The informers' client speaks as `system:node:<name>`.
    ///
    /// # Errors
    /// If its directory cannot be made.
    pub fn new(
        config: KubeletConfig,
        runtime: Arc<dyn Runtime>,
        informers: SharedInformers,
    ) -> Result<Self, KubeletError> {
        for path in [config.root_dir.join("pods"), config.pod_logs_dir.clone()] {
            std::fs::create_dir_all(&path).map_err(|source| KubeletError::Directory { path, source })?;
        }
        let machine = Machine::read(&config.root_dir);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let agent = Arc::new(Agent::new(AgentParts { config, runtime, informers, clock, machine }));
        let allocatable = agent.allocatable();
        if let Err(error) = agent.cgroups.prepare(allocatable.cpu, allocatable.memory) {
            tracing::warn!(%error, "cannot make the cgroups above pods");
        }
        let pods = Pods::new(agent.clone());
        Ok(Self { agent, pods })
    }

    /// A look at the pods, for whoever serves them.
    pub fn directory(&self) -> PodDirectory {
        self.pods.directory()
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
        parts.spawn(self.pods.run());
        tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            Some(Err(error)) = parts.join_next() => Err(error.into()),
        }
    }
}

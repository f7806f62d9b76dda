//! The shell around the pod workers: it carries their actions out and brings what happens back to them.
//!
//! [`Agent`] holds what all pods share. `pods` follows the API and the runtime and keeps one `drive` loop per pod; a
//! loop runs the worker's tasks, of which each file in `tasks` knows one.

pub mod drive;
pub mod observe;
pub mod pods;
pub mod report;
pub mod tasks;

use crate::cgroups::Cgroups;
use crate::config::KubeletConfig;
use crate::node::machine::Machine;
use crate::objects::PodObjects;
use crate::pod::PodView;
use crate::pod::dns::DnsSettings;
use crate::pod::field_ref::Allocatable;
use crate::pod::mounts::MountedVolume;
use crate::pod::security::SecuritySettings;
use crate::volumes::projected::TokenCache;
use jiff::Timestamp;
use skiff_apimachinery::time::Clock;
use skiff_client::Client;
use skiff_client::events::{EventRecorder, EventType, ObjectReference};
use skiff_client::informer::{Informer, SharedInformers, Untyped};
use skiff_cri::Runtime;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

/// What all pods of the node share.
pub struct Agent {
    /// Settings.
    pub config: KubeletConfig,
    /// The container runtime.
    pub runtime: Arc<dyn Runtime>,
    /// The API.
    pub client: Client,
    /// Informers under the node's identity.
    pub informers: SharedInformers,
    /// All services, for their environment variables.
    pub services: Informer<Untyped>,
    /// Tells events as `kubelet`.
    pub recorder: EventRecorder,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Facts of the machine.
    pub machine: Machine,
    /// Pod cgroups.
    pub cgroups: Cgroups,
    /// Resolvers.
    pub dns: DnsSettings,
    /// Tokens in use.
    pub tokens: TokenCache,
    /// Why pods cannot be connected yet; empty when they can.
    pub network_problem: watch::Sender<String>,
    /// Everything that was spawned for pods: the kubelet has stopped when all of it has.
    pub tasks: TaskTracker,
    seccomp_root: PathBuf,
    sequence: AtomicU64,
}

/// What one pod's tasks share.
pub struct PodContext {
    /// Everything that pods share.
    pub agent: Arc<Agent>,
    /// Objects that the pod refers to.
    pub objects: PodObjects,
    /// Its volumes that are set up.
    pub mounted: Mutex<BTreeMap<String, MountedVolume>>,
    /// Told when the volumes must be refreshed.
    pub refresh: Arc<Notify>,
    /// When time alone makes the volumes stale.
    pub refresh_at: Mutex<Option<Timestamp>>,
}

/// What an agent is made from.
pub struct AgentParts {
    /// Settings.
    pub config: KubeletConfig,
    /// The container runtime.
    pub runtime: Arc<dyn Runtime>,
    /// Informers under the node's identity.
    pub informers: SharedInformers,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Facts of the machine.
    pub machine: Machine,
}

impl Agent {
    /// Makes an agent; must be called inside a tokio runtime.
    pub fn new(parts: AgentParts) -> Self {
        let AgentParts { config, runtime, informers, clock, machine } = parts;
        let client = informers.client().clone();
        let resolver = std::fs::read_to_string(&config.resolver_config).unwrap_or_default();
        Self {
            services: informers.of(&skiff_client::resources::SERVICES, skiff_client::Selection::default()),
            recorder: EventRecorder::new(client.clone(), "kubelet", &config.node_name, clock.clone()),
            cgroups: Cgroups::open(&config.cgroup_root, config.pod_pids_limit),
            dns: DnsSettings {
                cluster_dns: config.cluster_dns.clone(),
                cluster_domain: config.cluster_domain.clone(),
                host: crate::pod::dns::ResolverFile::parse(&resolver),
            },
            tokens: TokenCache::default(),
            network_problem: watch::Sender::new("the runtime was not asked yet".into()),
            tasks: TaskTracker::new(),
            seccomp_root: config.root_dir.join("seccomp"),
            sequence: AtomicU64::new(0),
            client,
            informers,
            runtime,
            clock,
            machine,
            config,
        }
    }

    /// What the node can give to pods.
    pub fn allocatable(&self) -> Allocatable {
        self.machine.allocatable()
    }

    /// Node-wide security choices.
    pub fn security(&self) -> SecuritySettings<'_> {
        SecuritySettings { seccomp_default: self.config.seccomp_default, seccomp_root: &self.seccomp_root }
    }

    /// A number larger than all before, for the order of observations.
    fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Directory of a pod.
    pub fn pod_dir(&self, pod: &PodView) -> PathBuf {
        self.config.pod_dir(pod.uid())
    }

    /// Directory of a pod's logs.
    pub fn log_dir(&self, pod: &PodView) -> PathBuf {
        self.config.pod_log_dir(pod.namespace(), pod.name(), pod.uid())
    }

    /// Tells an event about a pod or one of its containers.
    pub fn tell(
        &self,
        pod: &PodView,
        container: &str,
        kind: EventType,
        reason: &str,
        message: impl Into<String>,
    ) {
        let mut about = ObjectReference::of(pod.object());
        if about.kind.is_empty() {
            about.kind = "Pod".into();
            about.api_version = "v1".into();
        }
        if let Some(container) = pod.container(container) {
            about = about.field_path(container.field_path());
        }
        self.recorder.event(about, kind, reason, message);
    }
}

impl PodContext {
    /// The context of a pod.
    pub fn new(agent: Arc<Agent>, namespace: &str) -> Self {
        let objects = PodObjects::new(agent.informers.clone(), namespace);
        let refresh = objects.changed.clone();
        Self { objects, refresh, agent, mounted: Mutex::default(), refresh_at: Mutex::default() }
    }

    /// The volumes that are set up.
    pub fn volumes(&self) -> BTreeMap<String, MountedVolume> {
        self.mounted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

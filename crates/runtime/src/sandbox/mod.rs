//! Pod sandboxes: their record, how they are made and unmade, and how their shims are watched.

mod files;
mod run;
mod stop;
pub mod view;
mod watch;

pub use files::{HOSTNAME, HOSTS, RESOLV_CONF};

use crate::embedded::Core;
use crate::error::{Outcome, RuntimeError};
use crate::record;
use crate::shim::ShimClient;
use serde::{Deserialize, Serialize};
use skiff_cri::v1::{NamespaceMode, NamespaceOption, PodSandboxConfig};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is known of a sandbox, as it is on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SandboxRecord {
    /// Its id.
    pub id: String,
    /// What the kubelet asked for.
    #[serde(with = "record::message")]
    pub config: PodSandboxConfig,
    /// The runtime handler asked for.
    pub runtime_handler: String,
    /// When it was made, in nanoseconds since the epoch.
    pub created_at: i64,
    /// Where it is in its life.
    pub stage: SandboxStage,
    /// Its addresses, the primary one first.
    pub addresses: Vec<IpAddr>,
    /// The cgroup that its containers' are made in.
    pub cgroup_parent: String,
    /// The cgroup of its shim.
    pub cgroup: String,
    /// It was connected to the pod network and not disconnected since.
    pub networked: bool,
    /// The shim's process id while it lives.
    pub shim_pid: Option<i32>,
}

/// Where a sandbox is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxStage {
    /// Being made.
    Starting,
    /// Ready for containers.
    Ready,
    /// Its shim is gone; what it left behind may still be there.
    Dead,
    /// Stopped and cleared away, but for its record.
    Stopped,
}

/// A sandbox.
pub struct Sandbox {
    /// Its id.
    pub id: String,
    /// Its shim.
    pub shim: ShimClient,
    /// Its folder.
    pub directory: PathBuf,
    /// Held while it is stopped or removed, so that this happens once.
    pub operation: tokio::sync::Mutex<()>,
    record: Mutex<SandboxRecord>,
}

impl Sandbox {
    /// From its record.
    pub fn new(record: SandboxRecord, directory: PathBuf) -> Self {
        Self {
            id: record.id.clone(),
            shim: ShimClient::new(&record.id, directory.clone()),
            directory,
            operation: tokio::sync::Mutex::new(()),
            record: Mutex::new(record),
        }
    }

    /// Reads the record in a sandbox's folder.
    pub fn load(directory: &Path) -> Outcome<Option<SandboxRecord>> {
        record::read(&directory.join("record.json"))
    }

    /// A copy of the record.
    pub fn record(&self) -> SandboxRecord {
        self.lock().clone()
    }

    /// Where it is in its life.
    pub fn stage(&self) -> SandboxStage {
        self.lock().stage
    }

    /// Changes the record, here and on disk.
    pub fn update(&self, change: impl FnOnce(&mut SandboxRecord)) -> Outcome<()> {
        let mut record = self.lock();
        change(&mut record);
        record::write(&self.directory.join("record.json"), &*record)
    }

    /// Changes the record here only.
    pub fn note(&self, change: impl FnOnce(&mut SandboxRecord)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, SandboxRecord> {
        // A record is changed by assignments alone, so it is whole whatever happened.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SandboxRecord {
    /// The namespaces asked for.
    pub fn namespaces(&self) -> NamespaceOption {
        namespaces(&self.config)
    }

    /// True if the pod has a network of its own.
    pub fn has_network(&self) -> bool {
        network_mode(&self.config) != NamespaceMode::Node
    }

    /// The pod's host name; the host's for pods on its network.
    pub fn hostname(&self) -> String {
        match self.config.hostname.as_str() {
            "" => rustix::system::uname().nodename().to_string_lossy().into_owned(),
            name => name.to_owned(),
        }
    }
}

/// The namespaces that a pod asks for.
fn namespaces(config: &PodSandboxConfig) -> NamespaceOption {
    let linux = config.linux.as_ref();
    linux.and_then(|linux| linux.security_context.as_ref()?.namespace_options.clone()).unwrap_or_default()
}

/// Where a pod's network is.
fn network_mode(config: &PodSandboxConfig) -> NamespaceMode {
    namespaces(config).network()
}

impl Core {
    /// A sandbox by its id or the unique start of it.
    pub fn sandbox(&self, id: &str) -> Outcome<std::sync::Arc<Sandbox>> {
        self.find_sandbox(id).ok_or_else(|| {
            RuntimeError::NotFound(format!("an error occurred when try to find sandbox {id:?}: not found"))
        })
    }
}

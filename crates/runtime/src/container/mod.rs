//! Containers: their record, how they are made, run, stopped and removed.

mod create;
mod devices;
mod mounts;
mod process;
mod remove;
mod start;
mod state;
mod stop;
mod view;

pub use state::Phase;

use crate::embedded::Core;
use crate::error::{Outcome, RuntimeError};
use crate::record;
use serde::{Deserialize, Serialize};
use skiff_cri::v1::{ContainerConfig, LinuxContainerResources};
use skiff_shim::protocol::spec::ContainerSpec;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What is known of a container, as it is on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContainerRecord {
    /// Its id.
    pub id: String,
    /// Its sandbox.
    pub sandbox: String,
    /// What the kubelet asked for.
    #[serde(with = "record::message")]
    pub config: ContainerConfig,
    /// Its resource limits now.
    #[serde(with = "record::message")]
    pub resources: LinuxContainerResources,
    /// Its image's id.
    pub image_id: String,
    /// Its image's name with tag, or what was asked for.
    pub image_name: String,
    /// Its image's name by digest, or its id.
    pub image_ref: String,
    /// Keys of its image's layers, lowest first.
    pub layers: Vec<String>,
    /// The signal that asks it to stop.
    pub stop_signal: i32,
    /// Its cgroup.
    pub cgroup: String,
    /// Its log file.
    pub log_path: Option<PathBuf>,
    /// When it was made, in nanoseconds since the epoch.
    pub created_at: i64,
    /// When it was started, in nanoseconds since the epoch.
    pub started_at: i64,
    /// Where it is in its life.
    pub phase: Phase,
    /// How it ended.
    pub end: Option<End>,
    /// How it is started.
    pub spec: ContainerSpec,
}

/// How a container ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct End {
    /// When, in nanoseconds since the epoch.
    pub at: i64,
    /// Exit code.
    pub code: i32,
    /// `Completed`, `Error`, `OOMKilled`, `StartError`, `Unknown`.
    pub reason: String,
    /// More about it.
    pub message: String,
}

/// A container.
pub struct Container {
    /// Its id.
    pub id: String,
    /// Its sandbox.
    pub sandbox: String,
    /// Its folder.
    pub directory: PathBuf,
    /// Held while it is started or removed.
    pub operation: tokio::sync::Mutex<()>,
    cgroup: String,
    record: Mutex<ContainerRecord>,
    phase: watch::Sender<Phase>,
}

impl Container {
    /// From its record.
    pub fn new(record: ContainerRecord, directory: PathBuf) -> Self {
        Self {
            id: record.id.clone(),
            sandbox: record.sandbox.clone(),
            directory,
            operation: tokio::sync::Mutex::new(()),
            cgroup: record.cgroup.clone(),
            phase: watch::Sender::new(record.phase),
            record: Mutex::new(record),
        }
    }

    /// Reads the record in a container's folder.
    pub fn load(directory: &Path) -> Outcome<Option<ContainerRecord>> {
        record::read(&directory.join("record.json"))
    }

    /// A copy of the record.
    pub fn record(&self) -> ContainerRecord {
        self.lock().clone()
    }

    /// Its cgroup.
    pub fn cgroup(&self) -> &str {
        &self.cgroup
    }

    /// Where it is in its life.
    pub fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// Looks at the record without copying it.
    pub fn read<T>(&self, look: impl FnOnce(&ContainerRecord) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the record, here and on disk; `change` says whether it changed anything.
    pub fn update(&self, change: impl FnOnce(&mut ContainerRecord) -> bool) -> Outcome<bool> {
        let mut record = self.lock();
        if !change(&mut record) {
            return Ok(false);
        }
        record::write(&self.directory.join("record.json"), &*record)?;
        self.phase.send_replace(record.phase);
        Ok(true)
    }

    /// Takes it from created to starting; false if it is not just created. On disk it stays created: what became of it, its shim knows.
    pub fn begin_start(&self) -> bool {
        let mut record = self.lock();
        let created = record.phase == Phase::Created;
        if created {
            record.phase = Phase::Starting;
        }
        created
    }

    /// Waits until it has ended, or is gone.
    pub async fn ended(&self) {
        let mut phase = self.phase.subscribe();
        // The sender lives as long as `self`.
        let _ = phase.wait_for(|phase| *phase == Phase::Exited).await;
    }

    fn lock(&self) -> MutexGuard<'_, ContainerRecord> {
        // A record is changed by assignments alone, so it is whole whatever happened.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// A container by its id or the unique start of it.
    pub fn container(&self, id: &str) -> Outcome<Arc<Container>> {
        self.find_container(id).ok_or_else(|| {
            RuntimeError::NotFound(format!("an error occurred when try to find container {id:?}: not found"))
        })
    }
}

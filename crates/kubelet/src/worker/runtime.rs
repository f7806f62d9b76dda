//! What the container runtime knows of one pod, as the worker reads it.
//!
//! Made by `shell::observe` from CRI lists; the newest sandbox and the newest container of a name come first.

use jiff::Timestamp;
use std::net::IpAddr;

/// Sandboxes and containers of one pod at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PodRuntime {
    /// Order of observations: a worker ignores one that began before the one it has.
    pub sequence: u64,
    /// Sandboxes, newest first.
    pub sandboxes: Vec<Sandbox>,
    /// Containers, newest first.
    pub containers: Vec<ContainerRecord>,
}

/// A sandbox.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sandbox {
    /// Its id.
    pub id: String,
    /// Whether it runs.
    pub ready: bool,
    /// How many the pod had before.
    pub attempt: u32,
    /// Its addresses, the primary one first.
    pub ips: Vec<IpAddr>,
}

/// State of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ContainerState {
    Created,
    Running,
    Exited,
    #[default]
    Unknown,
}

/// A container, running or not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContainerRecord {
    /// Its id.
    pub id: String,
    /// The sandbox that it is in.
    pub sandbox_id: String,
    /// Name in the pod.
    pub name: String,
    /// How often it was restarted before.
    pub restart_count: u32,
    /// Hash of what it was made from.
    pub hash: String,
    /// Its state.
    pub state: ContainerState,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How it ended.
    pub exit_code: i32,
    /// `Completed`, `Error`, `OOMKilled` and the like.
    pub reason: String,
    /// Its termination message, or the runtime's text.
    pub message: String,
    /// The image as the pod named it.
    pub image: String,
    /// The image by digest or id.
    pub image_id: String,
    /// User, group, supplementary groups of its first process.
    pub user: Option<(i64, i64, Vec<i64>)>,
}

impl PodRuntime {
    /// The newest sandbox.
    pub fn sandbox(&self) -> Option<&Sandbox> {
        self.sandboxes.first()
    }

    /// The newest sandbox, if it can take containers.
    pub fn ready_sandbox(&self, host_network: bool) -> Option<&Sandbox> {
        self.sandbox().filter(|sandbox| sandbox.ready && (host_network || !sandbox.ips.is_empty()))
    }

    /// The newest container of a name.
    pub fn latest(&self, name: &str) -> Option<&ContainerRecord> {
        self.containers.iter().find(|record| record.name == name)
    }

    /// The newest container of a name in a sandbox.
    pub fn latest_in(&self, sandbox: &str, name: &str) -> Option<&ContainerRecord> {
        self.latest(name).filter(|record| record.sandbox_id == sandbox)
    }

    /// The ended container of a name before the newest one.
    pub fn previous(&self, name: &str) -> Option<&ContainerRecord> {
        self.containers.iter().filter(|record| record.name == name).nth(1)
    }

    /// Containers that run or may run.
    pub fn live(&self) -> impl Iterator<Item = &ContainerRecord> {
        self.containers
            .iter()
            .filter(|r| matches!(r.state, ContainerState::Running | ContainerState::Unknown))
    }

    /// Sorts newest first, by attempt within a name.
    pub fn sort(&mut self) {
        self.sandboxes.sort_by_key(|sandbox| std::cmp::Reverse(sandbox.attempt));
        self.containers.sort_by_key(|record| std::cmp::Reverse(record.restart_count));
    }
}

impl ContainerRecord {
    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.state == ContainerState::Running
    }

    /// Whether it ended.
    pub fn is_exited(&self) -> bool {
        self.state == ContainerState::Exited
    }
}

//! How a container's state changes: by what its shim says, or by what a dead shim left.

use super::{Container, End};
use crate::embedded::{Core, now};
use crate::error::Outcome;
use crate::events::EventKind;
use crate::record;
use serde::{Deserialize, Serialize};
use skiff_shim::protocol::{EXITS, ExitRecord};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Exit code of a container whose end nobody saw.
const UNKNOWN: i32 = 255;
/// Exit code of a container that could not be started.
const NOT_STARTED: i32 = 128;
/// How long the kernel may take to let a dead container's cgroup go.
const CGROUP_GONE: Duration = Duration::from_secs(30);

/// Where a container is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Made, not started.
    Created,
    /// Asked to start.
    Starting,
    /// Its program runs.
    Running,
    /// It has ended, or failed to start.
    Exited,
}

impl Core {
    /// It runs.
    pub fn container_started(&self, container: &Container, at: i64) -> Outcome<()> {
        let changed = container.update(|record| {
            let new = matches!(record.phase, Phase::Created | Phase::Starting);
            if new {
                record.phase = Phase::Running;
                record.started_at = at;
            }
            new
        })?;
        if changed {
            self.announce_container(container, EventKind::ContainerStartedEvent);
        }
        Ok(())
    }

    /// It has ended.
    pub fn container_ended(&self, container: &Arc<Container>, exit: &ExitRecord) -> Outcome<()> {
        let reason = match (exit.oom_killed, exit.code) {
            (true, _) => "OOMKilled",
            (false, 0) => "Completed",
            (false, _) => "Error",
        };
        let end =
            End { at: exit.finished_at, code: exit.code, reason: reason.to_owned(), message: String::new() };
        self.end(container, end, exit.started_at)
    }

    /// It could not be started.
    pub fn container_not_started(&self, container: &Arc<Container>, message: String) -> Outcome<()> {
        let at = now();
        self.end(container, End { at, code: NOT_STARTED, reason: "StartError".to_owned(), message }, at)
    }

    /// Its shim is gone, or does not know it: it is what the exit record says, or nobody knows.
    pub fn settle_container(&self, container: &Arc<Container>, sandbox_directory: &Path) -> Outcome<()> {
        if let Some(exit) = record::read(&sandbox_directory.join(EXITS).join(&container.id))? {
            return self.container_ended(container, &exit);
        }
        if matches!(container.phase(), Phase::Created | Phase::Exited) {
            return Ok(());
        }
        let end = End { at: now(), code: UNKNOWN, reason: "Unknown".to_owned(), message: String::new() };
        let started_at = container.read(|record| record.started_at);
        self.end(container, end, started_at)
    }

    fn end(&self, container: &Arc<Container>, end: End, started_at: i64) -> Outcome<()> {
        let changed = container.update(|record| {
            let new = record.phase != Phase::Exited;
            if new {
                record.phase = Phase::Exited;
                record.started_at = started_at;
                record.end = Some(end);
            }
            new
        })?;
        if changed {
            self.samples.forget(&container.id);
            self.release_cgroup(container.cgroup().to_owned());
            self.announce_container(container, EventKind::ContainerStoppedEvent);
        }
        Ok(())
    }

    /// Removes a cgroup as soon as the kernel lets it go.
    fn release_cgroup(&self, path: String) {
        let cgroups = self.cgroups.clone();
        if cgroups.remove(&path) {
            return;
        }
        tokio::spawn(async move {
            let mut pause = Duration::from_millis(2);
            let deadline = tokio::time::Instant::now() + CGROUP_GONE;
            while !cgroups.remove(&path) && tokio::time::Instant::now() < deadline {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        });
    }
}

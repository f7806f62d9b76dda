//! Control groups: made, limited, read and removed by the runtime; joined by the shim's children.
//!
//! The two layouts of the kernel are siblings behind [`Hierarchy`]: `v1` with a tree per controller, `v2` with one tree. To add a layout,
//! implement the trait and let [`detect`] recognise it. Paths are those of CRI: absolute below the root of the hierarchy.

mod detect;
mod files;
mod v1;
mod v2;

pub use detect::detect;

use crate::error::Outcome;
use skiff_cri::v1::LinuxContainerResources;
use skiff_shim::protocol::spec::{CgroupSpec, MountSpec};
use std::path::PathBuf;

/// A layout of control groups.
pub trait Hierarchy: Send + Sync {
    /// Makes a group and those above it.
    fn create(&self, path: &str) -> Outcome<()>;
    /// What a process needs to join a group and to be judged by it.
    fn spec(&self, path: &str) -> CgroupSpec;
    /// Limits a group; zero and empty fields leave things as they are.
    fn limit(&self, path: &str, resources: &LinuxContainerResources) -> Outcome<()>;
    /// Limits the devices that a group may use.
    fn limit_devices(&self, path: &str, rules: &[DeviceRule]) -> Outcome<()>;
    /// What a container mounts at /sys/fs/cgroup.
    fn mounts(&self, path: &str, view: View) -> Vec<MountSpec>;
    /// What a group uses.
    fn usage(&self, path: &str) -> Usage;
    /// The directories of a group, one for each controller; those that exist make up the group.
    fn directories(&self, path: &str) -> Vec<PathBuf>;

    /// Processes in a group itself.
    fn processes(&self, path: &str) -> Vec<i32> {
        let mut processes: Vec<i32> =
            self.directories(path).iter().flat_map(|directory| files::processes(directory)).collect();
        processes.sort_unstable();
        processes.dedup();
        processes
    }

    /// Removes a group without processes; gone is success. True if nothing of it is left.
    fn remove(&self, path: &str) -> bool {
        // Each is tried, whatever became of the others.
        let left = self.directories(path).iter().filter(|directory| !files::remove(directory)).count();
        left == 0
    }
}

/// What a container may do with the cgroup files that it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Read them.
    ReadOnly,
    /// Change them: privileged containers.
    ReadWrite,
}

/// A device that a group may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRule {
    /// `c`, `b`, or `a` for all.
    pub kind: char,
    /// Major number; `None` for all.
    pub major: Option<u32>,
    /// Minor number; `None` for all.
    pub minor: Option<u32>,
    /// Of `r`, `w` and `m`.
    pub access: String,
}

/// What a group uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time.
    pub cpu_nanoseconds: Option<u64>,
    /// Memory with page cache.
    pub memory_bytes: Option<u64>,
    /// Memory that cannot be reclaimed easily.
    pub working_set_bytes: Option<u64>,
    /// Anonymous memory.
    pub rss_bytes: Option<u64>,
    /// Page faults.
    pub page_faults: Option<u64>,
    /// Page faults that read from disk.
    pub major_page_faults: Option<u64>,
    /// Memory limit; `None` without one.
    pub memory_limit_bytes: Option<u64>,
    /// Swap in use.
    pub swap_bytes: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
}

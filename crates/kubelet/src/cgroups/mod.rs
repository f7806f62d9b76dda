//! The cgroups of pods: `kubepods`, its two classes, and one group per pod. Containers' own groups are the runtime's.
//!
//! Input: QoS class and summed amounts of a pod. Output: the path that the runtime takes as `cgroup_parent`, relative to
//! each hierarchy's mount. One file per cgroup version, with one shape, [`Hierarchy`]. A controller that the machine
//! lacks, or does not let us set, is left out with a debug line: a pod without a limit is better than no pod.

mod v1;
mod v2;

use crate::pod::PodView;
use crate::pod::resources::{Qos, pod_amounts, qos, quota, shares};
use std::io;
use std::path::{Path, PathBuf};

/// Values of one cgroup; `None` leaves the kernel's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Values {
    /// CPU shares.
    pub shares: Option<i64>,
    /// CPU quota per period of 100 ms.
    pub quota: Option<i64>,
    /// Memory limit in bytes.
    pub memory: Option<i64>,
    /// Number of processes.
    pub pids: Option<u64>,
}

/// A version of cgroups. To add one, write a file with a type that implements this and let [`Cgroups::open`] choose it.
trait Hierarchy: Send + Sync {
    /// Makes a group and its parents and sets its values.
    fn make(&self, path: &str, values: Values) -> io::Result<()>;
    /// The directories of a group, one per mounted hierarchy.
    fn directories(&self, path: &str) -> Vec<PathBuf>;
}

/// The node's cgroups for pods.
pub struct Cgroups {
    hierarchy: Box<dyn Hierarchy>,
    kubepods: String,
    pids_limit: Option<u64>,
}

impl Cgroups {
    /// The tree below this root. Makes nothing.
    pub fn open(root: &str, pids_limit: Option<u64>) -> Self {
        let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        let hierarchy: Box<dyn Hierarchy> =
            if unified { Box::new(v2::Unified::default()) } else { Box::new(v1::Legacy::mounted()) };
        Self { hierarchy, kubepods: format!("{}/kubepods", root.trim_end_matches('/')), pids_limit }
    }

    /// Makes the groups above the pods'. The node's CPU in thousandths and memory in bytes limit all pods together.
    ///
    /// # Errors
    /// If a group cannot be made.
    pub fn prepare(&self, cpu: i64, memory: i64) -> io::Result<()> {
        let all = Values { shares: Some(shares(cpu)), memory: Some(memory), ..Values::default() };
        self.hierarchy.make(&self.kubepods, all)?;
        let least = Values { shares: Some(shares(0)), ..Values::default() };
        self.hierarchy.make(&self.class(Qos::Burstable), least)?;
        self.hierarchy.make(&self.class(Qos::BestEffort), least)
    }

    /// Weighs the burstable pods by what they ask for together.
    ///
    /// # Errors
    /// If the value cannot be set.
    pub fn weigh_burstable(&self, cpu_requests: i64) -> io::Result<()> {
        let values = Values { shares: Some(shares(cpu_requests)), ..Values::default() };
        self.hierarchy.make(&self.class(Qos::Burstable), values)
    }

    fn class(&self, qos: Qos) -> String {
        match qos {
            Qos::Guaranteed => self.kubepods.clone(),
            Qos::Burstable => format!("{}/burstable", self.kubepods),
            Qos::BestEffort => format!("{}/besteffort", self.kubepods),
        }
    }

    /// The path of a pod's group.
    pub fn path(&self, pod: &PodView) -> String {
        format!("{}/pod{}", self.class(qos(pod)), pod.uid())
    }

    /// Makes a pod's group.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn make_pod(&self, pod: &PodView) -> io::Result<()> {
        let amounts = pod_amounts(pod);
        let values = Values {
            shares: Some(shares(amounts.cpu_request)),
            quota: amounts.cpu_limit.map(quota).filter(|quota| *quota > 0),
            memory: amounts.memory_limit.filter(|limit| *limit > 0),
            pids: self.pids_limit,
        };
        self.hierarchy.make(&self.path(pod), values)
    }

    /// Removes the group of a pod, whatever class it was in. Gone is success.
    ///
    /// # Errors
    /// If a process is still in it.
    pub fn remove_pod(&self, uid: &str) -> io::Result<()> {
        for class in [Qos::Guaranteed, Qos::Burstable, Qos::BestEffort] {
            for dir in self.hierarchy.directories(&format!("{}/pod{uid}", self.class(class))) {
                remove_tree(&dir)?;
            }
        }
        Ok(())
    }

    /// Removes the groups above the pods', if no pod is left.
    pub fn remove_if_empty(&self) {
        for class in [Qos::Burstable, Qos::BestEffort, Qos::Guaranteed] {
            for dir in self.hierarchy.directories(&self.class(class)) {
                // Fails while a pod is below, which is what is wanted.
                let _ = std::fs::remove_dir(dir);
            }
        }
    }
}

/// Removes a group and those below it.
fn remove_tree(dir: &Path) -> io::Result<()> {
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if gone(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    match std::fs::remove_dir(dir) {
        Err(error) if !gone(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Writes a value; a machine that refuses it is noted, not failed.
fn set(dir: &Path, file: &str, value: impl std::fmt::Display) {
    if let Err(error) = std::fs::write(dir.join(file), value.to_string()) {
        tracing::debug!(dir = %dir.display(), file, %error, "cannot set cgroup value");
    }
}

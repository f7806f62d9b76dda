//! Finds out which layout this machine has, from its mount table.

use super::{Hierarchy, v1::V1, v2::V2};
use crate::error::{At, Outcome, RuntimeError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Controllers that the runtime puts containers into where they are mounted.
const CONTROLLERS: [&str; 12] = [
    "cpu",
    "cpuacct",
    "cpuset",
    "memory",
    "pids",
    "devices",
    "freezer",
    "blkio",
    "hugetlb",
    "net_cls",
    "perf_event",
    SYSTEMD,
];

/// systemd's own hierarchy of version 1.
const SYSTEMD: &str = "name=systemd";

/// The layout of this machine.
pub fn detect() -> Outcome<Arc<dyn Hierarchy>> {
    let path = Path::new("/proc/self/mounts");
    from_mounts(&std::fs::read_to_string(path).at("read", path)?)
}

/// The layout that a mount table describes. Where controllers are mounted as version 1, they are not available as version 2. systemd's hierarchy counts
/// too, because a service's processes are found by it.
fn from_mounts(table: &str) -> Outcome<Arc<dyn Hierarchy>> {
    let mut unified = None;
    let mut controllers: BTreeMap<String, PathBuf> = BTreeMap::new();
    for line in table.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [_, mount_point, kind, options, ..] = fields[..] else { continue };
        match kind {
            "cgroup2" => unified = unified.or(Some(PathBuf::from(mount_point))),
            "cgroup" => {
                let known = options.split(',').filter(|option| CONTROLLERS.contains(option));
                for controller in known {
                    controllers.entry(controller.to_owned()).or_insert_with(|| mount_point.into());
                }
            }
            _ => {}
        }
    }
    if controllers.contains_key("memory") || controllers.contains_key("cpu") {
        return Ok(Arc::new(V1::new(controllers)));
    }
    match unified {
        Some(root) => Ok(Arc::new(V2::new(root))),
        None => {
            Err(RuntimeError::Cgroup("neither version 1 controllers nor version 2 are mounted".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIFIED: &str = "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";
    const HYBRID: &str = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n\
        cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n\
        cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n\
        cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n";

    fn directories(table: &str) -> Vec<PathBuf> {
        from_mounts(table).unwrap().directories("/kubepods")
    }

    #[test]
    fn one_tree_is_version_2() {
        assert_eq!(directories(UNIFIED), [PathBuf::from("/sys/fs/cgroup/kubepods")]);
    }

    #[test]
    fn mounted_controllers_are_version_1_even_beside_version_2() {
        assert_eq!(
            directories(HYBRID),
            ["cpu,cpuacct", "memory", "systemd"]
                .map(|name| PathBuf::from(format!("/sys/fs/cgroup/{name}/kubepods")))
        );
    }

    #[test]
    fn no_cgroup_file_system_is_an_error() {
        assert!(from_mounts("proc /proc proc rw 0 0\n").is_err());
    }
}

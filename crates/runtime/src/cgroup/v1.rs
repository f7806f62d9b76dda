//! Version 1: a tree for each controller, or for some that are mounted together.

use super::{DeviceRule, Hierarchy, Usage, View, files};
use crate::error::{At, Outcome};
use skiff_cri::v1::LinuxContainerResources;
use skiff_shim::protocol::spec::{Access, CgroupSpec, MountSource, MountSpec, Propagation};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Version 1 hierarchies.
pub struct V1 {
    /// Mount points by controller.
    controllers: BTreeMap<String, PathBuf>,
}

impl V1 {
    /// From the mount points of its controllers.
    pub fn new(controllers: BTreeMap<String, PathBuf>) -> Self {
        Self { controllers }
    }

    fn directory(&self, controller: &str, path: &str) -> Option<PathBuf> {
        Some(self.controllers.get(controller)?.join(path.trim_start_matches('/')))
    }

    fn mount_points(&self) -> Vec<&Path> {
        let mut points: Vec<&Path> = self.controllers.values().map(PathBuf::as_path).collect();
        points.sort_unstable();
        points.dedup();
        points
    }

    fn set(&self, controller: &str, path: &str, file: &str, value: impl ToString) -> Outcome<()> {
        match self.directory(controller, path) {
            Some(directory) => files::write(&directory, file, &value.to_string()),
            None => Ok(()),
        }
    }

    fn limit_memory(&self, path: &str, limit: i64) -> Outcome<()> {
        let Some(directory) = self.directory("memory", path) else { return Ok(()) };
        let (memory, with_swap, limit) =
            ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", limit.to_string());
        // Memory alone may never exceed memory with swap, so the order depends on the direction.
        let first = files::write(&directory, memory, &limit);
        let swap = files::write_if_present(&directory, with_swap, &limit);
        match (first, swap) {
            (Ok(()), _) => Ok(()),
            (Err(_), Ok(())) => files::write(&directory, memory, &limit),
            (Err(error), Err(_)) => Err(error),
        }
    }
}

impl Hierarchy for V1 {
    fn create(&self, path: &str) -> Outcome<()> {
        for directory in self.directories(path) {
            std::fs::create_dir_all(&directory).at("create cgroup", &directory)?;
        }
        match self.controllers.get("cpuset") {
            Some(root) => inherit_cpuset(root, path),
            None => Ok(()),
        }
    }

    fn spec(&self, path: &str) -> CgroupSpec {
        let directories = self.directories(path);
        CgroupSpec {
            into: None,
            tasks: directories.iter().map(|directory| directory.join("tasks")).collect(),
            members: directories.first().map(|directory| directory.join("cgroup.procs")).unwrap_or_default(),
            oom: self.directory("memory", path).map(|directory| directory.join("memory.oom_control")),
            namespace: false,
        }
    }

    fn limit(&self, path: &str, resources: &LinuxContainerResources) -> Outcome<()> {
        if resources.cpu_shares > 0 {
            self.set("cpu", path, "cpu.shares", resources.cpu_shares)?;
        }
        if resources.cpu_period > 0 {
            self.set("cpu", path, "cpu.cfs_period_us", resources.cpu_period)?;
        }
        if resources.cpu_quota != 0 {
            self.set("cpu", path, "cpu.cfs_quota_us", resources.cpu_quota)?;
        }
        if resources.memory_limit_in_bytes != 0 {
            self.limit_memory(path, resources.memory_limit_in_bytes)?;
        }
        if !resources.cpuset_cpus.is_empty() {
            self.set("cpuset", path, "cpuset.cpus", &resources.cpuset_cpus)?;
        }
        if !resources.cpuset_mems.is_empty() {
            self.set("cpuset", path, "cpuset.mems", &resources.cpuset_mems)?;
        }
        for limit in &resources.hugepage_limits {
            if let Some(directory) = self.directory("hugetlb", path) {
                let file = format!("hugetlb.{}.limit_in_bytes", limit.page_size);
                files::write_if_present(&directory, &file, &limit.limit.to_string())?;
            }
        }
        Ok(())
    }

    fn limit_devices(&self, path: &str, rules: &[DeviceRule]) -> Outcome<()> {
        let number = |value: Option<u32>| value.map_or("*".to_owned(), |value| value.to_string());
        self.set("devices", path, "devices.deny", "a")?;
        for rule in rules {
            let text = match rule.kind {
                'a' => "a".to_owned(),
                kind => format!("{kind} {}:{} {}", number(rule.major), number(rule.minor), rule.access),
            };
            self.set("devices", path, "devices.allow", text)?;
        }
        Ok(())
    }

    fn mounts(&self, path: &str, view: View) -> Vec<MountSpec> {
        let (mut flags, access) = (
            vec!["nosuid", "noexec", "nodev", "relatime"],
            match view {
                View::ReadOnly => Access::ReadOnly,
                View::ReadWrite => Access::ReadWrite,
            },
        );
        if view == View::ReadOnly {
            flags.push("ro");
        }
        let base = MountSpec {
            target: "/sys/fs/cgroup".to_owned(),
            what: MountSource::Filesystem {
                kind: "tmpfs".to_owned(),
                data: "mode=755".to_owned(),
                flags: flags.into_iter().map(str::to_owned).collect(),
            },
        };
        let controllers = self.mount_points().into_iter().filter_map(|point| {
            let name = point.file_name()?.to_str()?;
            Some(MountSpec {
                target: format!("/sys/fs/cgroup/{name}"),
                what: MountSource::Bind {
                    source: point.join(path.trim_start_matches('/')),
                    access,
                    propagation: Propagation::Private,
                },
            })
        });
        std::iter::once(base).chain(controllers).collect()
    }

    fn usage(&self, path: &str) -> Usage {
        let cpu = self.directory("cpuacct", path).and_then(|d| files::number(&d, "cpuacct.usage"));
        let processes = self.directory("pids", path).and_then(|d| files::number(&d, "pids.current"));
        let mut usage = Usage { cpu_nanoseconds: cpu, processes, ..Usage::default() };
        let Some(directory) = self.directory("memory", path) else { return usage };
        let stat = files::read(&directory, "memory.stat").unwrap_or_default();
        usage.memory_bytes = files::number(&directory, "memory.usage_in_bytes");
        let inactive = files::field(&stat, "total_inactive_file").unwrap_or(0);
        usage.working_set_bytes = usage.memory_bytes.map(|bytes| bytes.saturating_sub(inactive));
        usage.rss_bytes = files::field(&stat, "total_rss");
        usage.page_faults = files::field(&stat, "total_pgfault");
        usage.major_page_faults = files::field(&stat, "total_pgmajfault");
        usage.swap_bytes = files::field(&stat, "total_swap");
        // Without a limit the file holds the largest multiple of the page size.
        usage.memory_limit_bytes =
            files::number(&directory, "memory.limit_in_bytes").filter(|limit| *limit < i64::MAX as u64 / 2);
        usage
    }

    fn directories(&self, path: &str) -> Vec<PathBuf> {
        self.mount_points().into_iter().map(|point| point.join(path.trim_start_matches('/'))).collect()
    }
}

/// A new cpuset group is empty and takes no process until it has CPUs and memory nodes.
fn inherit_cpuset(root: &Path, path: &str) -> Outcome<()> {
    let mut directory = root.to_owned();
    for component in path.split('/').filter(|component| !component.is_empty()) {
        let parent = directory.clone();
        directory.push(component);
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let empty = files::read(&directory, file).is_some_and(|text| text.trim().is_empty());
            if empty && let Some(inherited) = files::read(&parent, file) {
                files::write(&directory, file, inherited.trim())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fake(files: &[(&str, &str)]) -> (tempfile::TempDir, V1) {
        let root = tempfile::tempdir().unwrap();
        let mut controllers = BTreeMap::new();
        for (path, content) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        for name in ["cpu", "cpuacct", "cpuset", "memory", "pids"] {
            controllers.insert(name.to_owned(), root.path().join(name));
        }
        (root, V1::new(controllers))
    }

    #[test]
    fn a_cpuset_is_inherited_on_the_way_down() {
        let (root, v1) = fake(&[
            ("cpuset/cpuset.cpus", "0-1\n"),
            ("cpuset/cpuset.mems", "0\n"),
            ("cpuset/a/cpuset.cpus", "\n"),
            ("cpuset/a/cpuset.mems", "\n"),
            ("cpuset/a/b/cpuset.cpus", ""),
            ("cpuset/a/b/cpuset.mems", ""),
        ]);
        v1.create("/a/b").unwrap();
        assert_eq!(std::fs::read_to_string(root.path().join("cpuset/a/b/cpuset.cpus")).unwrap(), "0-1");
        assert!(root.path().join("memory/a/b").is_dir());
    }

    #[test]
    fn the_working_set_leaves_inactive_page_cache_out() {
        let (_root, v1) = fake(&[
            ("memory/c/memory.usage_in_bytes", "1000\n"),
            ("memory/c/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/c/memory.stat", "rss 1\ntotal_rss 400\ntotal_inactive_file 300\n"),
            ("cpuacct/c/cpuacct.usage", "77\n"),
        ]);
        let usage = v1.usage("/c");
        assert_eq!(usage.working_set_bytes, Some(700));
        assert_eq!(usage.rss_bytes, Some(400));
        assert_eq!(usage.cpu_nanoseconds, Some(77));
        assert_eq!(usage.memory_limit_bytes, None);
    }

    #[test]
    fn limits_are_written_where_they_belong() {
        let (root, v1) = fake(&[
            ("cpu/c/cpu.shares", ""),
            ("cpu/c/cpu.cfs_period_us", ""),
            ("cpu/c/cpu.cfs_quota_us", ""),
            ("memory/c/memory.limit_in_bytes", ""),
        ]);
        let resources = LinuxContainerResources {
            cpu_shares: 102,
            cpu_period: 100_000,
            cpu_quota: 50_000,
            memory_limit_in_bytes: 1 << 20,
            ..Default::default()
        };
        v1.limit("/c", &resources).unwrap();
        let read = |path: &str| std::fs::read_to_string(root.path().join(path)).unwrap();
        assert_eq!(read("cpu/c/cpu.shares"), "102");
        assert_eq!(read("cpu/c/cpu.cfs_quota_us"), "50000");
        assert_eq!(read("memory/c/memory.limit_in_bytes"), "1048576");
    }
}

//! Version 2: one tree for all controllers.
//!
//! Devices are not limited here: version 2 does that by eBPF programs, which this runtime does not load.

use super::{DeviceRule, Hierarchy, Usage, View, files};
use crate::error::{At, Outcome};
use skiff_cri::v1::LinuxContainerResources;
use skiff_shim::protocol::spec::{CgroupSpec, MountSource, MountSpec};
use std::path::PathBuf;

/// The version 2 hierarchy.
pub struct V2 {
    root: PathBuf,
}

impl V2 {
    /// From its mount point.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    fn directory(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

impl Hierarchy for V2 {
    fn create(&self, path: &str) -> Outcome<()> {
        let available = files::read(&self.root, "cgroup.controllers").unwrap_or_default();
        let enable: Vec<String> = available.split_whitespace().map(|name| format!("+{name}")).collect();
        let mut directory = self.root.clone();
        for component in path.split('/').filter(|component| !component.is_empty()) {
            // A controller that cannot be enabled here limits nothing; the limit itself will say so.
            for controller in &enable {
                let _ = files::write(&directory, "cgroup.subtree_control", controller);
            }
            directory.push(component);
            std::fs::create_dir_all(&directory).at("create cgroup", &directory)?;
        }
        Ok(())
    }

    fn spec(&self, path: &str) -> CgroupSpec {
        let directory = self.directory(path);
        CgroupSpec {
            tasks: Vec::new(),
            members: directory.join("cgroup.procs"),
            oom: Some(directory.join("memory.events")),
            namespace: true,
            into: Some(directory),
        }
    }

    fn limit(&self, path: &str, resources: &LinuxContainerResources) -> Outcome<()> {
        let directory = self.directory(path);
        if let Ok(shares) = u64::try_from(resources.cpu_shares)
            && shares > 0
        {
            files::write(&directory, "cpu.weight", &cpu_weight(shares).to_string())?;
        }
        if resources.cpu_quota != 0 || resources.cpu_period > 0 {
            let quota =
                if resources.cpu_quota > 0 { resources.cpu_quota.to_string() } else { "max".to_owned() };
            let period = if resources.cpu_period > 0 { resources.cpu_period } else { 100_000 };
            files::write(&directory, "cpu.max", &format!("{quota} {period}"))?;
        }
        if resources.memory_limit_in_bytes != 0 {
            let limit = resources.memory_limit_in_bytes;
            files::write(&directory, "memory.max", &bytes_or_max(limit))?;
            // CRI counts memory with swap, version 2 swap alone; unset means none.
            let swap = (resources.memory_swap_limit_in_bytes - limit).max(0);
            files::write_if_present(&directory, "memory.swap.max", &swap.to_string())?;
        }
        if !resources.cpuset_cpus.is_empty() {
            files::write(&directory, "cpuset.cpus", &resources.cpuset_cpus)?;
        }
        if !resources.cpuset_mems.is_empty() {
            files::write(&directory, "cpuset.mems", &resources.cpuset_mems)?;
        }
        for limit in &resources.hugepage_limits {
            let file = format!("hugetlb.{}.max", limit.page_size);
            files::write_if_present(&directory, &file, &limit.limit.to_string())?;
        }
        for (file, value) in &resources.unified {
            // Values come from a pod's kubelet, but a path must not lead out of the group.
            if !file.contains('/') {
                files::write(&directory, file, value)?;
            }
        }
        Ok(())
    }

    fn limit_devices(&self, _path: &str, _rules: &[DeviceRule]) -> Outcome<()> {
        Ok(())
    }

    fn mounts(&self, _path: &str, view: View) -> Vec<MountSpec> {
        let mut flags = vec!["nosuid", "noexec", "nodev", "relatime"];
        if view == View::ReadOnly {
            flags.push("ro");
        }
        vec![MountSpec {
            target: "/sys/fs/cgroup".to_owned(),
            what: MountSource::Filesystem {
                kind: "cgroup2".to_owned(),
                data: String::new(),
                flags: flags.into_iter().map(str::to_owned).collect(),
            },
        }]
    }

    fn usage(&self, path: &str) -> Usage {
        let directory = self.directory(path);
        let cpu = files::read(&directory, "cpu.stat").unwrap_or_default();
        let memory = files::read(&directory, "memory.stat").unwrap_or_default();
        let memory_bytes = files::number(&directory, "memory.current");
        let inactive = files::field(&memory, "inactive_file").unwrap_or(0);
        Usage {
            cpu_nanoseconds: files::field(&cpu, "usage_usec").map(|microseconds| microseconds * 1000),
            memory_bytes,
            working_set_bytes: memory_bytes.map(|bytes| bytes.saturating_sub(inactive)),
            rss_bytes: files::field(&memory, "anon"),
            page_faults: files::field(&memory, "pgfault"),
            major_page_faults: files::field(&memory, "pgmajfault"),
            memory_limit_bytes: files::number(&directory, "memory.max"),
            swap_bytes: files::number(&directory, "memory.swap.current"),
            processes: files::number(&directory, "pids.current"),
        }
    }

    fn directories(&self, path: &str) -> Vec<PathBuf> {
        vec![self.directory(path)]
    }
}

fn bytes_or_max(bytes: i64) -> String {
    if bytes < 0 { "max".to_owned() } else { bytes.to_string() }
}

/// The weight for version 1 shares, by the curve that the OCI runtimes agreed on: 2 -> 1, 1024 -> 100, 262144 -> 10000.
fn cpu_weight(shares: u64) -> u64 {
    match shares {
        0..=2 => 1,
        262_144.. => 10_000,
        _ => {
            let exponent = (shares as f64).log2();
            let power = (exponent * exponent + 125.0 * exponent) / 612.0 - 7.0 / 34.0;
            (10f64.powf(power)).ceil() as u64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fake(files: &[(&str, &str)]) -> (tempfile::TempDir, V2) {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let v2 = V2::new(root.path().to_owned());
        (root, v2)
    }

    #[test]
    fn shares_become_weights_along_the_agreed_curve() {
        assert_eq!([2, 1024, 262_144].map(cpu_weight), [1, 100, 10_000]);
        assert!(cpu_weight(102) > 10 && cpu_weight(102) < 30);
    }

    #[test]
    fn limits_are_written_in_the_words_of_version_2() {
        let names = ["cpu.weight", "cpu.max", "memory.max", "memory.swap.max", "memory.oom.group"];
        let paths: Vec<String> = names.iter().map(|name| format!("c/{name}")).collect();
        let (root, v2) = fake(&paths.iter().map(|path| (path.as_str(), "")).collect::<Vec<_>>());
        let resources = LinuxContainerResources {
            cpu_shares: 1024,
            cpu_quota: -1,
            memory_limit_in_bytes: 4096,
            unified: [("memory.oom.group".to_owned(), "1".to_owned())].into(),
            ..Default::default()
        };
        v2.limit("/c", &resources).unwrap();
        let values = names.map(|name| std::fs::read_to_string(root.path().join("c").join(name)).unwrap());
        assert_eq!(values, ["100", "max 100000", "4096", "0", "1"]);
    }

    #[test]
    fn controllers_are_enabled_on_the_way_down() {
        let (root, v2) = fake(&[
            ("cgroup.controllers", "cpu memory\n"),
            ("cgroup.subtree_control", ""),
            ("a/cgroup.subtree_control", ""),
        ]);
        v2.create("/a/b").unwrap();
        assert!(root.path().join("a/b").is_dir());
        // A real file accumulates, this one holds what was written last on top.
        assert!(
            std::fs::read_to_string(root.path().join("a/cgroup.subtree_control"))
                .unwrap()
                .contains("+memory")
        );
    }

    #[test]
    fn usage_is_read_from_the_one_tree() {
        let (_root, v2) = fake(&[
            ("c/cpu.stat", "usage_usec 5\nuser_usec 1\n"),
            ("c/memory.current", "100\n"),
            ("c/memory.stat", "anon 40\ninactive_file 30\n"),
            ("c/memory.max", "max\n"),
        ]);
        let usage = v2.usage("/c");
        assert_eq!(usage.cpu_nanoseconds, Some(5000));
        assert_eq!(usage.working_set_bytes, Some(70));
        assert_eq!(usage.memory_limit_bytes, None);
    }
}

//! cgroup v1: one hierarchy per controller, as far as they are mounted.

use super::{Hierarchy, Values, set};
use crate::pod::resources::CPU_PERIOD;
use std::io;
use std::path::PathBuf;

/// The mounted v1 hierarchies.
pub(super) struct Legacy {
    mounts: Vec<Mount>,
}

struct Mount {
    dir: PathBuf,
    controllers: Vec<String>,
}

impl Legacy {
    pub(super) fn mounted() -> Self {
        Self { mounts: parse(&std::fs::read_to_string("/proc/self/mounts").unwrap_or_default()) }
    }
}

fn parse(table: &str) -> Vec<Mount> {
    let cgroup = |line: &str| {
        let mut fields = line.split(' ').skip(1);
        let (dir, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        let controllers = options.split(',').map(str::to_owned).collect();
        matches!(kind, "cgroup" | "cgroup2").then(|| Mount { dir: PathBuf::from(dir), controllers })
    };
    table.lines().filter_map(cgroup).collect()
}

impl Hierarchy for Legacy {
    fn make(&self, path: &str, values: Values) -> io::Result<()> {
        for mount in &self.mounts {
            let has = |name: &str| mount.controllers.iter().any(|controller| controller == name);
            let dir = mount.dir.join(path.trim_start_matches('/'));
            if !(has("cpu") || has("memory") || has("pids")) {
                continue;
            }
            std::fs::create_dir_all(&dir)?;
            if has("cpu") {
                values.shares.iter().for_each(|shares| set(&dir, "cpu.shares", shares));
                if let Some(quota) = values.quota {
                    set(&dir, "cpu.cfs_period_us", CPU_PERIOD);
                    set(&dir, "cpu.cfs_quota_us", quota);
                }
            }
            if has("memory") {
                // Without it a pod's limit would not count its containers; already set below a root that has it.
                set(&dir, "memory.use_hierarchy", 1);
                values.memory.iter().for_each(|limit| set(&dir, "memory.limit_in_bytes", limit));
            }
            if has("pids") {
                values.pids.iter().for_each(|limit| set(&dir, "pids.max", limit));
            }
        }
        Ok(())
    }

    fn directories(&self, path: &str) -> Vec<PathBuf> {
        self.mounts.iter().map(|mount| mount.dir.join(path.trim_start_matches('/'))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_are_found() {
        let table =
            "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,nosuid,cpu,cpuacct 0 0\n";
        let mounts = parse(table);
        assert_eq!(mounts.len(), 1);
        assert!(mounts[0].controllers.contains(&"cpuacct".to_owned()));
    }
}

//! cgroup v2: one hierarchy; a controller works in a group once its parent hands it down.

use super::{Hierarchy, Values, set};
use crate::pod::resources::CPU_PERIOD;
use std::io;
use std::path::{Path, PathBuf};

const CONTROLLERS: &[&str] = &["cpu", "cpuset", "memory", "pids", "io", "hugetlb"];

/// The unified hierarchy.
pub(super) struct Unified {
    root: PathBuf,
}

impl Default for Unified {
    fn default() -> Self {
        Self { root: PathBuf::from("/sys/fs/cgroup") }
    }
}

/// Shares of 2..262144 as a weight of 1..10000.
fn weight(shares: i64) -> i64 {
    1 + (shares - 2) * 9999 / 262_142
}

impl Hierarchy for Unified {
    fn make(&self, path: &str, values: Values) -> io::Result<()> {
        let mut dir = self.root.clone();
        for part in Path::new(path.trim_start_matches('/')) {
            for controller in CONTROLLERS {
                set(&dir, "cgroup.subtree_control", format_args!("+{controller}"));
            }
            dir.push(part);
            match std::fs::create_dir(&dir) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        values.shares.iter().for_each(|shares| set(&dir, "cpu.weight", weight(*shares)));
        values.quota.iter().for_each(|quota| set(&dir, "cpu.max", format_args!("{quota} {CPU_PERIOD}")));
        values.memory.iter().for_each(|limit| set(&dir, "memory.max", limit));
        values.pids.iter().for_each(|limit| set(&dir, "pids.max", limit));
        Ok(())
    }

    fn directories(&self, path: &str) -> Vec<PathBuf> {
        vec![self.root.join(path.trim_start_matches('/'))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_weights() {
        assert_eq!([2, 1024, 262_144].map(weight), [1, 39, 10_000]);
    }
}

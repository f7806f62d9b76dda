//! Removes all pods of a data directory, whether a server or their shims live or not. Images stay.
//!
//! Everything a pod has is below one of its cgroups or in its folders: processes are killed by cgroup, namespaces and mounts go with them.

use crate::cgroup::{self, Hierarchy};
use crate::container::{Container, ContainerRecord};
use crate::error::{At, Outcome, RuntimeError};
use crate::layout::Layout;
use crate::sandbox::{Sandbox, SandboxRecord};
use rustix::process::{Pid, Signal};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// A killed process that is not gone after so long hangs in the kernel.
const PATIENCE: Duration = Duration::from_secs(20);

/// Kills all pods of a data directory and removes their processes, namespaces, cgroups and folders. Blocks until that is done.
pub fn cleanup(data_dir: &Path) -> Result<(), RuntimeError> {
    if !Layout::of(data_dir).exists() {
        return Ok(());
    }
    let layout = Layout::open(data_dir)?;
    let cgroups = cgroup::detect()?;
    let containers: Vec<ContainerRecord> = records(&layout.containers(), Container::load)?;
    let sandboxes: Vec<SandboxRecord> = records(&layout.sandboxes(), Sandbox::load)?;
    // Shims first: what dies after them is not reported, restarted or written down any more.
    let own = sandboxes.iter().map(|sandbox| &sandbox.cgroup);
    let groups: Vec<&String> = own.chain(containers.iter().map(|container| &container.cgroup)).collect();
    for group in &groups {
        kill(&*cgroups, group);
    }
    for group in groups {
        clear(&*cgroups, group)?;
    }
    for sandbox in &sandboxes {
        // The kubelet makes a pod's cgroup; it goes if nothing else is in it.
        cgroups.remove(&sandbox.cgroup_parent);
    }
    remove_parents(&*cgroups, &layout);
    for folder in [layout.containers(), layout.sandboxes(), layout.seccomp(), layout.programs()] {
        empty(&folder)?;
    }
    Ok(())
}

fn records<T>(folder: &Path, load: impl Fn(&Path) -> Outcome<Option<T>>) -> Outcome<Vec<T>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).at("list", folder)? {
        let path = entry.at("list", folder)?.path();
        match load(&path) {
            Ok(record) => found.extend(record),
            // What is damaged is removed with the rest.
            Err(error) => tracing::warn!(path = %path.display(), %error, "skipping a damaged record"),
        }
    }
    Ok(found)
}

fn kill(cgroups: &dyn Hierarchy, group: &str) {
    for pid in cgroups.processes(group).into_iter().filter_map(Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = rustix::process::kill_process(pid, Signal::KILL);
    }
}

fn clear(cgroups: &dyn Hierarchy, group: &str) -> Outcome<()> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    while !cgroups.remove(group) {
        if start.elapsed() > PATIENCE {
            return Err(RuntimeError::Internal(format!("processes in cgroup {group} cannot be killed")));
        }
        kill(cgroups, group);
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
    Ok(())
}

/// Removes the groups above pods, as far up as they are empty, with groups of pods that are gone already.
fn remove_parents(cgroups: &dyn Hierarchy, layout: &Layout) {
    let text = std::fs::read_to_string(layout.cgroup_parents()).unwrap_or_default();
    for parent in text.lines() {
        for pod in pods_below(cgroups, parent) {
            cgroups.remove(&pod);
        }
    }
    let mut paths: Vec<&str> = text.lines().flat_map(ancestors).collect();
    // Children before parents.
    paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
    paths.dedup();
    for path in paths {
        cgroups.remove(path);
    }
}

/// Groups of pods, by the kubelet's naming.
fn pods_below(cgroups: &dyn Hierarchy, parent: &str) -> BTreeSet<String> {
    let entries =
        cgroups.directories(parent).into_iter().filter_map(|directory| std::fs::read_dir(directory).ok());
    let names = entries.flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name.starts_with("pod")).map(|name| format!("{parent}/{name}")).collect()
}

fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(above, _)| above))
        .filter(|path| !path.is_empty())
}

fn empty(folder: &Path) -> Outcome<()> {
    for entry in std::fs::read_dir(folder).at("list", folder)? {
        let path = entry.at("list", folder)?.path();
        let removed =
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.at("remove", &path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_end_below_the_root() {
        assert_eq!(ancestors("/a/b").collect::<Vec<_>>(), ["/a/b", "/a"]);
    }
}

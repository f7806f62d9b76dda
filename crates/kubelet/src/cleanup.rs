//! Removes what a kubelet left on a machine when its data directory is given up: mounts, cgroups, directories, links.
//!
//! For `skiff cleanup`, after the runtime has removed the pods themselves. Everything is found from the settings alone.

use crate::cgroups::Cgroups;
use crate::config::KubeletConfig;
use crate::volumes::tmpfs;
use std::io;
use std::path::Path;

/// Removes everything that belongs to these settings.
///
/// # Errors
/// If something is still in use.
pub fn cleanup(config: &KubeletConfig) -> io::Result<()> {
    tmpfs::unmount_below(&config.root_dir)?;
    let pods = config.root_dir.join("pods");
    let cgroups = Cgroups::open(&config.cgroup_root, None);
    for entry in std::fs::read_dir(&pods).into_iter().flatten().flatten() {
        if let Some(uid) = entry.file_name().to_str() {
            cgroups.remove_pod(uid)?;
        }
    }
    cgroups.remove_if_empty();
    if let Some(links) = &config.container_logs_dir {
        unlink_into(links, &config.pod_logs_dir);
    }
    remove(&pods)
}

/// Removes the links of a directory that lead below another.
fn unlink_into(links: &Path, target: &Path) {
    for entry in std::fs::read_dir(links).into_iter().flatten().flatten() {
        if std::fs::read_link(entry.path()).is_ok_and(|to| to.starts_with(target)) {
            // Someone else may have removed it meanwhile.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn remove(dir: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

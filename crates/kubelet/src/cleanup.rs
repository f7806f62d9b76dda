//! Removes what a kubelet left on a machine when its data directory is given up: mounts, cgroups, directories, logs, links.
//!
//! For `skiff cleanup`, after the runtime has removed the pods themselves. A kubelet notes at its start, in its directory,
//! where outside of it things are made; so everything is found from the directory alone.

use crate::cgroups::Cgroups;
use crate::config::KubeletConfig;
use crate::volumes::tmpfs;
use skiff_apimachinery::{Document, doc, json};
use std::io;
use std::path::{Path, PathBuf};

const NOTE: &str = "places.json";
const VERSION: i64 = 1;

/// Places outside of the kubelet's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Places {
    cgroup_root: String,
    pod_logs: PathBuf,
    links: Option<PathBuf>,
}

impl Places {
    fn of(config: &KubeletConfig) -> Self {
        Self {
            cgroup_root: config.cgroup_root.clone(),
            pod_logs: config.pod_logs_dir.clone(),
            links: config.container_logs_dir.clone(),
        }
    }

    /// What was noted in a directory; `None` if nothing was.
    fn noted(root_dir: &Path) -> Option<Self> {
        let note = json::decode(&std::fs::read(root_dir.join(NOTE)).ok()?).ok()?;
        (note.i64_at(&["version"]) == Some(VERSION)).then(|| Self {
            cgroup_root: note.str_at(&["cgroupRoot"]).to_owned(),
            pod_logs: note.str_at(&["podLogs"]).into(),
            links: note.get("containerLogs").and_then(Document::as_str).map(PathBuf::from),
        })
    }
}

/// Notes where these settings make things outside of the kubelet's directory.
///
/// # Errors
/// If the note cannot be written.
pub(crate) fn note(config: &KubeletConfig) -> io::Result<()> {
    let places = Places::of(config);
    let note = doc!({
        "version": VERSION,
        "cgroupRoot": places.cgroup_root,
        "podLogs": places.pod_logs.to_string_lossy(),
        "containerLogs": places.links.as_ref().map(|dir| dir.to_string_lossy().into_owned())
    });
    let temporary = config.root_dir.join(format!("{NOTE}.new"));
    std::fs::write(&temporary, json::encode(&note))?;
    std::fs::rename(temporary, config.root_dir.join(NOTE))
}

/// Removes everything that belongs to the directory of these settings; its other places count if it has no note.
///
/// # Errors
/// If something is still in use.
pub fn cleanup(config: &KubeletConfig) -> io::Result<()> {
    let places = Places::noted(&config.root_dir).unwrap_or_else(|| Places::of(config));
    tmpfs::unmount_below(&config.root_dir)?;
    let pods = config.root_dir.join("pods");
    let cgroups = Cgroups::open(&places.cgroup_root, None);
    for uid in names(&pods) {
        cgroups.remove_pod(&uid)?;
        // `<namespace>_<name>_<uid>`; neither holds an underscore.
        let suffix = format!("_{uid}");
        for logs in names(&places.pod_logs).into_iter().filter(|name| name.ends_with(&suffix)) {
            remove(&places.pod_logs.join(logs))?;
        }
    }
    cgroups.remove_if_empty();
    if let Some(links) = &places.links {
        unlink_dangling(links, &places.pod_logs);
    }
    remove(&pods)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Removes the links of a directory that lead to nothing below another.
fn unlink_dangling(links: &Path, target: &Path) {
    for entry in std::fs::read_dir(links).into_iter().flatten().flatten() {
        let leads_there = std::fs::read_link(entry.path()).is_ok_and(|to| to.starts_with(target));
        if leads_there && !entry.path().exists() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_from_the_note() {
        let dir = tempfile::tempdir().unwrap();
        let config = KubeletConfig {
            root_dir: dir.path().to_path_buf(),
            cgroup_root: "/x".into(),
            pod_logs_dir: dir.path().join("logs"),
            container_logs_dir: None,
            ..KubeletConfig::default()
        };
        note(&config).unwrap();
        assert_eq!(Places::noted(dir.path()), Some(Places::of(&config)));
        std::fs::create_dir_all(dir.path().join("pods/u1")).unwrap();
        std::fs::create_dir_all(dir.path().join("logs/default_web_u1/main")).unwrap();
        std::fs::create_dir_all(dir.path().join("logs/default_web_u2")).unwrap();
        cleanup(&KubeletConfig { root_dir: dir.path().to_path_buf(), ..KubeletConfig::default() }).unwrap();
        assert_eq!(names(&dir.path().join("logs")), ["default_web_u2"]);
        assert!(!dir.path().join("pods").exists());
    }
}

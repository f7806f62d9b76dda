//! A container's mounts: its volume mounts, the hosts file, the termination message.
//!
//! Where a mount has a sub-path, the path is checked here and opened safely by `volumes::subpath` before.

use super::{PodView, expansion};
use crate::pod::environment::Environment;
use k8s_openapi::api::core::v1::{Container, VolumeMount};
use skiff_cri::v1::{Mount, MountPropagation};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// A volume that is set up: where it is on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountedVolume {
    /// Directory or file of the host.
    pub host_path: PathBuf,
    /// Whether the volume's type allows reading only.
    pub read_only: bool,
}

/// A sub-path that must be there before the container is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubPath {
    /// The volume's root.
    pub root: PathBuf,
    /// Path below it, without `..`.
    pub path: PathBuf,
    /// Which of the container's volume mounts asks.
    pub index: usize,
}

/// Files of the kubelet that a container gets.
#[derive(Debug, Clone, Default)]
pub struct ManagedFiles {
    /// The hosts file; `None` where a container mounts its own.
    pub hosts: Option<PathBuf>,
    /// The termination message.
    pub termination_message: Option<PathBuf>,
}

/// The sub-paths that a container's mounts use.
///
/// # Errors
/// Upstream's text if a sub-path is absolute, leaves the volume, or refers to an unset variable.
pub fn sub_paths(
    container: &Container,
    volumes: &BTreeMap<String, MountedVolume>,
    environment: &Environment,
) -> Result<Vec<SubPath>, String> {
    let mut out = Vec::new();
    for (index, mount) in container.volume_mounts.iter().flatten().enumerate() {
        let Some(text) = sub_path_text(mount, environment)? else { continue };
        let path = PathBuf::from(&text);
        if path.is_absolute() {
            return Err(format!("error SubPath `{text}` must not be an absolute path"));
        }
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(format!("unable to provision SubPath `{text}`: must not contain '..'"));
        }
        if let Some(volume) = volumes.get(&mount.name) {
            out.push(SubPath { root: volume.host_path.clone(), path, index });
        }
    }
    Ok(out)
}

fn sub_path_text(mount: &VolumeMount, environment: &Environment) -> Result<Option<String>, String> {
    if let Some(expression) = mount.sub_path_expr.as_deref().filter(|text| !text.is_empty()) {
        let missing = std::cell::Cell::new(false);
        let text = expansion::expand(expression, |name| {
            let value = environment.get(name).map(str::to_owned);
            missing.set(missing.get() || value.is_none());
            value
        });
        return if missing.get() { Err("missing value for subPathExpr".to_owned()) } else { Ok(Some(text)) };
    }
    Ok(mount.sub_path.clone().filter(|text| !text.is_empty()))
}

/// The mounts of a container. `resolved` holds the host paths of mounts with a sub-path, by their index.
///
/// # Errors
/// Upstream's text if a mount names a volume that is not set up.
pub fn mounts(
    pod: &PodView,
    container: &Container,
    volumes: &BTreeMap<String, MountedVolume>,
    resolved: &BTreeMap<usize, PathBuf>,
    files: &ManagedFiles,
) -> Result<Vec<Mount>, String> {
    let mut out = Vec::new();
    for (index, mount) in container.volume_mounts.iter().flatten().enumerate() {
        let volume = volumes.get(&mount.name).ok_or_else(|| {
            format!("cannot find volume {:?} to mount into container {:?}", mount.name, container.name)
        })?;
        let host_path = resolved.get(&index).unwrap_or(&volume.host_path);
        let readonly = mount.read_only == Some(true) || volume.read_only;
        out.push(Mount {
            container_path: absolute(&mount.mount_path),
            host_path: host_path.to_string_lossy().into_owned(),
            readonly,
            propagation: propagation(mount.mount_propagation.as_deref()).into(),
            recursive_read_only: readonly
                && matches!(mount.recursive_read_only.as_deref(), Some("Enabled" | "IfPossible")),
            ..Mount::default()
        });
    }
    if let Some(hosts) = files.hosts.as_ref().filter(|_| !mounts_path(container, "/etc/hosts")) {
        let readonly =
            container.security_context.as_ref().is_some_and(|c| c.read_only_root_filesystem == Some(true));
        out.push(bind(hosts, "/etc/hosts", readonly));
    }
    let message_path = container.termination_message_path.as_deref().unwrap_or("/dev/termination-log");
    if let Some(file) = files.termination_message.as_ref().filter(|_| !message_path.is_empty()) {
        out.push(bind(file, message_path, false));
    }
    debug_assert!(out.iter().all(|m| m.container_path.starts_with('/')), "{}", pod.full_name());
    Ok(out)
}

/// Whether a container mounts a volume at this path.
pub fn mounts_path(container: &Container, path: &str) -> bool {
    container.volume_mounts.iter().flatten().any(|mount| mount.mount_path == path)
}

fn bind(host: &Path, container: &str, readonly: bool) -> Mount {
    Mount {
        container_path: container.to_owned(),
        host_path: host.to_string_lossy().into_owned(),
        readonly,
        ..Mount::default()
    }
}

fn absolute(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

fn propagation(mode: Option<&str>) -> MountPropagation {
    match mode {
        Some("HostToContainer") => MountPropagation::PropagationHostToContainer,
        Some("Bidirectional") => MountPropagation::PropagationBidirectional,
        _ => MountPropagation::PropagationPrivate,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::pod;
    use super::*;
    use skiff_apimachinery::{Document, doc};

    fn paths(mount: Document) -> Result<Vec<SubPath>, String> {
        let pod = pod(doc!({"containers": [{"name": "a", "volumeMounts": [mount]}]}), doc!({}));
        let volume = MountedVolume { host_path: "/v".into(), read_only: false };
        let mut environment = Environment::default();
        environment.set("NAME", "x");
        sub_paths(&pod.spec().containers[0], &BTreeMap::from([("v".to_owned(), volume)]), &environment)
    }

    #[test]
    fn sub_paths_stay_inside_their_volume() {
        let mount = |key: &str, text: &str| doc!({"name": "v", "mountPath": "/m", (key): text});
        let ok = paths(mount("subPathExpr", "logs/$(NAME)")).unwrap();
        assert_eq!(ok[0].path, PathBuf::from("logs/x"));
        assert!(paths(mount("subPath", "a/../../b")).unwrap_err().contains("must not contain '..'"));
        assert!(paths(mount("subPath", "/etc")).unwrap_err().contains("must not be an absolute path"));
        assert_eq!(paths(mount("subPathExpr", "$(NONE)")).unwrap_err(), "missing value for subPathExpr");
    }
}

//! Volumes: what a pod's containers find under their mount paths.
//!
//! One file per type. To add one: write `volumes/<type>.rs` with a struct that implements [`Volume`] and a
//! `from(&k8s Volume) -> Option<Box<dyn Volume>>`, and name it in [`TYPES`].
//!
//! What always holds:
//! - [`Volume::set_up`] is idempotent: it is called again to refresh content and after a restart;
//! - everything that a volume puts on the host lies below the pod's directory,
//!   `pods/<uid>/volumes/kubernetes.io~<type>/<name>`, and is gone after [`tear_down`].

pub mod atomic_writer;
pub mod config_map;
pub mod content;
pub mod downward_api;
pub mod empty_dir;
pub mod host_path;
pub mod ownership;
pub mod projected;
pub mod secret;
pub mod subpath;
pub mod tmpfs;

use crate::objects::{PodObjects, Reference};
use crate::pod::PodView;
use crate::pod::field_ref::Allocatable;
use crate::pod::mounts::MountedVolume;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Volume as Spec;
use skiff_client::Client;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Why a volume cannot be set up; the text follows `MountVolume.SetUp failed for volume "x" : `.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct VolumeError(pub String);

impl From<io::Error> for VolumeError {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<String> for VolumeError {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Where and for whom a volume is set up.
pub struct Place<'a> {
    /// The pod.
    pub pod: &'a PodView,
    /// The volume's directory.
    pub dir: PathBuf,
    /// Objects of the pod's namespace.
    pub objects: &'a PodObjects,
    /// The API, for tokens.
    pub client: &'a Client,
    /// Tokens that are in use.
    pub tokens: &'a projected::TokenCache,
    /// What the node can give.
    pub allocatable: Allocatable,
    /// Now.
    pub now: Timestamp,
}

/// A volume that is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetUp {
    /// What containers mount.
    pub mounted: MountedVolume,
    /// When its content must be refreshed, if time alone makes it stale.
    pub refresh_at: Option<Timestamp>,
}

/// A type of volume.
pub trait Volume: Send + Sync {
    /// Name of its directory: `kubernetes.io~<type>`.
    fn plugin(&self) -> &'static str;
    /// Makes the volume, or brings its content up to date.
    fn set_up<'a>(&'a self, place: &'a Place<'a>) -> BoxFuture<'a, Result<SetUp, VolumeError>>;
    /// Objects whose changes show in the volume.
    fn references(&self) -> Vec<Reference> {
        Vec::new()
    }
}

type Maker = fn(&Spec) -> Option<Box<dyn Volume>>;

/// The types that this kubelet knows.
const TYPES: &[Maker] =
    &[config_map::from, secret::from, projected::from, downward_api::from, empty_dir::from, host_path::from];

/// The volume that a spec asks for; `None` if no type takes it.
pub fn of(spec: &Spec) -> Option<Box<dyn Volume>> {
    TYPES.iter().find_map(|make| make(spec))
}

/// A pod's volumes that are set up, by name, and when the first of them must be refreshed.
#[derive(Debug, Clone, Default)]
pub struct PodVolumes {
    /// What containers mount.
    pub mounted: BTreeMap<String, MountedVolume>,
    /// When the first of them must be refreshed.
    pub refresh_at: Option<Timestamp>,
}

/// Names of a pod's volume and why it failed.
#[derive(Debug)]
pub struct SetUpFailure {
    /// Name of the volume.
    pub volume: String,
    /// Why.
    pub error: VolumeError,
}

/// The directory below a pod's that holds its volumes.
pub fn volumes_dir(pod_dir: &Path) -> PathBuf {
    pod_dir.join("volumes")
}

/// Sets up all volumes of a pod. `make_place` gives each its directory.
///
/// # Errors
/// The first volume that fails; those before it stay set up.
pub async fn set_up<'a>(
    pod: &'a PodView,
    pod_dir: &Path,
    make_place: impl Fn(PathBuf) -> Place<'a>,
) -> Result<PodVolumes, SetUpFailure> {
    let mut out = PodVolumes::default();
    for spec in pod.spec().volumes.iter().flatten() {
        let failed = |error| SetUpFailure { volume: spec.name.clone(), error };
        let volume = of(spec).ok_or_else(|| failed(VolumeError("no volume plugin matched".into())))?;
        let place = make_place(volumes_dir(pod_dir).join(volume.plugin()).join(&spec.name));
        let set_up = volume.set_up(&place).await.map_err(failed)?;
        out.refresh_at = match (out.refresh_at, set_up.refresh_at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        out.mounted.insert(spec.name.clone(), set_up.mounted);
    }
    Ok(out)
}

/// The objects whose changes show in a pod's volumes.
pub fn references(pod: &PodView) -> Vec<Reference> {
    let specs = pod.spec().volumes.iter().flatten();
    let mut out: Vec<Reference> = specs.filter_map(of).flat_map(|volume| volume.references()).collect();
    out.sort();
    out.dedup();
    out
}

/// Unmounts and removes everything below a pod's directory of volumes, and of their sub-paths.
///
/// # Errors
/// If something cannot be unmounted or removed.
pub fn tear_down(pod_dir: &Path) -> io::Result<()> {
    tmpfs::unmount_below(pod_dir)?;
    for name in ["volumes", "volume-subpaths"] {
        match std::fs::remove_dir_all(pod_dir.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

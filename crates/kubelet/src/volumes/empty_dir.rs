//! `emptyDir`: an empty directory that lives as long as the pod, on disk or in memory.

use super::{Place, SetUp, Volume, VolumeError, ownership, tmpfs};
use crate::pod::amount::units;
use crate::pod::mounts::MountedVolume;
use crate::pod::resources;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::{EmptyDirVolumeSource, Volume as Spec};
use std::os::unix::fs::PermissionsExt;

struct EmptyDir(EmptyDirVolumeSource);

/// The volume, if the spec is of this type. A volume without any source is one too, as upstream has it.
pub fn from(spec: &Spec) -> Option<Box<dyn Volume>> {
    Some(Box::new(EmptyDir(spec.empty_dir.clone()?)))
}

impl EmptyDir {
    /// Size of a volume in memory: its limit, the pod's memory limit, or what the node can give.
    fn size(&self, place: &Place<'_>) -> Option<u64> {
        let own = self.0.size_limit.as_ref().and_then(units).filter(|size| *size > 0);
        let pod = resources::pod_amounts(place.pod).memory_limit.filter(|size| *size > 0);
        let node = Some(place.allocatable.memory).filter(|size| *size > 0);
        let size = [own, pod, node].into_iter().flatten().min()?;
        u64::try_from(size).ok()
    }
}

impl Volume for EmptyDir {
    fn plugin(&self) -> &'static str {
        "kubernetes.io~empty-dir"
    }

    fn set_up<'a>(&'a self, place: &'a Place<'a>) -> BoxFuture<'a, Result<SetUp, VolumeError>> {
        Box::pin(async move {
            let memory = match self.0.medium.as_deref().unwrap_or("") {
                "" => None,
                "Memory" => Some(self.size(place)),
                medium => return Err(VolumeError(format!("unknown storage medium {medium:?}"))),
            };
            let dir = place.dir.clone();
            let group = place.pod.spec().security_context.as_ref().and_then(|c| c.fs_group);
            let made = tokio::task::spawn_blocking(move || {
                let fresh = !dir.exists();
                std::fs::create_dir_all(&dir)?;
                if let Some(size) = memory {
                    tmpfs::ensure(&dir, size)?;
                }
                if fresh {
                    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o777))?;
                    ownership::apply(&dir, group, ownership::Access::ReadWrite)?;
                }
                Ok::<_, std::io::Error>(dir)
            });
            let dir = made.await.map_err(|error| VolumeError(error.to_string()))??;
            Ok(SetUp { mounted: MountedVolume { host_path: dir, read_only: false }, refresh_at: None })
        })
    }
}

//! The files of volumes that show API objects: which keys at which paths, with which modes.

use super::atomic_writer::{File, Payload};
use super::{Place, SetUp, VolumeError, atomic_writer, ownership, tmpfs};
use crate::objects::{ObjectKind, Reference};
use crate::pod::mounts::MountedVolume;
use base64::Engine as _;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::KeyToPath;
use skiff_apimachinery::Document;

/// Mode of files where the spec gives none.
pub const DEFAULT_MODE: i32 = 0o644;

/// Part of a ConfigMap or Secret that a volume shows.
#[derive(Debug, Clone)]
pub struct ObjectFiles {
    /// The object.
    pub reference: Reference,
    /// Keys and their paths; all keys under their own names if absent.
    pub items: Option<Vec<KeyToPath>>,
    /// Mode of files whose item gives none.
    pub default_mode: i32,
    /// Whether object and keys may be missing.
    pub optional: bool,
}

/// Where content lives: on disk or only in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// The disk of the pod's directory.
    Disk,
    /// A tmpfs.
    Memory,
}

impl ObjectFiles {
    /// Adds the object's files to a payload.
    ///
    /// # Errors
    /// Upstream's text if the object or a key is missing and is not optional.
    pub async fn collect(&self, place: &Place<'_>, payload: &mut Payload) -> Result<(), VolumeError> {
        let Reference { kind, name } = &self.reference;
        let Some(object) = place.objects.get(&self.reference).await? else {
            return if self.optional {
                Ok(())
            } else {
                Err(VolumeError(format!("{} {name:?} not found", kind.as_str())))
            };
        };
        match &self.items {
            None => {
                let data = object.object_at(&["data"]).into_iter().flat_map(|map| map.keys());
                let binary = object.object_at(&["binaryData"]).into_iter().flat_map(|map| map.keys());
                for key in data.chain(binary) {
                    if let Some(bytes) = value(&object, *kind, key) {
                        payload.insert(key.into(), File { bytes, mode: self.default_mode, owner: None });
                    }
                }
            }
            Some(items) => {
                for item in items {
                    match value(&object, *kind, &item.key) {
                        Some(bytes) => {
                            let mode = item.mode.unwrap_or(self.default_mode);
                            payload.insert(item.path.clone().into(), File { bytes, mode, owner: None });
                        }
                        None if self.optional => {}
                        None => {
                            let what = if *kind == ObjectKind::Secret { "secret" } else { "config" };
                            return Err(VolumeError(format!(
                                "references non-existent {what} key: {}",
                                item.key
                            )));
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// The bytes of a key.
fn value(object: &Document, kind: ObjectKind, key: &str) -> Option<Vec<u8>> {
    let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).ok();
    let data = object.at(&["data", key]).and_then(Document::as_str);
    match kind {
        ObjectKind::Secret => data.and_then(decode),
        ObjectKind::ConfigMap => data
            .map(|text| text.as_bytes().to_vec())
            .or_else(|| object.at(&["binaryData", key]).and_then(Document::as_str).and_then(decode)),
    }
}

/// Writes a payload as the content of a volume's directory.
///
/// # Errors
/// If the files cannot be written.
pub async fn write(
    place: &Place<'_>,
    medium: Medium,
    payload: Payload,
    refresh_at: Option<Timestamp>,
) -> Result<SetUp, VolumeError> {
    let dir = place.dir.clone();
    let group = place.pod.spec().security_context.as_ref().and_then(|c| c.fs_group);
    let now = place.now;
    let written = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&dir)?;
        if medium == Medium::Memory {
            tmpfs::ensure(&dir, None)?;
        }
        if atomic_writer::write(&dir, &payload, now)? {
            ownership::apply(&dir, group, ownership::Access::ReadOnly)?;
        }
        Ok::<_, std::io::Error>(dir)
    });
    let dir = written.await.map_err(|error| VolumeError(error.to_string()))??;
    Ok(SetUp { mounted: MountedVolume { host_path: dir, read_only: true }, refresh_at })
}

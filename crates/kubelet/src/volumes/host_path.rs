//! `hostPath`: a path of the node, checked against its type.

use super::{Place, SetUp, Volume, VolumeError};
use crate::pod::mounts::MountedVolume;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::{HostPathVolumeSource, Volume as Spec};
use std::fs::FileType;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

struct HostPath(HostPathVolumeSource);

/// The volume, if the spec is of this type.
pub fn from(spec: &Spec) -> Option<Box<dyn Volume>> {
    Some(Box::new(HostPath(spec.host_path.clone()?)))
}

impl Volume for HostPath {
    fn plugin(&self) -> &'static str {
        "kubernetes.io~host-path"
    }

    fn set_up<'a>(&'a self, _: &'a Place<'a>) -> BoxFuture<'a, Result<SetUp, VolumeError>> {
        Box::pin(async move {
            let host_path = PathBuf::from(&self.0.path);
            check(&host_path, self.0.type_.as_deref().unwrap_or(""))?;
            Ok(SetUp { mounted: MountedVolume { host_path, read_only: false }, refresh_at: None })
        })
    }
}

/// Makes what `...OrCreate` asks for and refuses what is not of the type.
fn check(path: &Path, kind: &str) -> Result<(), VolumeError> {
    let failed = |what: &str| {
        Err(VolumeError(format!("hostPath type check failed: {} is not {what}", path.display())))
    };
    let found = std::fs::metadata(path).map(|meta| meta.file_type());
    let is = |test: fn(&FileType) -> bool| found.as_ref().is_ok_and(test);
    match kind {
        "DirectoryOrCreate" if found.is_err() => {
            std::fs::create_dir_all(path)?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
            Ok(())
        }
        "FileOrCreate" if found.is_err() => {
            std::fs::OpenOptions::new().create(true).append(true).mode(0o644).open(path)?;
            Ok(())
        }
        "Directory" | "DirectoryOrCreate" if !is(FileType::is_dir) => failed("a directory"),
        "File" | "FileOrCreate" if !is(FileType::is_file) => failed("a file"),
        "Socket" if !is(FileTypeExt::is_socket) => failed("a socket file"),
        "CharDevice" if !is(FileTypeExt::is_char_device) => failed("a character device"),
        "BlockDevice" if !is(FileTypeExt::is_block_device) => failed("a block device"),
        // A runtime makes a missing directory when it mounts one.
        "" if found.is_err() => Ok(std::fs::create_dir_all(path)?),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_checked() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        check(&file, "FileOrCreate").unwrap();
        check(&file, "File").unwrap();
        assert!(check(&file, "Directory").unwrap_err().to_string().ends_with("is not a directory"));
        assert!(
            check(&dir.path().join("none"), "Socket")
                .unwrap_err()
                .to_string()
                .ends_with("is not a socket file")
        );
        check(&dir.path().join("a/b"), "DirectoryOrCreate").unwrap();
    }
}

//! Sub-paths of volumes, resolved so that a link inside a volume cannot lead out of it.
//!
//! A container could swap a directory of its volume for a link between check and mount. So the path is opened step by
//! step without following links out of the volume (`openat2` with `RESOLVE_BENEATH`), and what was opened is bind-mounted
//! to a place of the kubelet; the container gets that place.

use crate::pod::mounts::SubPath;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2};
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Opens a sub-path, making its directories if they are missing, and mounts it at `target`.
///
/// # Errors
/// If the path leads out of the volume, or cannot be mounted.
pub fn bind(sub_path: &SubPath, target: &Path) -> io::Result<PathBuf> {
    let root =
        openat(CWD, &sub_path.root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let opened = open_beneath(&root, &sub_path.path)?;
    let source = PathBuf::from(format!("/proc/self/fd/{}", opened.as_raw_fd()));
    if let Some(parent) = target.parent() {
        std::fs::create_dir_all(parent)?;
    }
    // A mount of an earlier container of this name and number is replaced.
    while unmount(target, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW).is_ok() {}
    if source.metadata()?.is_dir() {
        match std::fs::create_dir(target) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    } else {
        std::fs::OpenOptions::new().create(true).append(true).open(target)?;
    }
    mount_bind(&source, target)?;
    Ok(target.to_path_buf())
}

fn open_beneath(root: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let open = |path: &Path| openat2(root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve);
    match open(path) {
        Err(rustix::io::Errno::NOENT) => {}
        Err(rustix::io::Errno::XDEV) => {
            let text = format!("subpath {:?} not within volume path", path.display().to_string());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        other => return Ok(other?),
    }
    let mut at = PathBuf::new();
    for part in path.components() {
        let parent = if at.as_os_str().is_empty() { open(Path::new("."))? } else { open(&at)? };
        match mkdirat(&parent, part.as_os_str(), Mode::from_raw_mode(0o750)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        at.push(part);
    }
    Ok(open(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_out_of_a_volume_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = openat(CWD, dir.path(), OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
        std::os::unix::fs::symlink("/etc", dir.path().join("out")).unwrap();
        assert!(open_beneath(&root, Path::new("out/passwd")).is_err());
        open_beneath(&root, Path::new("new/deep")).unwrap();
        assert!(dir.path().join("new/deep").is_dir());
    }
}

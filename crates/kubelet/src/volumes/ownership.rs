//! `fsGroup`: a volume's files belong to the pod's group.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// What the group may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read.
    ReadOnly,
    /// Read and write.
    ReadWrite,
}

/// Gives everything below a directory to a group; without one, does nothing.
///
/// # Errors
/// If a file cannot be changed.
pub fn apply(dir: &Path, group: Option<i64>, access: Access) -> io::Result<()> {
    let Some(group) = group.and_then(|group| u32::try_from(group).ok()) else { return Ok(()) };
    give(dir, group, access)
}

fn give(path: &Path, group: u32, access: Access) -> io::Result<()> {
    let meta = path.symlink_metadata()?;
    std::os::unix::fs::lchown(path, None, Some(group))?;
    if meta.is_symlink() {
        return Ok(());
    }
    let mask = match access {
        Access::ReadOnly => 0o440,
        Access::ReadWrite => 0o660,
    };
    let mode = meta.mode() | mask | if meta.is_dir() { 0o2110 } else { 0 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o7777))?;
    if meta.is_dir() {
        for entry in std::fs::read_dir(path)? {
            give(&entry?.path(), group, access)?;
        }
    }
    Ok(())
}

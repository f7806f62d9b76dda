//! Volumes in memory, and taking down whatever is mounted below a directory.

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Makes a directory a tmpfs, unless it is a mount already.
///
/// # Errors
/// If it cannot be mounted.
pub fn ensure(dir: &Path, size: Option<u64>) -> io::Result<()> {
    if is_mount(dir)? {
        return Ok(());
    }
    let options = match size {
        Some(size) => format!("mode=0777,size={size}"),
        None => "mode=0777".to_owned(),
    };
    let options = std::ffi::CString::new(options)?;
    mount("tmpfs", dir, "tmpfs", MountFlags::NOATIME, Some(options.as_c_str()))?;
    Ok(())
}

fn is_mount(dir: &Path) -> io::Result<bool> {
    let Some(parent) = dir.parent() else { return Ok(true) };
    Ok(dir.metadata()?.dev() != parent.metadata()?.dev())
}

/// Unmounts everything that is mounted below a directory, the deepest first.
///
/// # Errors
/// If something cannot be unmounted.
pub fn unmount_below(dir: &Path) -> io::Result<()> {
    let dir = match dir.canonicalize() {
        Ok(dir) => dir,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let table = std::fs::read_to_string("/proc/self/mountinfo")?;
    let mut points: Vec<PathBuf> = mount_points(&table).filter(|point| point.starts_with(&dir)).collect();
    points.sort_by_key(|point| std::cmp::Reverse(point.components().count()));
    for point in points {
        match unmount(&point, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
            Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn mount_points(table: &str) -> impl Iterator<Item = PathBuf> {
    table.lines().filter_map(|line| line.split(' ').nth(4)).map(unescaped)
}

/// The kernel writes space, tab, newline and backslash in octal.
fn unescaped(text: &str) -> PathBuf {
    let text =
        text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\");
    PathBuf::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read() {
        let table = "36 35 98:0 / /mnt/a\\040b rw - tmpfs tmpfs rw\n37 36 0:1 / /x rw - proc proc rw\n";
        assert_eq!(mount_points(table).collect::<Vec<_>>(), [PathBuf::from("/mnt/a b"), PathBuf::from("/x")]);
    }
}

//! Device nodes and links below /dev.

use super::mounts;
use crate::fault::{Doing, Outcome};
use rustix::fs::{CWD, FileType, Mode, makedev};
use rustix::io::Errno;
use rustix::mount::OpenTreeFlags;
use rustix::process::{Gid, Uid};
use skiff_shim::protocol::spec::{DeviceKind, DeviceSpec};
use std::path::Path;

/// Links that every container has.
const LINKS: [(&str, &str); 6] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/core", "/proc/kcore"),
    ("/dev/ptmx", "pts/ptmx"),
];

/// Makes nodes and links. What a mount of the user's already put there stays.
pub fn make(devices: &[DeviceSpec]) -> Outcome<()> {
    for device in devices {
        make_node(device)?;
    }
    for (path, target) in LINKS {
        match rustix::fs::symlink(target, path) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno).doing(format_args!("link {path}")),
        }
    }
    Ok(())
}

/// Puts the container's terminal at /dev/console.
pub fn bind_console(terminal: &str) -> Outcome<()> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = rustix::mount::open_tree(CWD, terminal, flags).doing("open the console")?;
    mounts::attach_tree(&tree, "/dev/console")
}

fn make_node(device: &DeviceSpec) -> Outcome<()> {
    let path = Path::new(&device.path);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).doing(format_args!("mkdir {}", folder.display()))?;
    }
    let kind = match device.kind {
        DeviceKind::Character => FileType::CharacterDevice,
        DeviceKind::Block => FileType::BlockDevice,
    };
    let mode = Mode::from_raw_mode(device.mode & 0o7777);
    match rustix::fs::mknodat(CWD, path, kind, mode, makedev(device.major, device.minor)) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(()),
        Err(errno) => return Err(errno).doing(format_args!("mknod {}", device.path)),
    }
    let (owner, group) = (Uid::from_raw(device.uid), Gid::from_raw(device.gid));
    rustix::fs::chown(path, Some(owner), Some(group)).doing(format_args!("chown {}", device.path))
}

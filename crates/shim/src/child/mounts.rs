//! Mounts of a container. What comes from the host is opened before the root changes and attached after, so that no path of the container
//! is ever looked up in the host's tree, nor the other way round.

use crate::fault::{Doing, Fault, Outcome};
use crate::sys::{self, Depth, MountAttributes};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, PROC_SUPER_MAGIC};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MoveMountFlags, OpenTreeFlags};
use skiff_shim::protocol::spec::{Access, MountSource, MountSpec, Propagation};
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::Path;

/// The only files below /proc that may be mounted over: what lxcfs and its like replace.
const REPLACEABLE: [&str; 9] = [
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/slabinfo",
    "/proc/net/dev",
];

/// A mount with its source opened.
pub struct Source<'a> {
    target: &'a str,
    what: What<'a>,
}

enum What<'a> {
    Tree(OwnedFd),
    Filesystem { kind: &'a str, data: &'a str, flags: &'a [String] },
}

/// A mount to make read-only once everything is in place.
pub struct Seal(OwnedFd);

/// Opens what comes from the host.
pub fn open_sources(mounts: &[MountSpec], shared_memory: OwnedFd) -> Outcome<Vec<Source<'_>>> {
    let mut shared_memory = Some(shared_memory);
    mounts
        .iter()
        .map(|mount| {
            let what = match &mount.what {
                MountSource::Bind { source, access, propagation } => {
                    What::Tree(open_bind(source, *access, *propagation)?)
                }
                MountSource::Filesystem { kind, data, flags } => What::Filesystem { kind, data, flags },
                MountSource::SharedMemory => What::Tree(
                    shared_memory.take().ok_or_else(|| Fault::new("/dev/shm can be mounted only once"))?,
                ),
            };
            Ok(Source { target: &mount.target, what })
        })
        .collect()
}

/// Attaches the mounts; the root is the container's by now.
pub fn attach(sources: Vec<Source<'_>>) -> Outcome<Vec<Seal>> {
    let mut seals = Vec::new();
    for source in sources {
        match source.what {
            What::Tree(tree) => attach_tree(&tree, source.target)?,
            What::Filesystem { kind, data, flags } => {
                seals.extend(mount_filesystem(source.target, kind, data, flags)?);
            }
        }
    }
    Ok(seals)
}

/// Makes mounts read-only that had to be written to until now.
pub fn seal(seals: Vec<Seal>) -> Outcome<()> {
    for Seal(tree) in seals {
        sys::set_mount(&tree, readonly(), Depth::Top).doing("make a mount read-only")?;
    }
    Ok(())
}

/// Hides paths: a directory behind an empty read-only one, anything else behind /dev/null.
pub fn mask(paths: &[String]) -> Outcome<()> {
    for path in paths {
        let target = match open_target(path) {
            Ok(target) => target,
            Err(Errno::NOENT | Errno::NOTDIR) => continue,
            Err(errno) => return Err(errno).doing(format_args!("mask {path}")),
        };
        let tree = if is_directory(&target).doing(format_args!("mask {path}"))? {
            let fs = rustix::mount::fsopen("tmpfs", rustix::mount::FsOpenFlags::FSOPEN_CLOEXEC)
                .doing("open tmpfs")?;
            rustix::mount::fsconfig_create(&fs).doing("make tmpfs")?;
            rustix::mount::fsmount(
                &fs,
                rustix::mount::FsMountFlags::FSMOUNT_CLOEXEC,
                rustix::mount::MountAttrFlags::MOUNT_ATTR_RDONLY,
            )
            .doing("mount tmpfs")?
        } else {
            clone_tree(Path::new("/dev/null")).doing("open /dev/null")?
        };
        put(&tree, &target).doing(format_args!("mask {path}"))?;
    }
    Ok(())
}

/// Makes paths read-only where they are.
pub fn protect(paths: &[String]) -> Outcome<()> {
    for path in paths {
        let tree = match clone_tree(Path::new(path)) {
            Ok(tree) => tree,
            Err(Errno::NOENT | Errno::NOTDIR) => continue,
            Err(errno) => return Err(errno).doing(format_args!("open {path}")),
        };
        sys::set_mount(&tree, readonly(), Depth::Recursive).doing(format_args!("make {path} read-only"))?;
        let target = open_target(path).doing(format_args!("open {path}"))?;
        put(&tree, &target).doing(format_args!("make {path} read-only"))?;
    }
    Ok(())
}

/// Attaches a tree at a path of the container, which is made if it is missing.
pub fn attach_tree(tree: &OwnedFd, path: &str) -> Outcome<()> {
    let doing = || format!("mount at {path}");
    if is_directory(tree).doing(doing())? {
        make_directory(path)?;
    } else {
        make_file(path)?;
    }
    let target = open_target(path).doing(doing())?;
    let below_proc = rustix::fs::fstatfs(&target).doing(doing())?.f_type == PROC_SUPER_MAGIC;
    if below_proc && !REPLACEABLE.contains(&path) {
        return Err(Fault(format!("{path} cannot be mounted because it is inside /proc")));
    }
    put(tree, &target).doing(doing())
}

fn open_bind(source: &Path, access: Access, propagation: Propagation) -> Outcome<OwnedFd> {
    let doing = || format!("mount {}", source.display());
    let tree = clone_tree(source).doing(doing())?;
    let travel = match propagation {
        Propagation::Private => libc::MS_PRIVATE,
        Propagation::HostToContainer => libc::MS_SLAVE,
        // The clone is a peer of the host's mount.
        Propagation::Bidirectional => 0,
    };
    if travel != 0 {
        sys::set_mount(&tree, MountAttributes { set: 0, propagation: travel }, Depth::Recursive)
            .doing(doing())?;
    }
    match access {
        Access::ReadWrite => {}
        Access::ReadOnly => sys::set_mount(&tree, readonly(), Depth::Top).doing(doing())?,
        Access::RecursiveReadOnly => sys::set_mount(&tree, readonly(), Depth::Recursive).doing(doing())?,
    }
    Ok(tree)
}

fn mount_filesystem(target: &str, kind: &str, data: &str, names: &[String]) -> Outcome<Option<Seal>> {
    let doing = || format!("mount {kind} at {target}");
    make_directory(target)?;
    // An image may not lead /proc and its like elsewhere by a link.
    let stat = rustix::fs::statat(CWD, target, AtFlags::SYMLINK_NOFOLLOW).doing(doing())?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Err(Fault(format!("{target} of the image is not a directory")));
    }
    let mut flags = MountFlags::empty();
    for name in names {
        flags |= flag(name)?;
    }
    let late = kind == "tmpfs" && flags.contains(MountFlags::RDONLY);
    if late {
        flags.remove(MountFlags::RDONLY);
    }
    let options = CString::new(data).map_err(|_| Fault::new("mount options with a zero byte"))?;
    rustix::mount::mount(kind, target, kind, flags, options.as_c_str()).doing(doing())?;
    if !late {
        return Ok(None);
    }
    let tree = rustix::mount::open_tree(CWD, target, OpenTreeFlags::OPEN_TREE_CLOEXEC).doing(doing())?;
    Ok(Some(Seal(tree)))
}

fn flag(name: &str) -> Outcome<MountFlags> {
    Ok(match name {
        "ro" => MountFlags::RDONLY,
        "nosuid" => MountFlags::NOSUID,
        "nodev" => MountFlags::NODEV,
        "noexec" => MountFlags::NOEXEC,
        "relatime" => MountFlags::RELATIME,
        "strictatime" => MountFlags::STRICTATIME,
        _ => return Err(Fault(format!("unknown mount flag {name}"))),
    })
}

fn readonly() -> MountAttributes {
    MountAttributes { set: libc::MOUNT_ATTR_RDONLY, propagation: 0 }
}

fn clone_tree(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    rustix::mount::open_tree(CWD, path, flags)
}

fn put(tree: &OwnedFd, target: &OwnedFd) -> rustix::io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(tree, "", target, "", flags)
}

fn open_target(path: &str) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
}

fn is_directory(fd: &OwnedFd) -> rustix::io::Result<bool> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode) == FileType::Directory)
}

fn make_directory(path: &str) -> Outcome<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(path).doing(format_args!("mkdir {path}"))
}

fn make_file(path: &str) -> Outcome<()> {
    if let Some(folder) = Path::new(path).parent().and_then(Path::to_str) {
        make_directory(folder)?;
    }
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::from_raw_mode(0o644)) {
        Ok(_) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno).doing(format_args!("create mount point {path}")),
    }
}

//! The root file system: an overlay of the image's layers, which then becomes the root.

use crate::fault::{Doing, Fault, Outcome};
use crate::sandbox::pivot_into_working_directory;
use crate::sys::{self, Depth, MountAttributes};
use rustix::fs::CWD;
use rustix::mount::{MountFlags, MountPropagationFlags, OpenTreeFlags};
use skiff_shim::protocol::spec::RootSpec;
use std::ffi::CString;
use std::os::unix::fs::DirBuilderExt;

/// Mounts the overlay and makes it the root. Mounts of the host are gone afterwards, except what was opened before.
pub fn mount(root: &RootSpec) -> Outcome<()> {
    use rustix::mount as m;
    m::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .doing("make mounts private")?;
    rustix::process::chdir(&root.base).doing(format_args!("enter {}", root.base.display()))?;
    // Volatile: nothing of it is ever synced. A container's layer is not used again after the machine went down, and syncing it would make
    // every container's end wait for the disk.
    let options =
        format!("lowerdir={},upperdir={},workdir={},volatile", root.lower.join(":"), root.upper, root.work);
    let options = CString::new(options).map_err(|_| Fault::new("layer path with a zero byte"))?;
    m::mount("overlay", &*root.target, "overlay", MountFlags::empty(), options.as_c_str())
        .doing("mount the root file system")?;
    rustix::process::chdir(&*root.target).doing("enter the root file system")?;
    pivot_into_working_directory()
}

/// Makes the working directory if the image has none.
pub fn make_working_directory(path: &str) -> Outcome<()> {
    if !path.starts_with('/') {
        return Err(Fault(format!("cwd must be an absolute path: {path}")));
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(path).doing(format_args!("mkdir {path}"))
}

/// Makes the root's own mount read-only; mounts below stay as they are.
pub fn make_readonly() -> Outcome<()> {
    let root = rustix::mount::open_tree(CWD, "/", OpenTreeFlags::OPEN_TREE_CLOEXEC).doing("open the root")?;
    let readonly = MountAttributes { set: libc::MOUNT_ATTR_RDONLY, propagation: 0 };
    sys::set_mount(&root, readonly, Depth::Top).doing("make the root read-only")
}

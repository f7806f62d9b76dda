//! Unpacks a layer's archive into its folder, in the form that overlayfs reads: whiteouts as 0:0 devices, opaque folders by an attribute.
//!
//! Nothing an archive says leads out of the folder: names are looked up with the folder as root, by the kernel. Device nodes are left out
//! (containers get their own), attributes that mean something to overlayfs too. Number, size and names of entries are bounded.

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use tar::{Archive, Entry, EntryType};

/// More entries than any sane layer has.
const MAX_ENTRIES: usize = 2_000_000;
/// More bytes than any sane layer has.
const MAX_BYTES: u64 = 64 << 30;
/// The kernel's limit on a path.
const MAX_PATH: usize = 4096;

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
const AUFS: &[u8] = b".wh..wh.";

/// Unpacks `archive` into `folder`. `below` are the layers below, the topmost first: what an archive takes for granted is there.
pub fn unpack(folder: &Path, below: &[PathBuf], archive: impl Read) -> io::Result<()> {
    let root = open_folder(folder)?;
    let below = below.iter().map(|path| open_folder(path)).collect::<io::Result<Vec<_>>>()?;
    let mut unpacking = Unpacking { root, below, folder_times: BTreeMap::new(), bytes: 0 };
    let mut archive = Archive::new(archive);
    for (count, entry) in archive.entries()?.enumerate() {
        if count >= MAX_ENTRIES {
            return Err(invalid("too many entries"));
        }
        unpacking.entry(entry?)?;
    }
    unpacking.set_folder_times()
}

struct Unpacking {
    root: OwnedFd,
    below: Vec<OwnedFd>,
    folder_times: BTreeMap<PathBuf, u64>,
    bytes: u64,
}

/// What an entry says about itself, apart from its content.
struct Attributes {
    uid: Uid,
    gid: Gid,
    mode: Mode,
    mtime: u64,
    extended: Vec<(String, Vec<u8>)>,
}

impl Unpacking {
    fn entry<R: Read>(&mut self, mut entry: Entry<'_, R>) -> io::Result<()> {
        let path = clean(&entry.path()?)?;
        let Some(name) = path.file_name() else {
            return self.root_folder(&mut entry);
        };
        let parent_path = path.parent().unwrap_or(Path::new(""));
        let parent = self.make_parents(parent_path)?;
        if name.as_bytes().starts_with(WHITEOUT) {
            return whiteout(&parent, name);
        }
        let attributes = Attributes::of(&mut entry)?;
        match entry.header().entry_type() {
            EntryType::Directory => {
                self.folder_times.insert(path.clone(), attributes.mtime);
                make_folder(&parent, name)?;
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                self.bytes = self.bytes.saturating_add(entry.size());
                if self.bytes > MAX_BYTES {
                    return Err(invalid("layer is too big"));
                }
                make_file(&parent, name, &mut entry)?;
            }
            EntryType::Symlink => {
                let target = entry.link_name()?.ok_or_else(|| invalid("link without target"))?;
                clear(&parent, name)?;
                rustix::fs::symlinkat(&*target, &parent, name)?;
            }
            EntryType::Link => {
                let target = entry.link_name()?.ok_or_else(|| invalid("link without target"))?;
                // It shares the attributes of what it links to.
                return self.hard_link(&clean(&target)?, &parent, name);
            }
            EntryType::Fifo => {
                clear(&parent, name)?;
                rustix::fs::mknodat(&parent, name, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
            }
            // Devices are the runtime's to give; other kinds describe the archive itself.
            _ => return Ok(()),
        }
        attributes.apply(&parent, name)
    }

    fn root_folder<R: Read>(&mut self, entry: &mut Entry<'_, R>) -> io::Result<()> {
        let attributes = Attributes::of(entry)?;
        rustix::fs::fchown(&self.root, Some(attributes.uid), Some(attributes.gid))?;
        Ok(rustix::fs::fchmod(&self.root, attributes.mode)?)
    }

    /// Opens a folder of the layer. Folders that the archive takes for granted look like those of the layers below.
    fn make_parents(&self, path: &Path) -> io::Result<OwnedFd> {
        match open_beneath(&self.root, path, OFlags::PATH | OFlags::DIRECTORY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
        let (Some(name), Some(above)) = (path.file_name(), path.parent()) else {
            return Err(invalid("no such folder"));
        };
        let parent = self.make_parents(above)?;
        make_folder(&parent, name)?;
        let model = self.below.iter().find_map(|layer| {
            let folder = open_beneath(layer, path, OFlags::PATH | OFlags::DIRECTORY).ok()?;
            rustix::fs::fstat(&folder).ok()
        });
        if let Some(stat) = model {
            let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
            rustix::fs::chownat(&parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
            rustix::fs::chmodat(&parent, name, Mode::from_raw_mode(stat.st_mode & 0o7777), AtFlags::empty())?;
        }
        open_beneath(&self.root, path, OFlags::PATH | OFlags::DIRECTORY)
    }

    fn hard_link(&self, target: &Path, parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
        let target_name = target.file_name().ok_or_else(|| invalid("link to the root"))?;
        let target_parent = self.make_parents(target.parent().unwrap_or(Path::new("")))?;
        let link = |parent: &OwnedFd| {
            rustix::fs::linkat(&target_parent, target_name, parent, name, AtFlags::empty())
        };
        clear(parent, name)?;
        match link(parent) {
            Err(Errno::NOENT) => {
                self.copy_up(target, &target_parent, target_name)?;
                Ok(link(parent)?)
            }
            result => Ok(result?),
        }
    }

    /// Copies a file of a layer below, because this layer has a hard link to it.
    fn copy_up(&self, path: &Path, parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
        let source = self
            .below
            .iter()
            .find_map(|layer| open_beneath(layer, path, OFlags::RDONLY | OFlags::NOFOLLOW).ok())
            .ok_or_else(|| invalid("hard link to a file that is not there"))?;
        let stat = rustix::fs::fstat(&source)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(invalid("hard link to something that is no file"));
        }
        make_file(parent, name, &mut std::fs::File::from(source))?;
        let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
        rustix::fs::chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(rustix::fs::chmodat(parent, name, Mode::from_raw_mode(stat.st_mode & 0o7777), AtFlags::empty())?)
    }

    /// Filling a folder changes its time, so times come last.
    fn set_folder_times(&self) -> io::Result<()> {
        for (path, mtime) in &self.folder_times {
            // A later entry may have replaced the folder.
            let Ok(folder) = open_beneath(&self.root, path, OFlags::RDONLY | OFlags::DIRECTORY) else {
                continue;
            };
            rustix::fs::futimens(&folder, &times(*mtime))?;
        }
        Ok(())
    }
}

impl Attributes {
    fn of<R: Read>(entry: &mut Entry<'_, R>) -> io::Result<Self> {
        let extended = match entry.pax_extensions()? {
            Some(extensions) => extensions
                .filter_map(Result::ok)
                .filter_map(|extension| {
                    let name = extension.key().ok()?.strip_prefix("SCHILY.xattr.")?;
                    let harmless = name == "security.capability" || name.starts_with("user.");
                    harmless.then(|| (name.to_owned(), extension.value_bytes().to_vec()))
                })
                .collect(),
            None => Vec::new(),
        };
        let header = entry.header();
        let number = |value: u64| u32::try_from(value).map_err(|_| invalid("owner out of range"));
        Ok(Self {
            uid: Uid::from_raw(number(header.uid()?)?),
            gid: Gid::from_raw(number(header.gid()?)?),
            mode: Mode::from_raw_mode(header.mode()? & 0o7777),
            mtime: header.mtime().unwrap_or(0),
            extended,
        })
    }

    fn apply(&self, parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
        rustix::fs::chownat(parent, name, Some(self.uid), Some(self.gid), AtFlags::SYMLINK_NOFOLLOW)?;
        let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind != FileType::Symlink {
            // Changing the owner drops set-user-id bits, so modes come after.
            rustix::fs::chmodat(parent, name, self.mode, AtFlags::empty())?;
        }
        if matches!(kind, FileType::RegularFile | FileType::Directory) && !self.extended.is_empty() {
            let file = rustix::fs::openat(
                parent,
                name,
                OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                Mode::empty(),
            )?;
            for (name, value) in &self.extended {
                match rustix::fs::fsetxattr(&file, name, value, XattrFlags::empty()) {
                    Ok(()) | Err(Errno::OPNOTSUPP) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
        }
        Ok(rustix::fs::utimensat(parent, name, &times(self.mtime), AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

/// A path inside the layer: relative, without `.`; one with `..` is refused.
fn clean(path: &Path) -> io::Result<PathBuf> {
    if path.as_os_str().len() > MAX_PATH {
        return Err(invalid("path is too long"));
    }
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => cleaned.push(name),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            Component::ParentDir => return Err(invalid("path leads out of the layer")),
        }
    }
    Ok(cleaned)
}

fn whiteout(parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
    let bytes = name.as_bytes();
    if bytes == OPAQUE {
        let folder = rustix::fs::openat(
            parent,
            ".",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        return Ok(rustix::fs::fsetxattr(&folder, "trusted.overlay.opaque", b"y", XattrFlags::empty())?);
    }
    if bytes.starts_with(AUFS) {
        return Ok(());
    }
    let hidden = OsStr::from_bytes(&bytes[WHITEOUT.len()..]);
    if matches!(hidden.as_bytes(), b"" | b"." | b"..") {
        return Err(invalid("whiteout of nothing"));
    }
    clear(parent, hidden)?;
    Ok(rustix::fs::mknodat(parent, hidden, FileType::CharacterDevice, Mode::empty(), 0)?)
}

fn make_folder(parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
    match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
        Err(Errno::EXIST) => {
            let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                return Ok(());
            }
            rustix::fs::unlinkat(parent, name, AtFlags::empty())?;
            Ok(rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755))?)
        }
        result => Ok(result?),
    }
}

fn make_file(parent: &OwnedFd, name: &OsStr, content: &mut impl Read) -> io::Result<()> {
    clear(parent, name)?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o600))?;
    io::copy(content, &mut std::fs::File::from(file))?;
    Ok(())
}

/// Removes what is there under a name.
fn clear(parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR) => {
            // Through the descriptor's own path, so that nothing above can be exchanged for a link.
            use std::os::fd::AsRawFd;
            let folder = PathBuf::from(format!("/proc/self/fd/{}", parent.as_raw_fd()));
            std::fs::remove_dir_all(folder.join(name))
        }
        Err(errno) => Err(errno.into()),
    }
}

fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
    Ok(rustix::fs::openat(&folder, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Opens a path with `root` as its root, whatever links are on the way.
fn open_beneath(root: &OwnedFd, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    Ok(rustix::fs::openat2(root.as_fd(), path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)?)
}

fn times(mtime: u64) -> Timestamps {
    let time = Timespec { tv_sec: i64::try_from(mtime).unwrap_or(0), tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_owned())
}

#[cfg(test)]
#[path = "unpack_tests.rs"]
mod tests;

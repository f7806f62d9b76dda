//! Replaces a directory's files all at once, so that a container never sees half of an update.
//!
//! The files lie in a directory named by time; `..data` points to it, and each top-level name points through `..data`.
//! An update writes a new directory and moves `..data` over by rename. Same layout as upstream's, byte for byte.

use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

const DATA: &str = "..data";
const NEW_DATA: &str = "..data_tmp";

/// A file of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its mode.
    pub mode: i32,
    /// The user it belongs to, if not root.
    pub owner: Option<u32>,
}

/// Files by their path in the volume.
pub type Payload = BTreeMap<PathBuf, File>;

/// Makes the payload the directory's content; tells whether anything changed.
///
/// # Errors
/// If a path leaves the directory, or a file cannot be written.
pub fn write(dir: &Path, payload: &Payload, now: Timestamp) -> io::Result<bool> {
    if let Some(path) = payload.keys().find(|path| !is_inside(path)) {
        let text = format!("invalid path, must be relative and inside the volume: {}", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let old = std::fs::read_link(dir.join(DATA)).ok();
    if let Some(old) = &old
        && is_current(&dir.join(old), payload)?
        && names(payload).iter().all(|name| dir.join(name).exists())
    {
        return Ok(false);
    }
    let fresh = write_files(dir, payload, now)?;
    let link = dir.join(NEW_DATA);
    let _ = std::fs::remove_file(&link);
    symlink(&fresh, &link)?;
    std::fs::rename(&link, dir.join(DATA))?;
    link_names(dir, payload)?;
    if let Some(old) = old.filter(|old| *old != fresh) {
        let _ = std::fs::remove_dir_all(dir.join(old));
    }
    Ok(true)
}

fn is_inside(path: &Path) -> bool {
    !path.as_os_str().is_empty()
        && path.components().all(|part| matches!(part, Component::Normal(_)))
        && !path.to_string_lossy().starts_with("..")
}

/// The top-level names that a payload shows.
fn names(payload: &Payload) -> BTreeSet<PathBuf> {
    payload
        .keys()
        .filter_map(|path| path.components().next())
        .map(|part| PathBuf::from(part.as_os_str()))
        .collect()
}

fn write_files(dir: &Path, payload: &Payload, now: Timestamp) -> io::Result<PathBuf> {
    let name = PathBuf::from(format!(
        "..{}.{}",
        now.strftime("%Y_%m_%d_%H_%M_%S"),
        rand::random_range(1_000_000_000u64..10_000_000_000)
    ));
    let target = dir.join(&name);
    std::fs::create_dir(&target)?;
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o755))?;
    for (path, file) in payload {
        let at = target.join(path);
        if let Some(parent) = at.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&at, &file.bytes)?;
        let mode = u32::try_from(file.mode).unwrap_or(0o644) & 0o777;
        std::fs::set_permissions(&at, std::fs::Permissions::from_mode(mode))?;
        if let Some(owner) = file.owner {
            std::os::unix::fs::chown(&at, Some(owner), None)?;
        }
    }
    Ok(name)
}

/// Makes the links of this payload's names and removes those of others.
fn link_names(dir: &Path, payload: &Payload) -> io::Result<()> {
    let names = names(payload);
    for name in &names {
        let link = dir.join(name);
        if link.symlink_metadata().is_err() {
            symlink(Path::new(DATA).join(name), &link)?;
        }
    }
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = PathBuf::from(entry.file_name());
        if !name.to_string_lossy().starts_with("..") && !names.contains(&name) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether a directory holds exactly these files.
fn is_current(dir: &Path, payload: &Payload) -> io::Result<bool> {
    let mut found = BTreeSet::new();
    if collect(dir, dir, &mut found).is_err() || found.len() != payload.len() {
        return Ok(false);
    }
    for (path, file) in payload {
        let at = dir.join(path);
        let Ok(meta) = at.symlink_metadata() else { return Ok(false) };
        // fsGroup may have widened the mode: only the content and the owner's bits are compared.
        let mode = u32::try_from(file.mode).unwrap_or(0o644) & 0o700;
        if meta.mode() & 0o700 != mode || file.owner.is_some_and(|owner| owner != meta.uid()) {
            return Ok(false);
        }
        if meta.len() != file.bytes.len() as u64 || std::fs::read(&at)? != file.bytes {
            return Ok(false);
        }
    }
    Ok(true)
}

fn collect(root: &Path, dir: &Path, found: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(root, &entry.path(), found)?;
        } else if let Ok(path) = entry.path().strip_prefix(root) {
            found.insert(path.to_path_buf());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(files: &[(&str, &str)]) -> Payload {
        let file = |text: &str| File { bytes: text.as_bytes().to_vec(), mode: 0o644, owner: None };
        files.iter().map(|(path, text)| (PathBuf::from(path), file(text))).collect()
    }

    fn visible(dir: &Path) -> String {
        let mut names: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with(".."))
            .collect();
        names.sort();
        names.join(" ")
    }

    #[test]
    fn updates_replace_everything_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::UNIX_EPOCH;
        assert!(write(dir.path(), &payload(&[("a", "1"), ("d/b", "2")]), now).unwrap());
        assert_eq!(visible(dir.path()), "a d");
        assert_eq!(std::fs::read_to_string(dir.path().join("d/b")).unwrap(), "2");
        assert!(!write(dir.path(), &payload(&[("a", "1"), ("d/b", "2")]), now).unwrap(), "nothing changed");
        assert!(write(dir.path(), &payload(&[("c", "3")]), now).unwrap());
        assert_eq!(visible(dir.path()), "c");
        let hidden = std::fs::read_dir(dir.path()).unwrap().count() - 1;
        assert_eq!(hidden, 2, "..data and one directory");
    }

    #[test]
    fn paths_stay_inside() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["../x", "/x", "a/../../x", "..x", ""] {
            assert!(write(dir.path(), &payload(&[(path, "")]), Timestamp::UNIX_EPOCH).is_err(), "{path:?}");
        }
    }
}

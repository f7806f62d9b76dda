//! The data directory: who may use it, and what is where in it.
//!
//! A `format` file carries the version, so that a newer directory is refused before anything in it is touched; a lock keeps
//! a second server away.

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The layout that this program reads and writes.
const FORMAT: u32 = 1;

/// An open data directory; another server is refused while it lives.
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Opens a directory, making it if it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot make data directory {shown}"))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .with_context(|| format!("cannot write to data directory {shown}"))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => bail!("data directory {shown} is in use by another server"),
            Err(error) => return Err(error).with_context(|| format!("cannot lock data directory {shown}")),
        }
        check_format(path)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Keys and certificates.
    pub(crate) fn tls(&self) -> PathBuf {
        self.path.join("tls")
    }

    /// The embedded store.
    pub(crate) fn store(&self) -> PathBuf {
        self.path.join("db")
    }

    /// The key that encrypts Secrets at rest.
    pub(crate) fn encryption_key(&self) -> PathBuf {
        self.path.join("encryption.key")
    }
}

/// What the kubelet keeps below a data directory.
pub(crate) fn kubelet_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("kubelet")
}

fn check_format(path: &Path) -> Result<()> {
    let file = path.join("format");
    match fs::read_to_string(&file) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(FORMAT) => Ok(()),
            Ok(newer) if newer > FORMAT => bail!(
                "data directory {} has format {newer}, this version knows formats up to {FORMAT}: use a newer skiff",
                path.display()
            ),
            _ => bail!("{} is damaged: it holds {:?}, not a format version", file.display(), text.trim()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skiff_pki::file::write_private(&file, format!("{FORMAT}\n").as_bytes())
                .with_context(|| format!("cannot write to data directory {}", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path) -> String {
        DataDir::open(path).err().map(|e| format!("{e:#}")).unwrap_or_default()
    }

    #[test]
    fn a_second_server_is_refused_while_the_first_runs() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::open(dir.path()).unwrap();
        assert!(refusal(dir.path()).ends_with("is in use by another server"));
        drop(first);
        assert_eq!(refusal(dir.path()), "");
    }

    #[test]
    fn a_newer_or_damaged_directory_is_refused_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        for (content, expected) in [("2\n", "use a newer skiff"), ("x\n", "is damaged")] {
            fs::write(dir.path().join("format"), content).unwrap();
            assert!(refusal(dir.path()).contains(expected));
            assert_eq!(fs::read_to_string(dir.path().join("format")).unwrap(), content);
        }
    }
}

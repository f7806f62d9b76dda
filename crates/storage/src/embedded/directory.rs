//! The data directory: who may use it, and which format is in it.
//!
//! `lock` is held (flock) as long as the store is open; `format` names the format of everything beside it and is written
//! before the first data. Only the owner may enter: values may be secrets.

use crate::embedded::failure::{OpenError, is_no_space};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The format this release writes.
pub const FORMAT: u64 = 1;

const LOCK_FILE: &str = "lock";
const FORMAT_FILE: &str = "format";
const DATA_FILE: &str = "store.redb";
const FORMAT_NAME: &str = "skiff-storage";

/// A locked data directory of a known format.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    // Held for its lock, which the system drops with the file, however the process ends.
    _lock: File,
}

impl Directory {
    /// Makes the directory if need be, locks it and checks its format.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| refused(path, error))?;
        let lock = private(&path.join(LOCK_FILE)).map_err(|error| refused(path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(refused(path, error)),
        }
        let directory = Self { path: path.to_owned(), _lock: lock };
        directory.check_format()?;
        Ok(directory)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file with the tables.
    pub fn data_path(&self) -> PathBuf {
        self.path.join(DATA_FILE)
    }

    /// Opens the file with the tables, making it if need be.
    pub fn data_file(&self) -> io::Result<File> {
        private(&self.data_path())
    }

    fn check_format(&self) -> Result<(), OpenError> {
        let path = self.path.join(FORMAT_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.begin_format(),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => String::new(),
            Err(error) => return Err(refused(&path, error)),
        };
        let found =
            text.strip_prefix(FORMAT_NAME).and_then(|rest| rest.trim().parse::<u64>().ok()).ok_or_else(
                || OpenError::Corrupt { path, reason: "the format file names no format".to_owned() },
            )?;
        if found > FORMAT {
            return Err(OpenError::NewerFormat { path: self.path.clone(), found, supported: FORMAT });
        }
        Ok(())
    }

    /// Marks an empty directory with this release's format; data without a format is of nobody we know.
    fn begin_format(&self) -> Result<(), OpenError> {
        let data = self.data_path();
        if fs::metadata(&data).is_ok_and(|found| found.len() > 0) {
            return Err(OpenError::Corrupt {
                path: data,
                reason: "the format file beside it is missing".to_owned(),
            });
        }
        let path = self.path.join(FORMAT_FILE);
        self.write_format(&path).map_err(|error| refused(&path, error))
    }

    fn write_format(&self, path: &Path) -> io::Result<()> {
        let draft = path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        writeln!(file, "{FORMAT_NAME} {FORMAT}")?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        File::open(&self.path)?.sync_all()
    }
}

/// What an error of the file system means for the directory.
pub fn refused(path: &Path, error: io::Error) -> OpenError {
    if is_no_space(&error) {
        return OpenError::NoSpace { path: path.to_owned() };
    }
    OpenError::NotWritable { path: path.to_owned(), source: error }
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

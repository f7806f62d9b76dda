//! How a failure of the store's engine reads: to a caller as [`StorageError`], at start as [`OpenError`].

use crate::StorageError;
use std::io;
use std::path::PathBuf;

/// Why a data directory cannot be opened. Each reads as one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the directory.
    #[error("data directory {} is in use by another server", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// A later release wrote it.
    #[error(
        "data directory {} has format {found}, this release reads up to format {supported}: use the release that wrote it",
        path.display()
    )]
    NewerFormat {
        /// The directory.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest format known here.
        supported: u64,
    },
    /// The directory or a file in it cannot be made or written.
    #[error("data directory {} cannot be written: {source}", path.display())]
    NotWritable {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The data cannot be read.
    #[error("data in {} is damaged: {reason}: restore it from a backup", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The disk is full.
    #[error("no space left for data directory {}", path.display())]
    NoSpace {
        /// The directory.
        path: PathBuf,
    },
}

/// A record that no release writes.
pub fn corrupt(reason: &str) -> StorageError {
    StorageError::Corrupt(format!("storage is damaged: {reason}"))
}

/// Whether the system ran out of space or quota.
pub fn is_no_space(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// What a caller is told about a failure of the engine.
pub fn failed(error: impl Into<redb::Error>) -> StorageError {
    match error.into() {
        redb::Error::Io(io) if is_no_space(&io) => StorageError::NoSpace,
        redb::Error::Corrupted(reason) => corrupt(&reason),
        redb::Error::ValueTooLarge(_) => StorageError::TooLarge,
        other => StorageError::Unavailable(other.to_string()),
    }
}

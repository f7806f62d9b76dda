//! The open database file: read and write transactions, each within one call, and opening anew after a failed write.
//!
//! The engine refuses everything after its first failed write (a full disk), also reads. Opening it anew brings back the
//! last durable commit without a walk through the file, because every commit is made with quick repair.

use crate::StorageError;
use crate::embedded::directory::{Directory, refused};
use crate::embedded::failure::{OpenError, failed};
use crate::embedded::tables::{ReadTables, WriteTables};
use redb::{Builder, Database, DatabaseError, ReadableDatabase};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{PoisonError, RwLock};

/// The database of a data directory.
#[derive(Debug)]
pub struct Engine {
    directory: Directory,
    cache_bytes: usize,
    /// `None` only after opening anew failed; then every call is refused.
    database: RwLock<Option<Database>>,
}

/// What a write transaction left behind.
pub enum Outcome<T> {
    /// Make it durable.
    Commit(T),
    /// Nothing was written.
    Discard(T),
}

impl Engine {
    /// Opens or makes the database and its tables.
    pub fn open(directory: Directory, cache_bytes: usize) -> Result<Self, OpenError> {
        let database = open_database(&directory, cache_bytes)?;
        let path = directory.data_path();
        let engine = Self { directory, cache_bytes, database: RwLock::new(Some(database)) };
        engine.write(|_| Ok(Outcome::Commit(()))).map_err(|error| match error {
            StorageError::NoSpace => OpenError::NoSpace { path },
            other => OpenError::Corrupt { path, reason: other.to_string() },
        })?;
        Ok(engine)
    }

    /// Runs a read on a snapshot.
    pub fn read<T>(
        &self,
        job: impl FnOnce(&ReadTables) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let guard = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = guard.as_ref().ok_or_else(closed)?;
        let txn = database.begin_read().map_err(failed)?;
        let tables = ReadTables::open(&txn).map_err(failed)?;
        job(&tables)
    }

    /// Runs a write; after [`Outcome::Commit`] it is durable when this returns.
    pub fn write<T>(
        &self,
        job: impl FnOnce(&mut WriteTables<'_>) -> Result<Outcome<T>, StorageError>,
    ) -> Result<T, StorageError> {
        let guard = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = guard.as_ref().ok_or_else(closed)?;
        let mut txn = database.begin_write().map_err(failed)?;
        txn.set_quick_repair(true);
        let outcome = {
            let mut tables = WriteTables::open(&txn).map_err(failed)?;
            job(&mut tables)?
        };
        match outcome {
            Outcome::Commit(done) => txn.commit().map_err(failed).map(|()| done),
            Outcome::Discard(done) => txn.abort().map_err(failed).map(|()| done),
        }
    }

    /// Closes the database and opens it at its last durable commit.
    pub fn reopen(&self) -> Result<(), OpenError> {
        let mut guard = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // The old one must be gone before: it holds a lock on the file.
        *guard = None;
        *guard = Some(open_database(&self.directory, self.cache_bytes)?);
        Ok(())
    }

    /// Bytes that the file takes on disk.
    pub fn size(&self) -> io::Result<u64> {
        // Blocks, not length: the file grows in large steps that are not yet written.
        self.directory.data_path().metadata().map(|found| found.blocks() * 512)
    }

    /// Bytes that may still be written to the directory's file system.
    pub fn free_space(&self) -> io::Result<u64> {
        let found = rustix::fs::statvfs(self.directory.path())?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }
}

fn closed() -> StorageError {
    StorageError::Unavailable("the database file could not be opened again".to_owned())
}

fn open_database(directory: &Directory, cache_bytes: usize) -> Result<Database, OpenError> {
    let path = directory.data_path();
    let file = directory.data_file().map_err(|error| refused(&path, error))?;
    // The engine asserts on some kinds of damage instead of reporting them.
    let opened =
        catch_unwind(AssertUnwindSafe(|| Builder::new().set_cache_size(cache_bytes).create_file(file)));
    match opened {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(DatabaseError::DatabaseAlreadyOpen)) => Err(OpenError::InUse { path }),
        Ok(Err(DatabaseError::Storage(redb::StorageError::Io(error)))) if !is_damage(&error) => {
            Err(refused(&path, error))
        }
        Ok(Err(error)) => Err(OpenError::Corrupt { path, reason: error.to_string() }),
        Err(_) => Err(OpenError::Corrupt { path, reason: "its pages contradict each other".to_owned() }),
    }
}

fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

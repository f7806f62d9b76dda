//! The audit log: one `audit.k8s.io/v1` Event of level Metadata for each request, as JSON lines in a file.
//!
//! Input: [`Record`]s of the request chain; output: a file. Requests never wait for the disk: events go through a bounded
//! queue to a thread that writes them, and are dropped, counted and complained about when it cannot keep up.

mod event;
mod writer;

use crate::chain::{Audit, Record};
use std::io;
use std::path::Path;
use writer::Writer;

/// An audit log in a file.
pub struct AuditLog {
    writer: Writer,
}

impl AuditLog {
    /// Appends to a file, which is made readable for its owner only if it is not there.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { writer: Writer::open(path)? })
    }

    /// How many events were dropped because the disk could not keep up.
    pub fn dropped(&self) -> u64 {
        self.writer.dropped()
    }
}

impl Audit for AuditLog {
    fn record(&self, record: &Record<'_>) {
        self.writer.write(event::line(record));
    }
}

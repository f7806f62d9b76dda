//! Kernel parameters of the network namespace of the current thread.

use crate::{Error, Result};
use std::path::Path;

/// Sets a parameter under `/proc/sys/net`, unless it has the value.
pub(crate) fn set(name: &str, value: &str) -> Result<()> {
    let path = Path::new("/proc/sys/net").join(name);
    let current = std::fs::read_to_string(&path).map_err(|e| Error::file(&path, e))?;
    if current.trim() == value {
        return Ok(());
    }
    std::fs::write(&path, value).map_err(|e| Error::file(&path, e))
}

/// Sets a parameter that is a comfort; where it is missing or read-only, that is logged.
pub(crate) fn prefer(name: &str, value: &str) {
    if let Err(error) = set(name, value) {
        tracing::debug!(%error, "kernel parameter not set");
    }
}

//! Small files that are replaced as a whole: written beside and renamed, so that a reader sees the old or the new, never a part.

use crate::error::{At, Outcome, RuntimeError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Replaces a file's content by JSON.
pub fn write<T: Serialize>(path: &Path, value: &T) -> Outcome<()> {
    write_bytes(path, &serde_json::to_vec(value).map_err(RuntimeError::internal)?)
}

/// Replaces a file's content.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let temporary = temporary(path);
    // Records hold what pods hold: secrets in environment variables, too.
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&temporary).at("create", &temporary)?;
    file.write_all(bytes).at("write", &temporary)?;
    std::fs::rename(&temporary, path).at("replace", path)
}

/// Where the new content of a file is written before it takes the old one's place. Several processes, and threads of one, may
/// write the same file: each write has a name of its own.
pub fn temporary(path: &Path) -> PathBuf {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.{}.new", std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}

/// Reads JSON; `None` if there is no such file.
pub fn read<T: DeserializeOwned>(path: &Path) -> Outcome<Option<T>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).at("read", path),
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| RuntimeError::Internal(format!("{} is damaged: {error}", path.display())))
}

/// Protocol buffers in JSON records, as base64: fields that a later version adds stay readable both ways.
pub mod message {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use prost::Message;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// For `#[serde(with)]`.
    pub fn serialize<T: Message, S: Serializer>(message: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(message.encode_to_vec()))
    }

    /// For `#[serde(with)]`.
    pub fn deserialize<'de, T: Message + Default, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64_STANDARD.decode(text).map_err(D::Error::custom)?;
        T::decode(&*bytes).map_err(D::Error::custom)
    }
}

//! Reading and writing the files of a control group.

use crate::error::{At, Outcome};
use std::path::Path;

/// Writes a value.
pub fn write(directory: &Path, file: &str, value: &str) -> Outcome<()> {
    let path = directory.join(file);
    // Not `fs::write`: the files exist, or the controller is not there.
    std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, value.as_bytes()))
        .at("write", &path)
}

/// Writes a value where there is such a file.
pub fn write_if_present(directory: &Path, file: &str, value: &str) -> Outcome<()> {
    if directory.join(file).exists() { write(directory, file, value) } else { Ok(()) }
}

/// Reads a file's text.
pub fn read(directory: &Path, file: &str) -> Option<String> {
    std::fs::read_to_string(directory.join(file)).ok()
}

/// Reads a number.
pub fn number(directory: &Path, file: &str) -> Option<u64> {
    read(directory, file)?.trim().parse().ok()
}

/// The number after `key ` in a file of such lines.
pub fn field(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

/// Processes of a group.
pub fn processes(directory: &Path) -> Vec<i32> {
    read(directory, "cgroup.procs").unwrap_or_default().lines().filter_map(|line| line.parse().ok()).collect()
}

/// Removes a group; true if it is gone.
pub fn remove(directory: &Path) -> bool {
    match std::fs::remove_dir(directory) {
        Ok(()) => true,
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

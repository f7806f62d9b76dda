//! What processes use, read from `/proc`.

use anyhow::{Context, Result};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Ticks of a second in `/proc/PID/stat`; a constant of Linux's interface.
const TICKS: f64 = 100.0;
/// Kibibytes of a mebibyte.
const KIB: f64 = 1024.0;

/// Memory of a process in MiB.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Its share of what it has in memory.
    pub proportional: f64,
    /// What it alone wrote.
    pub private_dirty: f64,
}

/// CPU seconds that a process has used, user and system.
///
/// # Errors
/// If there is no such process.
pub fn cpu(pid: u32) -> Result<f64> {
    let stat = read(pid, "stat")?;
    ticks(&stat).map(|ticks| ticks / TICKS).with_context(|| format!("/proc/{pid}/stat has another form"))
}

/// A command's name may have any character in it, so fields count from its closing parenthesis.
fn ticks(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Memory that a process has now.
///
/// # Errors
/// If there is no such process.
pub fn memory(pid: u32) -> Result<Memory> {
    let rollup = read(pid, "smaps_rollup")?;
    let mebibytes = |key: &str| field(&rollup, key).with_context(|| format!("no {key} of process {pid}"));
    Ok(Memory { proportional: mebibytes("Pss:")?, private_dirty: mebibytes("Private_Dirty:")? })
}

/// The most memory in MiB that a process has had since [`reset_peak`].
///
/// # Errors
/// If there is no such process.
pub fn peak(pid: u32) -> Result<f64> {
    field(&read(pid, "status")?, "VmHWM:").with_context(|| format!("no VmHWM of process {pid}"))
}

/// Forgets the most memory that a process has had.
///
/// # Errors
/// If the process is another user's.
pub fn reset_peak(pid: u32) -> Result<()> {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").with_context(|| format!("reset the peak of {pid}"))
}

/// Processes that are given a path below a directory on their command line, such as the shims of a data directory.
pub fn naming(directory: &Path) -> Vec<u32> {
    let wanted = directory.as_os_str().as_bytes();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            memchr::memmem::find(&line, wanted).is_some()
        })
        .collect()
}

fn read(pid: u32, name: &str) -> Result<String> {
    std::fs::read_to_string(format!("/proc/{pid}/{name}"))
        .with_context(|| format!("read {name} of process {pid}"))
}

fn field(text: &str, key: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_ascii_whitespace().nth(1)?.parse::<f64>().ok().map(|kibibytes| kibibytes / KIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_any_command_name() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 1 0 5 6 7";
        assert_eq!(ticks(stat), Some(300.0));
    }

    #[test]
    fn this_process_has_memory_and_is_found_by_its_command_line() {
        let own = std::process::id();
        assert!(memory(own).unwrap().proportional > 0.1);
        let program = std::env::args().next().unwrap();
        assert!(naming(Path::new(&program)).contains(&own));
    }
}

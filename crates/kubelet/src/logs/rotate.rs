//! Rotation of container logs by size.

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use std::io;
use std::path::{Path, PathBuf};

/// A log that was rotated: what is left to do is asking the runtime to open it anew.
#[derive(Debug, PartialEq, Eq)]
pub struct Rotated(pub PathBuf);

/// Rotates a log if it has grown to `max_size`: renames it, compresses and removes older ones so that with the new log
/// `max_files` remain.
///
/// # Errors
/// If a file cannot be renamed or compressed.
pub fn rotate(log: &Path, max_size: u64, max_files: u32, now: Timestamp) -> io::Result<Option<Rotated>> {
    match std::fs::metadata(log) {
        Ok(meta) if meta.len() >= max_size => {}
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut old = rotated(log)?;
    // One place for the log that is rotated now, one for the new log.
    let keep = usize::try_from(max_files).unwrap_or(2).saturating_sub(2);
    while old.len() > keep {
        std::fs::remove_file(old.remove(0))?;
    }
    for file in old.iter().filter(|file| file.extension().is_none_or(|extension| extension != "gz")) {
        compress(file)?;
    }
    let target = PathBuf::from(format!("{}.{}", log.display(), now.strftime("%Y%m%d-%H%M%S")));
    std::fs::rename(log, &target)?;
    Ok(Some(Rotated(target)))
}

/// The rotated files of a log, oldest first.
///
/// # Errors
/// If the directory cannot be read.
pub fn rotated(log: &Path) -> io::Result<Vec<PathBuf>> {
    let (Some(dir), Some(name)) = (log.parent(), log.file_name().and_then(|name| name.to_str())) else {
        return Ok(Vec::new());
    };
    let prefix = format!("{name}.");
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let matches = path
            .file_name()
            .and_then(|n| n.to_str())
            .is_some_and(|n| n.starts_with(&prefix) && !n.ends_with(".tmp"));
        if matches {
            out.push(path);
        }
    }
    out.sort();
    Ok(out)
}

fn compress(file: &Path) -> io::Result<()> {
    let temporary = PathBuf::from(format!("{}.tmp", file.display()));
    let target = PathBuf::from(format!("{}.gz", file.display()));
    let mut input = std::fs::File::open(file)?;
    let mut output = GzEncoder::new(std::fs::File::create(&temporary)?, Compression::default());
    io::copy(&mut input, &mut output)?;
    output.finish()?;
    std::fs::rename(&temporary, &target)?;
    std::fs::remove_file(file)
}

/// Removes the log of one run of a container with its rotated files.
pub fn remove_files(dir: &Path, number: u32) {
    let log = dir.join(format!("{number}.log"));
    for file in rotated(&log).unwrap_or_default() {
        let _ = std::fs::remove_file(file);
    }
    let _ = std::fs::remove_file(log);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_logs_are_rotated_and_old_ones_go() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("0.log");
        std::fs::write(&log, "small").unwrap();
        assert_eq!(rotate(&log, 10, 3, Timestamp::UNIX_EPOCH).unwrap(), None);
        for second in 0..5 {
            std::fs::write(&log, "large enough").unwrap();
            rotate(&log, 10, 3, Timestamp::from_second(second).unwrap()).unwrap().unwrap();
        }
        let names: Vec<String> = rotated(&log)
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["0.log.19700101-000003.gz", "0.log.19700101-000004"]);
    }
}

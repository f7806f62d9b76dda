//! Reads a container's log into a channel, as `kubectl logs` asks: the last lines, from a time on, following what comes.
//!
//! Following ends when the container has ended and everything it wrote was sent, or when the reader goes away.

use super::changes::Changes;
use super::line::{LineFilter, LineOptions};
use bytes::Bytes;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncBufReadExt, AsyncSeekExt, BufReader};
use tokio::sync::mpsc;

/// Lines are cut for reading at this length: CRI lines are at most 16 KiB.
const MAX_LINE: u64 = 1 << 20;
const BLOCK: u64 = 64 << 10;

/// What a reader asks for.
#[derive(Debug, Clone, Default)]
pub struct LogOptions {
    /// Go on with what is written later.
    pub follow: bool,
    /// Begin with the last so many lines.
    pub tail: Option<u64>,
    /// Which lines, in which form.
    pub lines: LineOptions,
}

/// Where the lines go; a closed one ends the reading.
pub type Sink = mpsc::Sender<io::Result<Bytes>>;

/// Reads a log to its end, or until `ended` says that the container has ended.
///
/// # Errors
/// If the log cannot be read.
pub async fn read(
    path: PathBuf,
    options: LogOptions,
    sink: &Sink,
    ended: impl Future<Output = ()>,
) -> io::Result<()> {
    // Before the file is opened, so that no change between is missed.
    let changes = match path.parent().filter(|_| options.follow) {
        Some(dir) => Some(Changes::of(dir)?),
        None => None,
    };
    let mut log = Open::at(&path, options.tail).await?;
    let mut filter = LineFilter::new(options.lines);
    tokio::pin!(ended);
    let mut last_round = false;
    loop {
        if !log.send_lines(&mut filter, sink).await? {
            return Ok(());
        }
        let Some(changes) = changes.as_ref().filter(|_| !last_round) else { return Ok(()) };
        if let Some(next) = log.replaced(&path).await? {
            log = next;
            continue;
        }
        tokio::select! {
            change = changes.next() => change?,
            () = &mut ended => last_round = true,
            () = sink.closed() => return Ok(()),
        }
    }
}

struct Open {
    file: BufReader<tokio::fs::File>,
    inode: u64,
    /// A line whose end was not written yet.
    pending: Vec<u8>,
}

impl Open {
    async fn at(path: &Path, tail: Option<u64>) -> io::Result<Self> {
        let mut file = std::fs::File::open(path)?;
        let inode = file.metadata()?.ino();
        let start = match tail {
            Some(lines) => tail_offset(&mut file, lines)?,
            None => 0,
        };
        let mut file = tokio::fs::File::from_std(file);
        file.seek(SeekFrom::Start(start)).await?;
        Ok(Self { file: BufReader::new(file), inode, pending: Vec::new() })
    }

    /// The file that now has the log's name, if it is another one. Rotation renames before it makes a new one.
    async fn replaced(&self, path: &Path) -> io::Result<Option<Self>> {
        match std::fs::metadata(path) {
            Ok(meta) if meta.ino() != self.inode => Self::at(path, None).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Sends the lines up to the end of the file; false if nothing more is wanted.
    async fn send_lines(&mut self, filter: &mut LineFilter, sink: &Sink) -> io::Result<bool> {
        let mut batch = Vec::new();
        loop {
            let mut limited = tokio::io::AsyncReadExt::take(&mut self.file, MAX_LINE);
            let read = limited.read_until(b'\n', &mut self.pending).await?;
            let complete = self.pending.ends_with(b"\n") || self.pending.len() as u64 >= MAX_LINE;
            if complete {
                batch.extend(filter.take(&self.pending));
                self.pending.clear();
            }
            let at_end = read == 0 || !complete;
            if (at_end || batch.len() as u64 >= BLOCK || filter.is_done()) && !batch.is_empty() {
                let bytes = Bytes::from(std::mem::take(&mut batch));
                if sink.send(Ok(bytes)).await.is_err() {
                    return Ok(false);
                }
            }
            if filter.is_done() {
                return Ok(false);
            }
            if at_end {
                return Ok(true);
            }
        }
    }
}

/// Where the last so many lines begin.
fn tail_offset(file: &mut std::fs::File, lines: u64) -> io::Result<u64> {
    let size = file.metadata()?.len();
    if lines == 0 {
        return Ok(size);
    }
    // The newline at the very end ends the last line and begins none.
    let mut end = size.saturating_sub(1);
    let mut found = 0;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let mut block = vec![0; usize::try_from(end - start).unwrap_or(0)];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block)?;
        for (at, _) in block.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            found += 1;
            if found == lines {
                return Ok(start + at as u64 + 1);
            }
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use tokio::sync::oneshot;

    fn line(text: &str) -> String {
        format!("2026-01-01T00:00:01Z stdout F {text}\n")
    }

    async fn collect(receiver: &mut mpsc::Receiver<io::Result<Bytes>>) -> String {
        let mut out = Vec::new();
        while let Some(bytes) = receiver.recv().await {
            out.extend_from_slice(&bytes.unwrap());
        }
        String::from_utf8(out).unwrap()
    }

    #[tokio::test]
    async fn the_last_lines_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.log");
        std::fs::write(&path, (0..10_000).map(|n| line(&n.to_string())).collect::<String>()).unwrap();
        for (tail, want) in [(Some(0), ""), (Some(2), "9998\n9999\n")] {
            let (sink, mut receiver) = mpsc::channel(8);
            let options = LogOptions { tail, ..LogOptions::default() };
            let path = path.clone();
            tokio::spawn(async move { read(path, options, &sink, std::future::pending()).await.unwrap() });
            assert_eq!(collect(&mut receiver).await, want);
        }
    }

    #[tokio::test]
    async fn following_goes_over_rotation_to_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.log");
        std::fs::write(&path, line("a")).unwrap();
        let (sink, mut receiver) = mpsc::channel(8);
        let (end, ended) = oneshot::channel::<()>();
        let options = LogOptions { follow: true, ..LogOptions::default() };
        let log = path.clone();
        tokio::spawn(async move {
            let ended = async {
                let _ = ended.await;
            };
            read(log, options, &sink, ended).await.unwrap();
        });
        assert_eq!(receiver.recv().await.unwrap().unwrap(), "a\n");
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(line("b").as_bytes())
            .unwrap();
        assert_eq!(receiver.recv().await.unwrap().unwrap(), "b\n");
        std::fs::rename(&path, dir.path().join("0.log.old")).unwrap();
        std::fs::write(&path, line("c")).unwrap();
        assert_eq!(receiver.recv().await.unwrap().unwrap(), "c\n");
        end.send(()).unwrap();
        assert_eq!(collect(&mut receiver).await, "");
    }
}

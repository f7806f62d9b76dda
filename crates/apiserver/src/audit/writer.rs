//! The thread that writes lines to a file, behind a bounded queue.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Lines that wait to be written; upstream's buffer of the batching mode.
const QUEUE: usize = 10_000;

/// Writes lines in the background. Dropping it writes what waits.
pub(super) struct Writer {
    queue: Option<SyncSender<Vec<u8>>>,
    dropped: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        let (queue, lines) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = dropped.clone();
        let thread =
            std::thread::Builder::new().name("audit".into()).spawn(move || run(file, &lines, &counter))?;
        Ok(Self { queue: Some(queue), dropped, thread: Some(thread) })
    }

    /// Hands a line over, or drops it if too many wait. Never blocks.
    pub(super) fn write(&self, line: Vec<u8>) {
        let Some(queue) = &self.queue else { return };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = queue.try_send(line) {
            // One complaint for each time it begins, not one for each line.
            if self.dropped.fetch_add(1, Ordering::Relaxed).is_multiple_of(QUEUE as u64) {
                tracing::error!("audit events are dropped: the audit log cannot keep up");
            }
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Writes until the queue is closed; flushes whenever nothing more waits.
fn run(file: File, lines: &Receiver<Vec<u8>>, dropped: &AtomicU64) {
    let mut file = BufWriter::with_capacity(64 << 10, file);
    while let Ok(first) = lines.recv() {
        let mut written = file.write_all(&first);
        while let (true, Ok(line)) = (written.is_ok(), lines.try_recv()) {
            written = file.write_all(&line);
        }
        if let Err(error) = written.and_then(|()| file.flush()) {
            dropped.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%error, "audit events cannot be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_and_all_are_written_in_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        for round in 0..2 {
            let writer = Writer::open(&path).unwrap();
            for line in 0..100 {
                writer.write(format!("{round} {line}\n").into_bytes());
            }
            assert_eq!(writer.dropped(), 0);
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!((text.lines().count(), text.lines().last()), (200, Some("1 99")));
    }

    #[test]
    fn the_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        drop(Writer::open(&path).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

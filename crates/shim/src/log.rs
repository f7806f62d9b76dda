//! Writes a container's output as a CRI log: `<time> <stream> <tag> <line>`, one line each.
//!
//! A line longer than [`LONGEST`] is written in pieces tagged `P` (partial), the last tagged `F` (full); so is what a container leaves without
//! a newline when it ends. A full disk costs lines, never the container: it must not block on its log.

use crate::clock;
use crate::fault::{Doing, Outcome};
use rustix::fs::{Mode, OFlags};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// No piece of a line is longer.
pub const LONGEST: usize = 16 * 1024;

/// Which output a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output, or a terminal.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A container's log file.
pub struct Log {
    path: PathBuf,
    file: OwnedFd,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Log {
    /// Opens or makes the file.
    pub fn open(path: &Path) -> Outcome<Self> {
        Ok(Self { path: path.to_owned(), file: open(path)?, stdout: Vec::new(), stderr: Vec::new() })
    }

    /// Opens the path anew: the old file was rotated away.
    pub fn reopen(&mut self) -> Outcome<()> {
        self.file = open(&self.path)?;
        Ok(())
    }

    /// Takes output in; whole lines are written.
    pub fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let rest = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let mut out = Vec::with_capacity(bytes.len() + 64);
        format(&mut out, rest, stream, bytes, clock::now());
        self.append(&out);
    }

    /// Writes what is left of unfinished lines.
    pub fn finish(&mut self) {
        let mut out = Vec::new();
        for (stream, rest) in [(Stream::Stdout, &mut self.stdout), (Stream::Stderr, &mut self.stderr)] {
            if !rest.is_empty() {
                line(&mut out, stream, Tag::Partial, rest, clock::now());
                rest.clear();
            }
        }
        self.append(&out);
    }

    fn append(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match rustix::io::write(&self.file, bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}

fn open(path: &Path) -> Outcome<OwnedFd> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).doing(format_args!("create log directory {}", folder.display()))?;
    }
    let flags = OFlags::CREATE | OFlags::APPEND | OFlags::WRONLY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::from_raw_mode(0o640))
        .doing(format_args!("open log file {}", path.display()))
}

#[derive(Clone, Copy)]
enum Tag {
    Full,
    Partial,
}

/// Formats the lines that `bytes` completes; `rest` holds the unfinished line between calls.
fn format(out: &mut Vec<u8>, rest: &mut Vec<u8>, stream: Stream, mut bytes: &[u8], now: i64) {
    while !bytes.is_empty() {
        let room = LONGEST - rest.len();
        match bytes.iter().take(room + 1).position(|byte| *byte == b'\n') {
            Some(end) => {
                if rest.is_empty() {
                    line(out, stream, Tag::Full, &bytes[..end], now);
                } else {
                    rest.extend_from_slice(&bytes[..end]);
                    line(out, stream, Tag::Full, rest, now);
                    rest.clear();
                }
                bytes = &bytes[end + 1..];
            }
            None if bytes.len() > room => {
                rest.extend_from_slice(&bytes[..room]);
                line(out, stream, Tag::Partial, rest, now);
                rest.clear();
                bytes = &bytes[room..];
            }
            None => {
                rest.extend_from_slice(bytes);
                bytes = &[];
            }
        }
    }
}

fn line(out: &mut Vec<u8>, stream: Stream, tag: Tag, text: &[u8], now: i64) {
    clock::write_rfc3339(out, now);
    out.extend_from_slice(match stream {
        Stream::Stdout => b" stdout ",
        Stream::Stderr => b" stderr ",
    });
    out.extend_from_slice(match tag {
        Tag::Full => b"F ",
        Tag::Partial => b"P ",
    });
    out.extend_from_slice(text);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: &str = "1970-01-01T00:00:00.000000000Z";

    fn formatted(pieces: &[&[u8]]) -> (String, usize) {
        let (mut out, mut rest) = (Vec::new(), Vec::new());
        for piece in pieces {
            format(&mut out, &mut rest, Stream::Stdout, piece, 0);
        }
        (String::from_utf8(out).unwrap(), rest.len())
    }

    #[test]
    fn a_line_that_arrives_in_pieces_is_one_line() {
        assert_eq!(formatted(&[b"he", b"llo\nwor"]), (format!("{EPOCH} stdout F hello\n"), 3));
    }

    #[test]
    fn an_empty_line_is_kept() {
        assert_eq!(formatted(&[b"\n\n"]).0, format!("{EPOCH} stdout F \n{EPOCH} stdout F \n"));
    }

    #[test]
    fn a_line_of_exactly_the_longest_length_is_full() {
        let text = "x".repeat(LONGEST) + "\n";
        assert_eq!(formatted(&[text.as_bytes()]).0, format!("{EPOCH} stdout F {text}"));
    }

    #[test]
    fn a_longer_line_is_written_in_pieces() {
        let (start, end) = ("x".repeat(LONGEST), "yz");
        let text = format!("{start}{end}\n");
        let expected = format!("{EPOCH} stdout P {start}\n{EPOCH} stdout F {end}\n");
        assert_eq!(formatted(&[text.as_bytes()]).0, expected);
        assert_eq!(formatted(&[&text.as_bytes()[..100], &text.as_bytes()[100..]]).0, expected);
    }
}

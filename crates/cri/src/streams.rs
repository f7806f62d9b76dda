//! Live byte streams of exec, attach and port-forward.

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

/// Something to read.
pub type Reader = Box<dyn AsyncRead + Send + Unpin>;
/// Something to write; shutting it down closes the other side's input.
pub type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// A connection both ways.
pub struct Duplex {
    /// What the other side says.
    pub reader: Reader,
    /// What it is told.
    pub writer: Writer,
}

/// A terminal's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// A running command's streams. Dropping it closes the streams; an exec'd command is killed then, an attached one is not.
pub struct Session {
    /// The command's input, if it was asked for.
    pub stdin: Option<Writer>,
    /// The command's output, if it was asked for.
    pub stdout: Option<Reader>,
    /// The command's error output, if it was asked for; none with a terminal.
    pub stderr: Option<Reader>,
    /// Sizes to set on the terminal, if there is one.
    pub resize: Option<tokio::sync::mpsc::Sender<TerminalSize>>,
    /// The exit code, once the command has ended; for attach, when the container ends.
    pub exit: BoxFuture<'static, super::CriResult<i32>>,
}

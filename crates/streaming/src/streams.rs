//! The streams that sessions are connected to.

use tokio::io::{AsyncRead, AsyncWrite};

/// Something to read.
pub type Reader = Box<dyn AsyncRead + Send + Unpin>;
/// Something to write; shutting it down is the end of input for the other side.
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

/// An upgraded connection: hyper's, or any other stream of bytes.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Connection for T {}

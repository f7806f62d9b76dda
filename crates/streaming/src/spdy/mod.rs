//! SPDY/3.1 as far as Kubernetes' clients use it: many streams of bytes over one connection, opened by the client.
//!
//! [`frame`] is the codec, [`headers`] its compressed header blocks, [`connection`] runs the streams. Flow-control windows
//! are read and not enforced, in either direction: the clients' library keeps none, never announces room, and would stall a
//! sender that waits for it. Back-pressure is that of the connection below.

pub mod connection;
mod dictionary;
pub mod frame;
pub mod headers;

pub use connection::{Acceptor, SpdyConnection, SpdyStream};
pub use frame::{Frame, FrameCodec};
pub use headers::Headers;

/// How a peer broke the protocol, or the connection broke.
#[derive(Debug, thiserror::Error)]
pub enum SpdyError {
    /// Below SPDY.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Another version.
    #[error("version {0} is not spoken here")]
    Version(u16),
    /// A frame does not hold what its kind says.
    #[error("a frame is malformed")]
    BadFrame,
    /// A frame is larger than allowed.
    #[error("a frame is too large")]
    FrameTooLarge,
    /// A header block does not decompress.
    #[error("a header block cannot be decompressed")]
    Compression,
    /// A header block does not hold pairs of texts.
    #[error("a header block is malformed")]
    BadHeaders,
    /// A header block is larger than allowed.
    #[error("a header block is too large")]
    TooManyHeaders,
}

//! The server side of kubectl's exec, attach and port-forward on the wire.
//!
//! Place in the data's way: the kubelet's node server negotiates an upgrade with [`remote_command`] or [`port_forward`],
//! answers 101, and connects the upgraded connection to a container's streams; the API server passes the connection through
//! untouched. Clients speak WebSocket (v5 and older subprotocols, also SPDY tunnelled through WebSocket) or raw SPDY/3.1.
//!
//! ```text
//! let upgrade = remote_command::negotiate(&request)?;      // an error has a response of its own
//! let response = upgrade.response();                        // 101 with the right headers
//! // in a task, once hyper has upgraded:
//! let session = upgrade.accept(io, CommandStreams { stdin, stdout, stderr, tty }).await?;
//! session.run(process).await
//! ```
//!
//! Invariants:
//! - no input makes the decoders panic, and frames, headers, streams and queues are bounded;
//! - back-pressure reaches from one end to the other: a slow reader slows its writer and nothing piles up between;
//! - what a command wrote before it ended reaches the client before the status does.

mod pipe;
pub mod port_forward;
pub mod remote_command;
pub mod spdy;
pub mod streams;
mod upgrade;
mod websocket;

pub use upgrade::UpgradeError;

/// Why a session ended early.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The client closed the connection or it broke.
    #[error("the client went away")]
    ClientGone,
    /// The client did not open the streams it announced.
    #[error("timed out waiting for the client to create streams")]
    StreamsMissing,
    /// SPDY was not spoken as agreed.
    #[error("spdy: {0}")]
    Spdy(#[from] spdy::SpdyError),
}

//! Why the server cannot run, or a question cannot be answered.

use std::io;
use std::net::SocketAddr;

/// Failure of the DNS server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A cluster domain that is no domain name.
    #[error("{0:?} is not a domain name")]
    Domain(String),
    /// No resolver answered.
    #[error("no resolver answered: {0}")]
    Unanswered(String),
    /// There is no resolver to ask.
    #[error("no resolver is configured")]
    NoResolver,
    /// A message could not be written.
    #[error("cannot encode a message: {0}")]
    Encode(#[from] hickory_proto::ProtoError),
}

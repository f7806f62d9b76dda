//! Why a network operation failed.

use skiff_cri::{Code, CriError};
use std::io;
use std::path::{Path, PathBuf};

/// Failure of a network operation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The node has no pod CIDR yet.
    #[error("the node's pod CIDR is not known yet")]
    NotConfigured,
    /// A CIDR that makes no sense.
    #[error("{0:?} is not a CIDR for pods")]
    InvalidCidr(String),
    /// Every address is taken.
    #[error("no free address in {0}")]
    Exhausted(ipnet::IpNet),
    /// A port of the host is taken.
    #[error("host port {port} is taken by sandbox {sandbox}")]
    HostPortTaken {
        /// Port and protocol.
        port: String,
        /// Who has it.
        sandbox: String,
    },
    /// The bridge was made by somebody else.
    #[error(
        "interface {0} exists and was not made for this data directory; remove it or choose another name"
    )]
    ForeignBridge(String),
    /// Somebody else removed an interface that was just made.
    #[error("interface {0} vanished")]
    Vanished(String),
    /// The kernel refused a change of links, addresses or routes.
    #[error("cannot {operation}: {source}")]
    Link {
        /// What was tried.
        operation: String,
        /// Why it failed.
        #[source]
        source: Box<rtnetlink::Error>,
    },
    /// The kernel refused a change of rules.
    #[error("cannot change the network's rules: {0}")]
    Rules(#[from] skiff_nftables::Error),
    /// A file or a namespace could not be used.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The state file was written by a newer version.
    #[error("{} has format {found}, this version reads up to {known}", path.display())]
    NewerState {
        /// The state file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known.
        known: u32,
    },
}

impl Error {
    pub(crate) fn file(path: &Path, source: impl Into<io::Error>) -> Self {
        Self::File { path: path.to_owned(), source: source.into() }
    }

    pub(crate) fn link(operation: impl Into<String>) -> impl FnOnce(rtnetlink::Error) -> Self {
        let operation = operation.into();
        move |source| Self::Link { operation, source: Box::new(source) }
    }
}

impl From<Error> for CriError {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::NotConfigured => Code::FailedPrecondition,
            Error::InvalidCidr(_) => Code::InvalidArgument,
            Error::HostPortTaken { .. } => Code::AlreadyExists,
            _ => Code::Internal,
        };
        Self::new(code, error.to_string())
    }
}

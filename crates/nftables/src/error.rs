//! Why the kernel did not take a change.

use std::io;

/// Failure of a netlink exchange.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No netlink socket.
    #[error("cannot open a netfilter netlink socket: {0}")]
    Open(#[source] io::Error),
    /// The message could not be sent.
    #[error("cannot send to the kernel: {0}")]
    Send(#[source] io::Error),
    /// The answer could not be read.
    #[error("cannot read the kernel's answer: {0}")]
    Receive(#[source] io::Error),
    /// The kernel refused an operation; the whole batch is undone.
    #[error("{operation}: {source}{}{}", explained(.explanation), further(*.others))]
    Refused {
        /// The first operation that was refused, in words.
        operation: String,
        /// The kernel's reason.
        #[source]
        source: io::Error,
        /// The kernel's explanation; empty if it gave none.
        explanation: String,
        /// How many further operations were refused.
        others: usize,
    },
    /// A name, a comment or an element that nf_tables cannot hold.
    #[error("{0}")]
    Invalid(String),
    /// The kernel answered something that does not parse, or nothing.
    #[error("the kernel's answer makes no sense: {0}")]
    Answer(&'static str),
}

impl Error {
    /// Whether something that the change refers to does not exist: the rule set was changed by somebody else.
    pub fn is_missing(&self) -> bool {
        self.errno() == Some(libc::ENOENT)
    }

    /// Whether this kernel has no nf_tables, or not the family or expression that was asked for.
    pub fn is_unsupported(&self) -> bool {
        matches!(self.errno(), Some(libc::EOPNOTSUPP | libc::EPROTONOSUPPORT | libc::EAFNOSUPPORT))
    }

    fn errno(&self) -> Option<i32> {
        match self {
            Self::Open(e) | Self::Send(e) | Self::Receive(e) | Self::Refused { source: e, .. } => {
                e.raw_os_error()
            }
            Self::Invalid(_) | Self::Answer(_) => None,
        }
    }
}

fn explained(explanation: &str) -> String {
    if explanation.is_empty() { String::new() } else { format!(" ({explanation})") }
}

fn further(count: usize) -> String {
    if count == 0 { String::new() } else { format!(", and {count} more") }
}

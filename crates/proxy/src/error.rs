//! Why the kernel's rules could not be changed.

/// Failure of a back end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused rules.
    #[error("cannot change Service rules: {0}")]
    Rules(#[from] skiff_nftables::Error),
    /// The thread that talks to the kernel ended.
    #[error("the back end ended: {0}")]
    Backend(#[from] tokio::task::JoinError),
}

//! Why the runtime, its store, or its clean-up failed.

use skiff_cri::{Code, CriError};
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Why the runtime failed. The texts are for people and name what to do where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A file or directory could not be used.
    #[error("{action} {}: {source}", path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The data directory was written by a newer version.
    #[error("{} has format {found}, this skiff knows {known}: use a newer skiff", path.display())]
    NewerFormat {
        /// The runtime's directory.
        path: PathBuf,
        /// The format found.
        found: String,
        /// The newest format known.
        known: u32,
    },
    /// A shim of a newer version runs.
    #[error(
        "pod sandbox {sandbox} is run by a newer skiff (shim protocol {found}, this skiff speaks {known}): use that version, or remove its pods with its `skiff cleanup`"
    )]
    NewerShim {
        /// The sandbox.
        sandbox: String,
        /// Its protocol.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// No usable cgroup file system.
    #[error("no usable cgroup hierarchy: {0}")]
    Cgroup(String),
    /// The shim said no or is gone.
    #[error("{0}")]
    Shim(#[from] skiff_shim::protocol::Failure),
    /// The shim did not answer.
    #[error("shim of pod sandbox {sandbox}: {reason}")]
    ShimGone {
        /// The sandbox.
        sandbox: String,
        /// What happened.
        reason: String,
    },
    /// An image cannot be had or used.
    #[error(transparent)]
    Image(#[from] crate::image::ImageError),
    /// A request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// What is asked for does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The state does not allow it.
    #[error("{0}")]
    Precondition(String),
    /// The deadline passed.
    #[error("{0}")]
    Deadline(String),
    /// The pod network said no.
    #[error("failed to setup network for sandbox {sandbox}: {source}")]
    Network {
        /// The sandbox.
        sandbox: String,
        /// Why.
        source: CriError,
    },
    /// Anything unexpected.
    #[error("{0}")]
    Internal(String),
}

/// Result of a step of the runtime.
pub type Outcome<T> = Result<T, RuntimeError>;

impl RuntimeError {
    /// From anything unexpected.
    pub fn internal(error: impl Display) -> Self {
        Self::Internal(error.to_string())
    }
}

/// Names the path that an input or output error is about.
pub trait At<T> {
    /// With what was being done and where.
    fn at(self, action: &'static str, path: &Path) -> Outcome<T>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Outcome<T> {
        self.map_err(|source| RuntimeError::File { action, path: path.to_owned(), source })
    }
}

impl<T> At<T> for rustix::io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Outcome<T> {
        self.map_err(std::io::Error::from).at(action, path)
    }
}

impl From<RuntimeError> for CriError {
    fn from(error: RuntimeError) -> Self {
        let code = match &error {
            RuntimeError::NotFound(_) => Code::NotFound,
            RuntimeError::Invalid(_) => Code::InvalidArgument,
            RuntimeError::Precondition(_) => Code::FailedPrecondition,
            RuntimeError::Deadline(_) => Code::DeadlineExceeded,
            RuntimeError::ShimGone { .. } => Code::Unavailable,
            RuntimeError::Image(image) => image.code(),
            _ => Code::Internal,
        };
        CriError::new(code, error.to_string())
    }
}

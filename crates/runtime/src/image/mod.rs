//! Images: names, the store, import of archives, pull from registries, unpacked layers.
//!
//! An image's id is its configuration's digest. Layers are unpacked when an image arrives, once for all images that share them, and compressed
//! blobs are not kept. The store is plain files under locks, so that a command line and a server use it at the same time.

mod archive;
mod config;
mod digest;
mod layer;
mod manifest;
mod reference;
mod registry;
mod store;
mod unpack;

pub use registry::{Credentials, RegistryOptions};
pub use store::{Image, ImageStore, ImageSummary};

use crate::error::RuntimeError;
use skiff_cri::Code;

/// Why an image cannot be had or used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The name is no image reference.
    #[error("couldn't parse image name {0:?}: invalid reference format")]
    Reference(String),
    /// There is no such image here.
    #[error("no such image: {0}")]
    NotFound(String),
    /// The registry has no such image.
    #[error("failed to resolve reference {0:?}: not found")]
    NotInRegistry(String),
    /// The registry wants other credentials.
    #[error("failed to authorize for {reference:?}: {reason}")]
    Unauthorized {
        /// The image.
        reference: String,
        /// What the registry said.
        reason: String,
    },
    /// The registry could not be asked.
    #[error("failed to pull image {reference:?}: {reason}")]
    Registry {
        /// The image.
        reference: String,
        /// What happened.
        reason: String,
    },
    /// The archive is none, or not a good one.
    #[error("image archive: {0}")]
    Archive(String),
    /// Content does not have the digest that it should have.
    #[error("digest of {what} is {found}, expected {expected}")]
    Digest {
        /// Which content.
        what: &'static str,
        /// What was announced.
        expected: String,
        /// What came.
        found: String,
    },
    /// No variant for this machine.
    #[error("no match for platform in manifest of {0:?}")]
    Platform(String),
    /// A layer cannot be unpacked.
    #[error("unpack layer {layer}: {reason}")]
    Layer {
        /// Its digest.
        layer: String,
        /// Why.
        reason: String,
    },
}

impl ImageError {
    /// The gRPC code for it.
    pub fn code(&self) -> Code {
        match self {
            Self::NotFound(_) | Self::NotInRegistry(_) | Self::Platform(_) => Code::NotFound,
            Self::Reference(_) => Code::InvalidArgument,
            Self::Unauthorized { .. } => Code::Unauthenticated,
            Self::Registry { .. } => Code::Unavailable,
            _ => Code::Internal,
        }
    }
}

/// Result about images.
pub type ImageOutcome<T> = Result<T, RuntimeError>;

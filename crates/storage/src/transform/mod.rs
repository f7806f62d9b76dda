//! What happens to a value between the API server and the store: encryption at rest.
//!
//! A transformer is given the value and its associated data, the key's path, so that a value copied to another key is not
//! taken for that key's. The stored forms are upstream's; each begins with a prefix that names how to read it, and a value
//! without one is as it was. To add a form, implement [`Transformer`] in a file beside [`AesGcm`] with upstream's prefix.

mod aes_gcm;
mod identity;

pub use aes_gcm::{AesGcm, AesKey};
pub use identity::Identity;

/// What every encrypted value begins with.
const ENCRYPTED: &[u8] = b"k8s:enc:";

/// A value as the API server knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// The bytes.
    pub value: Vec<u8>,
    /// Whether the stored form is not the one that would be written now, so that writing the value again changes it.
    pub stale: bool,
}

/// Turns values into their stored form and back.
pub trait Transformer: Send + Sync + 'static {
    /// The form to store.
    fn to_storage(&self, plain: &[u8], path: &[u8]) -> Result<Vec<u8>, TransformError>;

    /// The value of a stored form.
    #[allow(clippy::wrong_self_convention, reason = "the pair's names say which way the value goes")]
    fn from_storage(&self, stored: &[u8], path: &[u8]) -> Result<Plain, TransformError>;
}

/// Why a value cannot be transformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransformError {
    /// It is encrypted with a key, or in a form, that is not configured.
    #[error("no matching key was found to read the value")]
    NoKey,
    /// It was changed, belongs to another path, or its key is another one of the same name.
    #[error("the value could not be decrypted: it was changed or the key is not the one it was written with")]
    Rejected,
    /// The key has a length that the cipher does not take.
    #[error("key {0:?} must be 16 or 32 bytes long")]
    KeyLength(String),
    /// The name cannot be written in a prefix.
    #[error("key name {0:?} must not be empty or hold a colon")]
    KeyName(String),
    /// There is no key to write with.
    #[error("at least one key is needed")]
    NoKeys,
    /// The system gave no random numbers.
    #[error("no random numbers")]
    Random,
}

//! Values stored as they are.

use super::{ENCRYPTED, Plain, TransformError, Transformer};

/// Stores values as they are; refuses to pass off encrypted ones as values.
#[derive(Debug, Clone, Copy, Default)]
pub struct Identity;

impl Transformer for Identity {
    fn to_storage(&self, plain: &[u8], _path: &[u8]) -> Result<Vec<u8>, TransformError> {
        Ok(plain.to_vec())
    }

    fn from_storage(&self, stored: &[u8], _path: &[u8]) -> Result<Plain, TransformError> {
        if stored.starts_with(ENCRYPTED) {
            return Err(TransformError::NoKey);
        }
        Ok(Plain { value: stored.to_vec(), stale: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_and_encrypted_ones_are_refused() {
        assert_eq!(Identity.to_storage(b"v", b"/k"), Ok(b"v".to_vec()));
        assert_eq!(Identity.from_storage(b"v", b"/k"), Ok(Plain { value: b"v".to_vec(), stale: false }));
        assert_eq!(Identity.from_storage(b"k8s:enc:aesgcm:v1:a:x", b"/k"), Err(TransformError::NoKey));
    }
}

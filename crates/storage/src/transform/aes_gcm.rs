//! AES-GCM in upstream's form: `k8s:enc:aesgcm:v1:KEYNAME:`, a nonce of 12 bytes, the encrypted value with its tag.
//!
//! Nonces are random; as with upstream, a key should be replaced long before four thousand million writes.

use super::{ENCRYPTED, Identity, Plain, TransformError, Transformer};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;

const PREFIX: &str = "k8s:enc:aesgcm:v1:";

/// A named key. Several keys may bear one name while they are exchanged.
pub struct AesKey {
    prefix: Vec<u8>,
    key: LessSafeKey,
}

impl AesKey {
    /// A key of 16 or 32 bytes.
    pub fn new(name: &str, secret: &[u8]) -> Result<Self, TransformError> {
        if name.is_empty() || name.contains(':') {
            return Err(TransformError::KeyName(name.to_owned()));
        }
        let algorithm = match secret.len() {
            16 => &AES_128_GCM,
            32 => &AES_256_GCM,
            _ => return Err(TransformError::KeyLength(name.to_owned())),
        };
        let key =
            UnboundKey::new(algorithm, secret).map_err(|_| TransformError::KeyLength(name.to_owned()))?;
        Ok(Self { prefix: format!("{PREFIX}{name}:").into_bytes(), key: LessSafeKey::new(key) })
    }

    fn open(&self, sealed: &[u8], path: &[u8]) -> Result<Vec<u8>, TransformError> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(TransformError::Rejected)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| TransformError::Rejected)?;
        let mut value = sealed.to_vec();
        let length = self
            .key
            .open_in_place(nonce, Aad::from(path), &mut value)
            .map_err(|_| TransformError::Rejected)?
            .len();
        value.truncate(length);
        Ok(value)
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AesKey").field("prefix", &String::from_utf8_lossy(&self.prefix)).finish()
    }
}

/// Writes with the first key, reads with all; also reads values that are not encrypted, which are stale.
#[derive(Debug)]
pub struct AesGcm {
    keys: Vec<AesKey>,
    random: SystemRandom,
}

impl AesGcm {
    /// A transformer with these keys.
    pub fn new(keys: Vec<AesKey>) -> Result<Self, TransformError> {
        if keys.is_empty() {
            return Err(TransformError::NoKeys);
        }
        Ok(Self { keys, random: SystemRandom::new() })
    }
}

impl Transformer for AesGcm {
    fn to_storage(&self, plain: &[u8], path: &[u8]) -> Result<Vec<u8>, TransformError> {
        let AesKey { prefix, key } = &self.keys[0];
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| TransformError::Random)?;
        let mut stored =
            Vec::with_capacity(prefix.len() + NONCE_LEN + plain.len() + key.algorithm().tag_len());
        stored.extend_from_slice(prefix);
        stored.extend_from_slice(&nonce);
        let start = stored.len();
        stored.extend_from_slice(plain);
        let tag = key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(path),
                &mut stored[start..],
            )
            .map_err(|_| TransformError::Rejected)?;
        stored.extend_from_slice(tag.as_ref());
        Ok(stored)
    }

    fn from_storage(&self, stored: &[u8], path: &[u8]) -> Result<Plain, TransformError> {
        if !stored.starts_with(ENCRYPTED) {
            return Ok(Plain { stale: true, ..Identity.from_storage(stored, path)? });
        }
        let mut refusal = TransformError::NoKey;
        for (index, key) in self.keys.iter().enumerate() {
            let Some(sealed) = stored.strip_prefix(key.prefix.as_slice()) else { continue };
            match key.open(sealed, path) {
                Ok(value) => return Ok(Plain { value, stale: index != 0 }),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &[u8] = b"/registry/secrets/default/token";

    fn ring<const N: usize>(keys: [(&str, u8); N]) -> AesGcm {
        AesGcm::new(keys.map(|(name, byte)| AesKey::new(name, &[byte; 32]).unwrap()).into()).unwrap()
    }

    fn value(plain: Result<Plain, TransformError>) -> (Vec<u8>, bool) {
        let plain = plain.unwrap();
        (plain.value, plain.stale)
    }

    #[test]
    fn a_value_reads_back_and_is_unreadable_in_between() {
        let ring = ring([("key1", 1)]);
        let stored = ring.to_storage(b"password", PATH).unwrap();
        assert!(stored.starts_with(b"k8s:enc:aesgcm:v1:key1:"));
        assert_eq!(stored.len(), b"k8s:enc:aesgcm:v1:key1:".len() + 12 + 8 + 16);
        assert!(!stored.windows(8).any(|window| window == b"password"));
        assert_eq!(value(ring.from_storage(&stored, PATH)), (b"password".to_vec(), false));
        assert_ne!(stored, ring.to_storage(b"password", PATH).unwrap(), "nonces differ");
    }

    #[test]
    fn a_value_moved_to_another_path_or_changed_is_rejected() {
        let ring = ring([("key1", 1)]);
        let mut stored = ring.to_storage(b"password", PATH).unwrap();
        assert_eq!(
            ring.from_storage(&stored, b"/registry/secrets/other/token"),
            Err(TransformError::Rejected)
        );
        *stored.last_mut().unwrap() ^= 1;
        assert_eq!(ring.from_storage(&stored, PATH), Err(TransformError::Rejected));
        assert_eq!(ring.from_storage(b"k8s:enc:aesgcm:v1:key1:short", PATH), Err(TransformError::Rejected));
    }

    #[test]
    fn a_replaced_key_still_reads_and_its_values_are_stale() {
        let stored = ring([("key1", 1)]).to_storage(b"v", PATH).unwrap();
        assert_eq!(
            value(ring([("key2", 2), ("key1", 1)]).from_storage(&stored, PATH)),
            (b"v".to_vec(), true)
        );
        assert_eq!(
            value(ring([("key1", 9), ("key1", 1)]).from_storage(&stored, PATH)),
            (b"v".to_vec(), true)
        );
        assert_eq!(ring([("key2", 1)]).from_storage(&stored, PATH), Err(TransformError::NoKey));
        assert_eq!(ring([("key1", 2)]).from_storage(&stored, PATH), Err(TransformError::Rejected));
    }

    #[test]
    fn plain_values_read_as_they_are_and_are_stale() {
        assert_eq!(value(ring([("key1", 1)]).from_storage(b"{}", PATH)), (b"{}".to_vec(), true));
        let foreign = ring([("key1", 1)]).from_storage(b"k8s:enc:kms:v2:x:y", PATH);
        assert_eq!(foreign, Err(TransformError::NoKey));
    }

    #[test]
    fn bad_keys_are_refused() {
        assert_eq!(AesKey::new("a:b", &[0; 32]).unwrap_err(), TransformError::KeyName("a:b".to_owned()));
        assert_eq!(AesKey::new("a", &[0; 24]).unwrap_err(), TransformError::KeyLength("a".to_owned()));
        assert_eq!(AesGcm::new(Vec::new()).unwrap_err(), TransformError::NoKeys);
    }
}

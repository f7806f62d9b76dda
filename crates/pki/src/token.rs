//! Signed tokens of service accounts: JWTs with ES256, verified also with RS256 keys of other issuers' files.
//!
//! On ring, as all cryptography here: the JWT libraries bring a second cryptography stack. Only the two algorithms that
//! upstream's tokens use are known, so none can be confused with another, and `none` does not exist.

use crate::{PkiError, file};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PublicKeyData};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Why a token is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no JWT of ours at all: another authenticator may know it.
    #[error("not a token of this issuer")]
    Foreign,
    /// The signature does not fit.
    #[error("invalid signature")]
    Signature,
    /// The content cannot be read.
    #[error("malformed token: {0}")]
    Malformed(String),
}

/// The key that signs service-account tokens, with its id.
pub struct TokenKey {
    pair: EcdsaKeyPair,
    public: Vec<u8>,
    id: String,
    public_pem: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
}

impl TokenKey {
    /// Opens a PKCS#8 PEM key file, making it if it is not there.
    ///
    /// # Errors
    /// If the file cannot be read, written or understood.
    pub fn open(path: &Path) -> Result<Self, PkiError> {
        let pem = match file::read(path)? {
            Some(pem) => pem,
            None => {
                let pem = KeyPair::generate()?.serialize_pem();
                file::write_private(path, pem.as_bytes())?;
                pem
            }
        };
        Self::from_pem(&pem).map_err(|message| PkiError::Malformed { path: path.to_owned(), message })
    }

    fn from_pem(pem: &str) -> Result<Self, String> {
        let key = KeyPair::from_pem(pem).map_err(|e| e.to_string())?;
        let pair = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            key.serialized_der(),
            &SystemRandom::new(),
        )
        .map_err(|e| format!("not an ECDSA P-256 key: {e}"))?;
        // Upstream's key id: the SHA-256 of the public key's DER form.
        let digest = ring::digest::digest(&ring::digest::SHA256, &key.subject_public_key_info());
        Ok(Self {
            pair,
            public: key.public_key_raw().to_vec(),
            id: URL_SAFE_NO_PAD.encode(digest),
            public_pem: key.public_key_pem(),
        })
    }

    /// The key's id, `kid` in a token's header.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public key, PEM.
    pub fn public_pem(&self) -> &str {
        &self.public_pem
    }

    /// The public key's coordinates for a JSON Web Key Set: `x` and `y`, base64url.
    pub fn jwk_coordinates(&self) -> (String, String) {
        // Uncompressed point: 0x04, 32 bytes x, 32 bytes y.
        let (x, y) = self.public[1..].split_at(32);
        (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y))
    }

    /// Signs claims, given as JSON text.
    pub fn sign(&self, claims_json: &[u8]) -> String {
        let header = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, self.id);
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(claims_json));
        let signature = self
            .pair
            .sign(&SystemRandom::new(), token.as_bytes())
            .expect("ECDSA signing fails only without a random source, and the key was opened with one");
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        token
    }

    /// Checks a token's signature and reads its claims. Times and audiences are the caller's matter.
    ///
    /// # Errors
    /// [`TokenError::Foreign`] if it was not signed by this key, else what is wrong with it.
    pub fn verify<T: DeserializeOwned>(&self, token: &str) -> Result<T, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Foreign);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Foreign)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Foreign)?;
        let header: Header = decode_part(header).map_err(|_| TokenError::Foreign)?;
        if header.alg != "ES256" || header.kid != self.id {
            return Err(TokenError::Foreign);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Signature)?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.public)
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| TokenError::Signature)?;
        decode_part(claims).map_err(TokenError::Malformed)
    }
}

fn decode_part<T: DeserializeOwned>(part: &str) -> Result<T, String> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|e| e.to_string())?;
    serde_json::from_slice(&bytes).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, PartialEq, Debug)]
    struct Claims {
        sub: String,
    }

    fn key() -> TokenKey {
        TokenKey::from_pem(&KeyPair::generate().unwrap().serialize_pem()).unwrap()
    }

    #[test]
    fn a_signed_token_is_read_back_and_a_changed_one_is_refused() {
        let key = key();
        let token = key.sign(br#"{"sub":"system:serviceaccount:a:b"}"#);
        assert_eq!(key.verify::<Claims>(&token).unwrap(), Claims { sub: "system:serviceaccount:a:b".into() });
        let forged = URL_SAFE_NO_PAD.encode(br#"{"sub":"system:admin"}"#);
        let parts: Vec<&str> = token.split('.').collect();
        let changed = format!("{}.{forged}.{}", parts[0], parts[2]);
        assert_eq!(key.verify::<Claims>(&changed), Err(TokenError::Signature));
    }

    #[test]
    fn tokens_of_others_and_without_signature_are_foreign() {
        let (ours, theirs) = (key(), key());
        assert_eq!(ours.verify::<Claims>(&theirs.sign(b"{}")), Err(TokenError::Foreign));
        let none =
            format!("{}.{}.", URL_SAFE_NO_PAD.encode(br#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(b"{}"));
        assert_eq!(ours.verify::<Claims>(&none), Err(TokenError::Foreign));
        assert_eq!(ours.verify::<Claims>("abc"), Err(TokenError::Foreign));
    }
}

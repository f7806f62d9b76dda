//! A public key whose signatures are taken.

use super::signing::SigningKey;
use super::{Algorithm, der, jwk, key_id};
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rustls_pki_types::pem::{PemObject, SectionKind};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// A key with the one algorithm that it is used with.
pub(super) struct VerifyingKey {
    algorithm: Algorithm,
    /// A point, or PKCS#1.
    public: Vec<u8>,
    id: String,
}

impl VerifyingKey {
    pub(super) fn new(algorithm: Algorithm, public: Vec<u8>, id: String) -> Self {
        Self { algorithm, public, id }
    }

    /// All keys of a PEM file, at least one: public keys, certificates, private keys.
    pub(super) fn all_of(pem: &str) -> Result<Vec<Self>, String> {
        let mut keys = Vec::new();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()) {
            let (kind, der) = section.map_err(|e| format!("not PEM: {e}"))?;
            match kind {
                SectionKind::PublicKey => keys.push(Self::from_info(&der)?),
                SectionKind::Certificate => {
                    let (_, certificate) = X509Certificate::from_der(&der).map_err(|e| e.to_string())?;
                    keys.push(Self::from_info(certificate.public_key().raw)?);
                }
                SectionKind::RsaPrivateKey | SectionKind::PrivateKey | SectionKind::EcPrivateKey => {
                    keys.push(SigningKey::from_pem(pem)?.verifying());
                }
                _ => {}
            }
        }
        if keys.is_empty() {
            Err("data does not contain any valid RSA or ECDSA public keys".into())
        } else {
            Ok(keys)
        }
    }

    fn from_info(info: &[u8]) -> Result<Self, String> {
        let (_, parsed) = SubjectPublicKeyInfo::from_der(info).map_err(|e| e.to_string())?;
        let bits = parsed.subject_public_key.data.to_vec();
        let (algorithm, canonical) = match parsed.parsed().map_err(|e| e.to_string())? {
            PublicKey::RSA(_) => (Algorithm::Rs256, der::rsa_public_key(&bits)),
            PublicKey::EC(_) => (Algorithm::Es256, der::p256_public_key(&bits)),
            _ => return Err("holds a public key that is neither RSA nor ECDSA".to_owned()),
        };
        if canonical != info {
            return Err("holds an ECDSA key on another curve than P-256".to_owned());
        }
        Ok(Self::new(algorithm, bits, key_id(info)))
    }

    /// How it signs.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key as a JSON Web Key.
    pub(super) fn json(&self) -> Option<String> {
        jwk::json(self.algorithm, &self.public, &self.id)
    }

    /// Whether a token with this header can be this key's. A token without a key id can be anyone's.
    pub(super) fn may_have_signed(&self, algorithm: &str, key_id: &str) -> bool {
        algorithm == self.algorithm.name() && (key_id.is_empty() || key_id == self.id)
    }

    /// Whether the signature is this key's.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let outcome = match self.algorithm {
            Algorithm::Es256 => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.public).verify(message, signature)
            }
            Algorithm::Rs256 => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public).verify(message, signature)
            }
        };
        outcome.is_ok()
    }
}

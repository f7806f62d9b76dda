//! A private key that signs tokens.

use super::verifying::VerifyingKey;
use super::{Algorithm, der, key_id};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

/// ECDSA on P-256 or RSA; other curves and kinds are told.
pub(super) struct SigningKey {
    pair: Pair,
    id: String,
}

enum Pair {
    Ecdsa(Box<EcdsaKeyPair>),
    Rsa(Box<RsaKeyPair>),
}

impl SigningKey {
    /// From PKCS#8, PKCS#1 or SEC1 in PEM.
    pub(super) fn from_pem(pem: &str) -> Result<Self, String> {
        let key =
            PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| "holds no private key".to_owned())?;
        let pair = match &key {
            PrivateKeyDer::Pkcs1(rsa) => RsaKeyPair::from_der(rsa.secret_pkcs1_der()).map(Pair::from),
            PrivateKeyDer::Sec1(ecdsa) => ecdsa_of(&der::p256_private_key(ecdsa.secret_sec1_der())),
            PrivateKeyDer::Pkcs8(any) => {
                let der = any.secret_pkcs8_der();
                ecdsa_of(der).or_else(|_| RsaKeyPair::from_pkcs8(der).map(Pair::from))
            }
            _ => return Err("holds a key of an unknown form".to_owned()),
        };
        let pair = pair.map_err(|e| format!("not an ECDSA P-256 or RSA key of at least 2048 bits: {e}"))?;
        Ok(Self { id: key_id(&pair.public_der()), pair })
    }

    /// The key's id, `kid` in a token's header.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// How it signs.
    pub(super) fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Ecdsa(_) => Algorithm::Es256,
            Pair::Rsa(_) => Algorithm::Rs256,
        }
    }

    /// Its public half.
    pub(super) fn verifying(&self) -> VerifyingKey {
        VerifyingKey::new(self.algorithm(), self.pair.public().to_vec(), self.id.clone())
    }

    /// The signature of a message.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => pair
                .sign(&random, message)
                .expect("ECDSA signing fails only without a random source, which Linux always has")
                .as_ref()
                .to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect(
                    "RSA signing fails only if the buffer is not as long as the modulus, which it is",
                );
                signature
            }
        }
    }
}

impl From<RsaKeyPair> for Pair {
    fn from(pair: RsaKeyPair) -> Self {
        Self::Rsa(Box::new(pair))
    }
}

impl Pair {
    /// The public key as ring verifies with it: a point, or PKCS#1.
    fn public(&self) -> &[u8] {
        match self {
            Self::Ecdsa(pair) => pair.public_key().as_ref(),
            Self::Rsa(pair) => pair.public_key().as_ref(),
        }
    }

    fn public_der(&self) -> Vec<u8> {
        match self {
            Self::Ecdsa(_) => der::p256_public_key(self.public()),
            Self::Rsa(_) => der::rsa_public_key(self.public()),
        }
    }
}

fn ecdsa_of(pkcs8: &[u8]) -> Result<Pair, ring::error::KeyRejected> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
        .map(|pair| Pair::Ecdsa(Box::new(pair)))
}

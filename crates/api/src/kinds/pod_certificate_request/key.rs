//! Public keys of PodCertificateRequests, and the proof that who asks has the private one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, ED25519, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo};
use x509_parser::public_key::PublicKey;

const ED25519_KEY: &str = "1.3.101.112";
const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";
/// How large moduli of RSA keys may be, in bits.
const MODULI: [usize; 2] = [3072, 4096];

/// What is wrong with a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is none.
    Malformed,
    /// It is of a kind that is not taken.
    Unknown,
    /// It is too small or too large: what it is, and what it has to be.
    Kind(String, &'static str),
    /// It did not make the signature.
    Proof,
}

/// Checks a key (PKIX in base64) and its signature of a text.
pub(super) fn check(key: &str, signed: &str, signature: &str) -> Result<(), Wrong> {
    let der = STANDARD.decode(key).map_err(|_| Wrong::Malformed)?;
    let (rest, info) = SubjectPublicKeyInfo::from_der(&der).map_err(|_| Wrong::Malformed)?;
    if !rest.is_empty() {
        return Err(Wrong::Malformed);
    }
    let algorithm = algorithm(&info)?;
    let signature = STANDARD.decode(signature).map_err(|_| Wrong::Proof)?;
    let key = UnparsedPublicKey::new(algorithm, &info.subject_public_key.data);
    key.verify(signed.as_bytes(), &signature).map_err(|_| Wrong::Proof)
}

fn algorithm(info: &SubjectPublicKeyInfo<'_>) -> Result<&'static dyn VerificationAlgorithm, Wrong> {
    if info.algorithm.algorithm.to_id_string() == ED25519_KEY {
        return Ok(&ED25519);
    }
    match info.parsed().map_err(|_| Wrong::Malformed)? {
        PublicKey::EC(_) => {
            let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
            match curve.map(|curve| curve.to_id_string()).as_deref() {
                Some(P256) => Ok(&ECDSA_P256_SHA256_ASN1),
                Some(P384) => Ok(&ECDSA_P384_SHA256_ASN1),
                other => {
                    let curve = format!("curve {}", other.unwrap_or_default());
                    Err(Wrong::Kind(curve, "elliptic public keys must use curve P256 or P384"))
                }
            }
        }
        PublicKey::RSA(key) => {
            let bits = key.key_size();
            if MODULI.contains(&bits) {
                return Ok(&RSA_PSS_2048_8192_SHA256);
            }
            Err(Wrong::Kind(format!("{bits}-bit modulus"), "RSA keys must have modulus size 3072 or 4096"))
        }
        _ => Err(Wrong::Unknown),
    }
}

//! Signed tokens of service accounts: JWTs with ES256 or RS256, as upstream's are.
//!
//! On ring, as all cryptography here: the JWT libraries bring a second cryptography stack. Only the two algorithms that
//! upstream's tokens use are known, and a key is used with its own algorithm alone, so none can be confused with another,
//! and `none` does not exist.

mod der;
mod jwk;
mod signing;
mod verifying;

use crate::{PkiError, file};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::KeyPair;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use signing::SigningKey;
use std::path::{Path, PathBuf};
use verifying::VerifyingKey;

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

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Es256,
    Rs256,
}

/// The keys of service-account tokens: one that signs, and those whose signatures are taken.
pub struct TokenKeys {
    signing: SigningKey,
    verifying: Vec<VerifyingKey>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
}

// === impl TokenKeys ===

impl TokenKeys {
    /// Opens a key file, making it (ECDSA P-256) if it is not there. The key's own signatures are taken.
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

    /// The key that signs, and files with keys whose signatures are taken: public keys, certificates or private keys, PEM
    /// (`--service-account-signing-key-file`, `--service-account-key-file`).
    ///
    /// # Errors
    /// If a file cannot be read or understood.
    pub fn from_files(signing: &Path, verifying: &[PathBuf]) -> Result<Self, PkiError> {
        let malformed = |path: &Path| {
            let path = path.to_owned();
            move |message| PkiError::Malformed { path, message }
        };
        let mut keys = Vec::new();
        for path in verifying {
            keys.extend(VerifyingKey::all_of(&existing(path)?).map_err(malformed(path))?);
        }
        let signing = SigningKey::from_pem(&existing(signing)?).map_err(malformed(signing))?;
        Ok(Self { signing, verifying: keys })
    }

    /// The keys whose signatures are taken, as a JSON Web Key Set.
    pub fn key_set(&self) -> String {
        let keys: Vec<String> = self.verifying.iter().filter_map(VerifyingKey::json).collect();
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }

    /// How those keys sign, by the names that token headers have, sorted.
    pub fn algorithms(&self) -> Vec<&'static str> {
        let mut names: Vec<&str> = self.verifying.iter().map(|key| key.algorithm().name()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn from_pem(pem: &str) -> Result<Self, String> {
        let signing = SigningKey::from_pem(pem)?;
        let verifying = vec![signing.verifying()];
        Ok(Self { signing, verifying })
    }

    /// Signs claims, given as JSON text.
    pub fn sign(&self, claims_json: &[u8]) -> String {
        let header =
            format!(r#"{{"alg":"{}","kid":"{}"}}"#, self.signing.algorithm().name(), self.signing.id());
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(claims_json));
        let signature = self.signing.sign(token.as_bytes());
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        token
    }

    /// Checks a token's signature and reads its claims. Times and audiences are the caller's matter.
    ///
    /// # Errors
    /// [`TokenError::Foreign`] if it was not signed by one of these keys, else what is wrong with it.
    pub fn verify<T: DeserializeOwned>(&self, token: &str) -> Result<T, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Foreign);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Foreign)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Foreign)?;
        let header: Header = decode_part(header).map_err(|_| TokenError::Foreign)?;
        let candidates: Vec<&VerifyingKey> =
            self.verifying.iter().filter(|key| key.may_have_signed(&header.alg, &header.kid)).collect();
        if candidates.is_empty() {
            return Err(TokenError::Foreign);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Signature)?;
        if !candidates.iter().any(|key| key.verifies(signed.as_bytes(), &signature)) {
            // Without a key id it may as well be another issuer's.
            return Err(if header.kid.is_empty() { TokenError::Foreign } else { TokenError::Signature });
        }
        decode_part(claims).map_err(TokenError::Malformed)
    }
}

impl Algorithm {
    /// Its name in a token's header.
    fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

fn existing(path: &Path) -> Result<String, PkiError> {
    let missing = || PkiError::File {
        path: path.to_owned(),
        source: std::io::Error::from(std::io::ErrorKind::NotFound),
    };
    file::read(path)?.ok_or_else(missing)
}

/// Upstream's key id: the SHA-256 of the public key's DER form.
fn key_id(public_key_der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, public_key_der))
}

fn decode_part<T: DeserializeOwned>(part: &str) -> Result<T, String> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|e| e.to_string())?;
    serde_json::from_slice(&bytes).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[derive(Deserialize, PartialEq, Debug)]
    struct Claims {
        sub: String,
    }

    fn keys() -> TokenKeys {
        TokenKeys::from_pem(&KeyPair::generate().unwrap().serialize_pem()).unwrap()
    }

    #[test]
    fn a_signed_token_is_read_back_and_a_changed_one_is_refused() {
        let keys = keys();
        let token = keys.sign(br#"{"sub":"system:serviceaccount:a:b"}"#);
        assert_eq!(
            keys.verify::<Claims>(&token).unwrap(),
            Claims { sub: "system:serviceaccount:a:b".into() }
        );
        let forged = URL_SAFE_NO_PAD.encode(br#"{"sub":"system:admin"}"#);
        let parts: Vec<&str> = token.split('.').collect();
        let changed = format!("{}.{forged}.{}", parts[0], parts[2]);
        assert_eq!(keys.verify::<Claims>(&changed), Err(TokenError::Signature));
    }

    #[test]
    fn tokens_of_others_and_without_signature_are_foreign() {
        let (ours, theirs) = (keys(), keys());
        assert_eq!(ours.verify::<Claims>(&theirs.sign(b"{}")), Err(TokenError::Foreign));
        let none =
            format!("{}.{}.", URL_SAFE_NO_PAD.encode(br#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(b"{}"));
        assert_eq!(ours.verify::<Claims>(&none), Err(TokenError::Foreign));
        assert_eq!(ours.verify::<Claims>("abc"), Err(TokenError::Foreign));
    }

    /// Makes a key with the openssl command in each of the forms in which clusters have them.
    fn openssl(dir: &Path, arguments: &str) -> PathBuf {
        let out = dir.join(format!("{}.pem", arguments.replace([' ', ':', '/'], "_")));
        let (command, flags) = arguments.split_once(' ').unwrap();
        let done = Command::new("openssl")
            .args([command, "-out"])
            .arg(&out)
            .args(flags.split(' '))
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        out
    }

    #[test]
    fn keys_of_other_clusters_sign_and_their_public_halves_verify() {
        let dir = tempfile::tempdir().unwrap();
        for (private, public) in [
            ("genrsa -traditional 2048", "rsa -pubout -in"),
            ("genpkey -algorithm RSA", "pkey -pubout -in"),
            ("ecparam -name prime256v1 -genkey -noout", "ec -pubout -in"),
            ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", "pkey -pubout -in"),
            ("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072", "req -x509 -subj /CN=sa -key"),
        ] {
            let key = openssl(dir.path(), private);
            let half = openssl(dir.path(), &format!("{public} {}", key.display()));
            let signer = TokenKeys::from_files(&key, std::slice::from_ref(&key)).unwrap();
            let token = signer.sign(br#"{"sub":"x"}"#);
            let other = openssl(dir.path(), "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1");
            let verifier = TokenKeys::from_files(&other, &[half]).unwrap();
            assert_eq!(verifier.verify::<Claims>(&token).unwrap().sub, "x", "{private}");
            // The verifier's own key is not among those that it takes.
            assert_eq!(verifier.verify::<Claims>(&verifier.sign(b"{}")), Err(TokenError::Foreign));
        }
    }

    #[test]
    fn the_key_set_names_the_keys_that_tokens_name() {
        let keys = keys();
        let token = keys.sign(b"{}");
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
        let header: Header = serde_json::from_slice(&header).unwrap();
        let set = keys.key_set();
        assert!(set.starts_with(r#"{"keys":[{"use":"sig","kty":"EC","kid":""#), "{set}");
        assert!(set.contains(&format!(r#""kid":"{}""#, header.kid)), "{set}");
        assert_eq!(keys.algorithms(), ["ES256"]);
    }

    #[test]
    fn what_is_no_key_is_told_by_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sa.pub");
        let told = |path: &Path| TokenKeys::from_files(path, &[]).err().unwrap().to_string();
        assert!(told(&path).contains("sa.pub"));
        std::fs::write(&path, "hello").unwrap();
        assert!(told(&path).contains("sa.pub"));
    }
}

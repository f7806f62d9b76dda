//! Public keys as JSON Web Keys (RFC 7517), members in the order in which upstream writes them.

use super::Algorithm;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::RSAPublicKey;

/// Length of a coordinate of a point on P-256.
const COORDINATE: usize = 32;

/// A key as JSON; `None` if its bytes are no key, which those of a key that verifies are not.
pub(super) fn json(algorithm: Algorithm, public: &[u8], id: &str) -> Option<String> {
    let name = algorithm.name();
    Some(match algorithm {
        Algorithm::Es256 => {
            let (x, y) = coordinates(public)?;
            format!(
                r#"{{"use":"sig","kty":"EC","kid":"{id}","crv":"P-256","alg":"{name}","x":"{}","y":"{}"}}"#,
                URL_SAFE_NO_PAD.encode(x),
                URL_SAFE_NO_PAD.encode(y)
            )
        }
        Algorithm::Rs256 => {
            let (_, key) = RSAPublicKey::from_der(public).ok()?;
            format!(
                r#"{{"use":"sig","kty":"RSA","kid":"{id}","alg":"{name}","n":"{}","e":"{}"}}"#,
                URL_SAFE_NO_PAD.encode(unsigned(key.modulus)),
                URL_SAFE_NO_PAD.encode(unsigned(key.exponent))
            )
        }
    })
}

/// The coordinates of an uncompressed point.
fn coordinates(point: &[u8]) -> Option<(&[u8], &[u8])> {
    let (4, rest) = point.split_first().map(|(form, rest)| (*form, rest))? else { return None };
    (rest.len() == 2 * COORDINATE).then(|| rest.split_at(COORDINATE))
}

/// A DER integer without the zeros that keep it from being negative.
fn unsigned(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|&&byte| byte == 0).count();
    integer.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_upstream_writes_them() {
        let point: Vec<u8> = std::iter::once(4).chain([1; 32]).chain([2; 32]).collect();
        assert_eq!(
            json(Algorithm::Es256, &point, "k").unwrap(),
            format!(
                r#"{{"use":"sig","kty":"EC","kid":"k","crv":"P-256","alg":"ES256","x":"{}","y":"{}"}}"#,
                URL_SAFE_NO_PAD.encode([1; 32]),
                URL_SAFE_NO_PAD.encode([2; 32])
            )
        );
        // SEQUENCE { INTEGER 0x80, INTEGER 65537 }
        let pkcs1 = [0x30, 0x09, 0x02, 0x02, 0x00, 0x80, 0x02, 0x03, 0x01, 0x00, 0x01];
        assert_eq!(
            json(Algorithm::Rs256, &pkcs1, "k").unwrap(),
            r#"{"use":"sig","kty":"RSA","kid":"k","alg":"RS256","n":"gA","e":"AQAB"}"#
        );
        assert_eq!(json(Algorithm::Es256, &[4, 1], "k"), None);
    }
}

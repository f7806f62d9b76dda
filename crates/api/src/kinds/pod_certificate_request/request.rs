//! What is wrong with what a PodCertificateRequest asks for.

use super::key::{self, Wrong};
use crate::validation::{invalid, names, signer_name};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};

/// Most bytes of a uid.
const MAX_UID: usize = 128;
/// Most bytes of a key, and of a proof.
const MAX_KEY: usize = 10 << 10;
/// Lifetimes that may be asked for, in seconds.
const MIN_SECONDS: i64 = 60 * 60;
const MAX_SECONDS: i64 = 91 * 24 * 60 * 60;
/// Upstream's own signers give out certificates for a day.
const MAX_SECONDS_OF_KUBERNETES: i64 = 24 * 60 * 60;
/// Most bytes of what the user says to the signer.
const MAX_ANNOTATIONS: usize = 256 << 10;

/// What is wrong with the spec.
pub(super) fn errors(field: &FieldPath, spec: &Document) -> FieldErrors {
    let signer = spec.str_at(&["signerName"]);
    let mut out = signer_name::errors(&field.child("signerName"), signer);
    let place = field.child("unverifiedUserAnnotations");
    out.extend(annotations(&place, spec.object_at(&["unverifiedUserAnnotations"])));
    for (name, uid) in
        [("podName", "podUID"), ("serviceAccountName", "serviceAccountUID"), ("nodeName", "nodeUID")]
    {
        let text = spec.str_at(&[name]);
        out.extend(invalid(&field.child(name), text, names::dns1123_subdomain(text)));
        out.extend(uid_error(&field.child(uid), spec.str_at(&[uid])));
    }
    let place = field.child("maxExpirationSeconds");
    let Some(seconds) = spec.i64_at(&["maxExpirationSeconds"]) else {
        out.push(FieldError::required(&place, "must be set"));
        return out;
    };
    let max = if signer_name::is_of_kubernetes(signer) { MAX_SECONDS_OF_KUBERNETES } else { MAX_SECONDS };
    if !(MIN_SECONDS..=max).contains(&seconds) {
        let why = format!("must be in the range [{MIN_SECONDS}, {max}]");
        out.push(FieldError::invalid(&place, seconds, why));
    }
    out.extend(key_error(field, spec));
    out
}

/// Keys like those of annotations.
fn annotations(field: &FieldPath, annotations: Option<&Map>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut bytes = 0;
    for (key, value) in annotations.into_iter().flat_map(Map::iter) {
        let complaints = names::qualified_name(&key.to_lowercase());
        out.extend(invalid(&field.key(key), key, complaints));
        bytes += key.len() + value.as_str().map_or(0, str::len);
    }
    if bytes > MAX_ANNOTATIONS {
        out.push(FieldError::too_long(field, MAX_ANNOTATIONS));
    }
    out
}

fn uid_error(field: &FieldPath, uid: &str) -> Option<FieldError> {
    match uid.len() {
        0 => Some(FieldError::invalid(field, uid, "must not be empty")),
        1..=MAX_UID => None,
        _ => Some(FieldError::too_long(field, MAX_UID)),
    }
}

/// What is wrong with the key, or with the signature of the pod's uid that proves who has it.
fn key_error(field: &FieldPath, spec: &Document) -> Option<FieldError> {
    let [key, proof] =
        ["pkixPublicKey", "proofOfPossession"].map(|name| (field.child(name), spec.str_at(&[name])));
    for (place, text) in [&key, &proof] {
        if STANDARD.decode(text).map_or(0, |bytes| bytes.len()) > MAX_KEY {
            return Some(FieldError::too_long(place, MAX_KEY));
        }
    }
    let (place, text) = &key;
    let wrong = match key::check(text, spec.str_at(&["podUID"]), proof.1) {
        Ok(()) => return None,
        Err(wrong) => wrong,
    };
    Some(match wrong {
        Wrong::Malformed => FieldError::invalid(place, *text, "must be a valid PKIX-serialized public key"),
        Wrong::Unknown => {
            let why = "unknown public key type; supported types are Ed25519, ECDSA, and RSA";
            FieldError::invalid(place, *text, why)
        }
        Wrong::Kind(found, why) => FieldError::invalid(place, found, why),
        Wrong::Proof => {
            without_value(FieldError::invalid(&proof.0, "", "could not verify proof-of-possession signature"))
        }
    })
}

/// Upstream shows no value here.
pub(super) fn without_value(mut error: FieldError) -> FieldError {
    error.value.clear();
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{Ed25519KeyPair, KeyPair};
    use skiff_apimachinery::doc;

    /// A key as PKIX, and its signature of a text; both in base64.
    fn signed(text: &str) -> (String, String) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        der.extend_from_slice(pair.public_key().as_ref());
        (STANDARD.encode(der), STANDARD.encode(pair.sign(text.as_bytes())))
    }

    fn fine() -> Document {
        let (key, proof) = signed("uid");
        doc!({
            "signerName": "example.com/a", "podName": "p", "podUID": "uid", "serviceAccountName": "s",
            "serviceAccountUID": "su", "nodeName": "n", "nodeUID": "nu", "maxExpirationSeconds": 86_400,
            "pkixPublicKey": key, "proofOfPossession": proof
        })
    }

    fn complaints(spec: &Document) -> Vec<String> {
        errors(&FieldPath::new("spec"), spec).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn requests_are_judged_in_upstreams_words() {
        assert_eq!(complaints(&fine()), Vec::<String>::new());
        let cases = [
            (
                "podUID",
                doc!("other"),
                "spec.proofOfPossession: Invalid value: could not verify proof-of-possession signature",
            ),
            ("nodeUID", doc!(""), r#"spec.nodeUID: Invalid value: "": must not be empty"#),
            (
                "pkixPublicKey",
                doc!("aGk="),
                r#"spec.pkixPublicKey: Invalid value: "aGk=": must be a valid PKIX-serialized public key"#,
            ),
            (
                "maxExpirationSeconds",
                Document::NULL,
                "spec.maxExpirationSeconds: Required value: must be set",
            ),
            (
                "maxExpirationSeconds",
                doc!(60),
                "spec.maxExpirationSeconds: Invalid value: 60: must be in the range [3600, 7862400]",
            ),
        ];
        for (key, value, expected) in cases {
            let mut spec = fine();
            spec.insert(key, value);
            assert_eq!(complaints(&spec), [expected]);
        }
        let mut spec = fine();
        spec.insert("signerName", "kubernetes.io/kube-apiserver-client-pod");
        spec.insert("maxExpirationSeconds", 86_401);
        assert_eq!(
            complaints(&spec),
            ["spec.maxExpirationSeconds: Invalid value: 86401: must be in the range [3600, 86400]"]
        );
    }
}

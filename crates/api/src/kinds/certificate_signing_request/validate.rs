//! What is wrong with a CertificateSigningRequest.

use super::conditions;
use crate::validation::{pem, signer_name};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What a certificate may be asked for, sorted.
const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];
/// The signer of objects that were stored before requests named one.
const LEGACY_SIGNER: &str = "kubernetes.io/legacy-unknown";
/// Shortest lifetime that may be asked for.
const MIN_SECONDS: i64 = 600;

/// What a write may set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The request itself.
    Request,
    /// The certificate and what became of the request.
    Status,
    /// Whether it is approved.
    Approval,
}

/// What is wrong with a request. What was wrong with `old` before is let through.
pub(super) fn request(object: &Document, old: Option<&Document>) -> FieldErrors {
    let field = FieldPath::new("spec");
    let spec = &object["spec"];
    let mut out = FieldErrors::new();
    if let Err(why) = signed_request(spec.str_at(&["request"])) {
        out.push(FieldError::invalid(&field.child("request"), spec.get("request").cloned(), why));
    }
    out.extend(usages(&field.child("usages"), spec, old));
    let (place, signer) = (field.child("signerName"), spec.str_at(&["signerName"]));
    let was_legacy = old.is_some_and(|old| old.str_at(&["spec", "signerName"]) == LEGACY_SIGNER);
    if signer == LEGACY_SIGNER && !was_legacy {
        let why = "the legacy signerName is not allowed via this API version";
        out.push(FieldError::invalid(&place, signer, why));
    } else {
        out.extend(signer_name::errors(&place, signer));
    }
    if let Some(seconds) = spec.i64_at(&["expirationSeconds"]).filter(|seconds| *seconds < MIN_SECONDS) {
        let why = "may not specify a duration less than 600 seconds (10 minutes)";
        out.push(FieldError::invalid(&field.child("expirationSeconds"), seconds, why));
    }
    out.extend(conditions::errors(object, old));
    out.extend(certificate(object, old));
    out
}

/// What is wrong with a changed request.
pub(super) fn update(new: &Document, old: &Document, part: Part) -> FieldErrors {
    let mut out = request(new, Some(old));
    out.extend(conditions::changes(new, old, part == Part::Approval));
    let certificate = |object: &Document| object.str_at(&["status", "certificate"]).to_owned();
    if certificate(new) != certificate(old) {
        let place = FieldPath::new("status").child("certificate");
        if part != Part::Status {
            out.push(FieldError::forbidden(&place, "updates may not set certificate content"));
        } else if !certificate(old).is_empty() {
            out.push(FieldError::forbidden(&place, "updates may not modify existing certificate content"));
        }
    }
    out
}

fn usages(field: &FieldPath, spec: &Document, old: Option<&Document>) -> FieldErrors {
    let usages: Vec<&str> = texts(spec);
    let known: Vec<&str> = old.map(|old| texts(&old["spec"])).unwrap_or_default();
    let mut out = FieldErrors::new();
    if usages.is_empty() {
        out.push(FieldError::required(field, ""));
    }
    if known.iter().all(|usage| USAGES.contains(usage)) {
        let unknown = usages.iter().enumerate().filter(|(_, usage)| !USAGES.contains(usage));
        out.extend(unknown.map(|(i, usage)| FieldError::not_supported(&field.index(i), *usage, &USAGES)));
    }
    if known.iter().collect::<HashSet<_>>().len() == known.len() {
        let mut seen = HashSet::new();
        for (i, usage) in usages.iter().enumerate() {
            if !seen.insert(*usage) {
                out.push(FieldError::duplicate(&field.index(i), *usage));
            }
        }
    }
    out
}

fn texts(spec: &Document) -> Vec<&str> {
    spec.array_at(&["usages"]).iter().filter_map(Document::as_str).collect()
}

/// Whether a text is a request, PEM in base64, that its own key signed.
fn signed_request(text: &str) -> Result<(), String> {
    let block = pem::blocks_in_base64(text).into_iter().next();
    let block = block.filter(|block| block.label == "CERTIFICATE REQUEST");
    let block = block.ok_or("PEM block type must be CERTIFICATE REQUEST")?;
    let parsed = X509CertificationRequest::from_der(&block.der);
    let (_, request) = parsed.map_err(|error| format!("asn1: structure error: {error}"))?;
    let failure = if matches!(
        request.certification_request_info.subject_pki.parsed(),
        Ok(x509_parser::public_key::PublicKey::RSA(_))
    ) {
        "crypto/rsa: verification error"
    } else {
        "x509: ECDSA verification failure"
    };
    request.verify_signature().map_err(|_| failure.to_owned())
}

/// The certificate of a status, unless it is what it was or was malformed before.
fn certificate(object: &Document, old: Option<&Document>) -> Option<FieldError> {
    let text = object.str_at(&["status", "certificate"]);
    let before = old.map(|old| old.str_at(&["status", "certificate"]));
    if before.is_some_and(|before| before == text || certificates(before).is_err()) {
        return None;
    }
    let why = certificates(text).err()?;
    let place = FieldPath::new("status").child("certificate");
    Some(FieldError::invalid(&place, "<certificate data>", why))
}

fn certificates(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let blocks = pem::blocks_in_base64(text);
    for block in &blocks {
        if block.label != "CERTIFICATE" {
            return Err(format!("only CERTIFICATE PEM blocks are allowed, found {:?}", block.label));
        }
        if block.has_headers {
            return Err("no PEM block headers are permitted".to_owned());
        }
        if block.der.is_empty() {
            return Err("found CERTIFICATE PEM block containing 0 certificates".to_owned());
        }
        X509Certificate::from_der(&block.der).map_err(|_| "x509: malformed certificate".to_owned())?;
    }
    if blocks.is_empty() {
        return Err("must contain at least one CERTIFICATE PEM block".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use skiff_apimachinery::doc;

    /// O=dev, CN=ann.
    const REQUEST: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIHVMH4CAQAwHDEMMAoGA1UECgwDZGV2MQwwCgYDVQQDDANhbm4wWTATBgcqhkjO
PQIBBggqhkjOPQMBBwNCAAQUL//nVxfrDWzGSD1BcpWR/KBX8XgrT9KJnv1SYuFU
sY2UpkGFaHewMAiPHrkVmps+G7xmVii9DWz4t7x+72gwoAAwCgYIKoZIzj0EAwID
RwAwRAIgPAiFakp4t8OdnoPSVYFPB7BHWyRwI/rFpx1Xsb3X6gkCIDOajI7wCuxb
2ZfhH6DZlvNklf6JRJRF/20lg3zin2V/
-----END CERTIFICATE REQUEST-----
";

    fn fine() -> Document {
        doc!({"spec": {
            "request": STANDARD.encode(REQUEST), "signerName": "example.com/a", "usages": ["client auth"]
        }})
    }

    fn complaints(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn requests_are_judged_in_upstreams_words() {
        assert_eq!(complaints(&request(&fine(), None)), Vec::<String>::new());
        let cases = [
            (
                "request",
                doc!("aGk="),
                r#"spec.request: Invalid value: "aGk=": PEM block type must be CERTIFICATE REQUEST"#,
            ),
            ("usages", doc!([]), "spec.usages: Required value"),
            ("usages", doc!(["any", "any"]), r#"spec.usages[1]: Duplicate value: "any""#),
            (
                "signerName",
                doc!("kubernetes.io/legacy-unknown"),
                r#"spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version"#,
            ),
            (
                "expirationSeconds",
                doc!(599),
                "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)",
            ),
        ];
        for (key, value, expected) in cases {
            let mut object = fine();
            object.set(&["spec", key], value);
            assert_eq!(complaints(&request(&object, None)), [expected]);
        }
        let mut object = fine();
        object.set(&["spec", "usages"], doc!(["dancing"]));
        let told = complaints(&request(&object, None));
        assert!(told[0].starts_with(
            r#"spec.usages[0]: Unsupported value: "dancing": supported values: "any", "cert sign", "client auth""#
        ));
        assert_eq!(complaints(&request(&object, Some(&object))), Vec::<String>::new());
    }

    #[test]
    fn a_request_is_signed_by_its_own_key() {
        let forged = STANDARD.encode(REQUEST.replace("2ZfhH6DZ", "2ZfhH6Da"));
        assert_eq!(signed_request(&forged), Err("x509: ECDSA verification failure".to_owned()));
    }

    #[test]
    fn certificates_are_set_once_and_through_the_status() {
        let old = fine();
        let mut new = old.clone();
        new.set(&["status", "certificate"], STANDARD.encode("none"));
        assert_eq!(
            complaints(&update(&new, &old, Part::Status)),
            [
                r#"status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block"#
            ]
        );
        let set = "status.certificate: Forbidden: updates may not set certificate content";
        assert!(complaints(&update(&new, &old, Part::Request)).contains(&set.to_owned()));
        let mut newer = new.clone();
        newer.set(&["status", "certificate"], STANDARD.encode("another"));
        assert_eq!(
            complaints(&update(&newer, &new, Part::Status)),
            ["status.certificate: Forbidden: updates may not modify existing certificate content"]
        );
    }
}

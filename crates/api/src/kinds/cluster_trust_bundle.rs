//! ClusterTrustBundles: certificates of authorities, of a signer or for anybody (KEP-3257).

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::{self, names, pem, signer_name};
use crate::{Cell, Column, NameRule, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::borrow::Cow;
use x509_parser::prelude::{FromDer, X509Certificate};

/// `certificates.k8s.io/v1beta1 ClusterTrustBundle`.
pub(crate) struct ClusterTrustBundle;

/// Most bytes of a bundle.
const MAX_BUNDLE: usize = 1 << 20;
/// What is shown instead of a bundle.
const OMITTED: &str = "<value omitted>";

impl Strategy for ClusterTrustBundle {
    fn name_rule(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let mut out = errors(object);
        out.extend(bundle_errors(object.str_at(&["spec", "trustBundle"])));
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = errors(new);
        let [signer, bundle] = [&["spec", "signerName"], &["spec", "trustBundle"]];
        // A bundle that was taken stays good, whatever is thought of it later.
        if new.str_at(bundle) != old.str_at(bundle) {
            out.extend(bundle_errors(new.str_at(bundle)));
        }
        let field = FieldPath::new("spec").child("signerName");
        out.extend(validation::immutable(&field, new.at(signer), old.at(signer)));
        out
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        vec!["spec.signerName".into()]
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("SignerName")]
    }

    fn cells(&self, object: &Document, _now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::or_none(object.str_at(&["spec", "signerName"]))]
    }
}

fn errors(object: &Document) -> FieldErrors {
    let signer = object.str_at(&["spec", "signerName"]);
    let field = FieldPath::new("metadata").child("name");
    let mut out = validation::invalid(&field, object.name(), name_complaints(object.name(), signer));
    if !signer.is_empty() {
        out.extend(signer_name::errors(&FieldPath::new("spec").child("signerName"), signer));
    }
    out
}

/// A signer's bundles begin with the signer, and nobody else's do.
fn name_complaints(name: &str, signer: &str) -> Vec<String> {
    if signer.is_empty() {
        if name.contains(':') {
            return vec!["ClusterTrustBundle without signer name must not have \":\" in its name".to_owned()];
        }
        return names::dns1123_subdomain(name);
    }
    let prefix = format!("{}:", signer.replace('/', ":"));
    match name.strip_prefix(&prefix) {
        Some(rest) => names::dns1123_subdomain(rest),
        None => {
            vec![format!("ClusterTrustBundle for signerName {signer} must be named with prefix {prefix}")]
        }
    }
}

fn bundle_errors(bundle: &str) -> FieldErrors {
    let field = FieldPath::new("spec").child("trustBundle");
    if bundle.len() > MAX_BUNDLE {
        return vec![FieldError::too_long(&field, MAX_BUNDLE)];
    }
    let wrong = |why: String| FieldError::invalid(&field, OMITTED, why);
    let blocks = pem::blocks(bundle);
    let malformed = blocks.iter().enumerate().filter_map(|(i, block)| block_problem(i, block));
    let out: FieldErrors = malformed.map(wrong).collect();
    if !out.is_empty() {
        return out;
    }
    if blocks.is_empty() {
        return vec![wrong("at least one trust anchor must be provided".to_owned())];
    }
    duplicates(&blocks).into_iter().map(wrong).collect()
}

fn block_problem(i: usize, block: &pem::Block) -> Option<String> {
    let told = |what: &str| Some(format!("entry {i} {what}"));
    if block.label != "CERTIFICATE" {
        return told(&format!("has bad block type: {}", block.label));
    }
    if block.has_headers {
        return told("has PEM block headers");
    }
    match X509Certificate::from_der(&block.der) {
        Ok(([], certificate)) => {
            if certificate.is_ca() {
                None
            } else {
                told("does not have the CA bit set")
            }
        }
        _ => told("does not parse as X.509"),
    }
}

/// Certificates that come more than once, each told once.
fn duplicates(blocks: &[pem::Block]) -> Vec<String> {
    let same_as = |block: &pem::Block| -> Vec<String> {
        let same = blocks.iter().enumerate().filter(|(_, other)| other.der == block.der);
        same.map(|(i, _)| i.to_string()).collect()
    };
    let mut out: Vec<String> = blocks
        .iter()
        .map(same_as)
        .filter(|indices| indices.len() > 1)
        .map(|indices| format!("duplicate trust anchor (indices [{}])", indices.join(" ")))
        .collect();
    let mut told = std::collections::HashSet::new();
    out.retain(|text| told.insert(text.clone()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    /// An authority's certificate of its own name.
    const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----
MIIBijCCATGgAwIBAgIUfX3d1IzCRz8+68sQIUn+c2HEzu4wCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPZTJlLWNvbmZvcm1hbmNlMCAXDTI2MTEyODA0MjkwN1oYDzIx
MjYxMTA0MDQyOTA3WjAaMRgwFgYDVQQDDA9lMmUtY29uZm9ybWFuY2UwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAAQAJtoMiAok9DEZ+PHhBKDM7yXCq125Beiwe983
/8dTTmLMNmble2cVvYemmkKvHr73+cscCTC0zzOwVbQzQghBo1MwUTAdBgNVHQ4E
FgQUSEVdiTR9dNk+ZlPPat9hiUD5XxowHwYDVR0jBBgwFoAUSEVdiTR9dNk+ZlPP
at9hiUD5XxowDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiB+OVPX
VDuz0X9SxQGPga6AiPaW/6oU8y3FseiRswy4XAIgfCVUKZ7NZ1jJ3PufdHEkmLNy
63QF6QMtMBQVkcUyLyc=
-----END CERTIFICATE-----
";

    fn complaints(name: &str, signer: &str, bundle: &str) -> Vec<String> {
        let object =
            doc!({"metadata": {"name": name}, "spec": {"signerName": signer, "trustBundle": bundle}});
        ClusterTrustBundle.validate_create(&object).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_signers_bundles_are_named_after_it() {
        assert_eq!(complaints("a", "", AUTHORITY), Vec::<String>::new());
        assert_eq!(complaints("example.com:x:a", "example.com/x", AUTHORITY), Vec::<String>::new());
        assert_eq!(
            complaints("a", "example.com/x", AUTHORITY),
            [
                r#"metadata.name: Invalid value: "a": ClusterTrustBundle for signerName example.com/x must be named with prefix example.com:x:"#
            ]
        );
        assert_eq!(
            complaints("a:b", "", AUTHORITY),
            [
                r#"metadata.name: Invalid value: "a:b": ClusterTrustBundle without signer name must not have ":" in its name"#
            ]
        );
    }

    #[test]
    fn bundles_hold_authorities_once() {
        let cases = [
            (String::new(), "at least one trust anchor must be provided"),
            (AUTHORITY.replace("CERTIFICATE", "KEY"), "entry 0 has bad block type: KEY"),
            (AUTHORITY.replace("MIIBijCC", "A: b\n\nMIIBijCC"), "entry 0 has PEM block headers"),
            (
                "-----BEGIN CERTIFICATE-----\naGk=\n-----END CERTIFICATE-----\n".to_owned(),
                "entry 0 does not parse as X.509",
            ),
            (AUTHORITY.repeat(3), "duplicate trust anchor (indices [0 1 2])"),
        ];
        for (bundle, why) in cases {
            let expected = format!(r#"spec.trustBundle: Invalid value: "<value omitted>": {why}"#);
            assert_eq!(complaints("a", "", &bundle), [expected]);
        }
        let long = "a".repeat(MAX_BUNDLE + 1);
        assert_eq!(
            complaints("a", "", &long),
            ["spec.trustBundle: Too long: may not be more than 1048576 bytes"]
        );
    }

    #[test]
    fn the_signer_stays_and_an_old_bundle_is_not_read_again() {
        let old = doc!({"metadata": {"name": "a"}, "spec": {"trustBundle": "odd"}});
        let mut new = old.clone();
        new.set(&["metadata", "labels"], doc!({"a": "b"}));
        assert_eq!(ClusterTrustBundle.validate_update(UpdateScope::Main, &new, &old), []);
        new.set(&["spec", "signerName"], "example.com/x");
        let errors = ClusterTrustBundle.validate_update(UpdateScope::Main, &new, &old);
        assert!(errors.iter().any(|error| {
            error.to_string() == r#"spec.signerName: Invalid value: "example.com/x": field is immutable"#
        }));
    }
}

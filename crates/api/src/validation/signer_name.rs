//! Names of signers of certificates: `example.com/name`.

use super::names::{self, MAX_LABEL, MAX_SUBDOMAIN};
use skiff_apimachinery::{FieldError, FieldErrors, FieldPath};

/// The longest name: a domain, a slash, a namespace, a dot and a name.
const MAX: usize = MAX_SUBDOMAIN + 1 + MAX_LABEL + 1 + MAX_SUBDOMAIN;

/// What is wrong with a signer's name.
pub(crate) fn errors(field: &FieldPath, name: &str) -> FieldErrors {
    if name.is_empty() {
        return vec![FieldError::required(field, "")];
    }
    let (Some((domain, path)), 1) = (name.split_once('/'), name.matches('/').count()) else {
        let why = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        return vec![FieldError::invalid(field, name, why)];
    };
    let mut out = FieldErrors::new();
    if domain.len() > MAX_SUBDOMAIN {
        out.push(FieldError::too_long(field, MAX_SUBDOMAIN));
    }
    out.extend(first_wrong(field, domain, names::dns1123_label));
    if !domain.contains('.') {
        let why = "should be a domain with at least two segments separated by dots";
        out.push(FieldError::invalid(field, domain, why));
    }
    out.extend(first_wrong(field, path, names::dns1123_subdomain));
    if name.len() > MAX {
        out.push(FieldError::too_long(field, MAX));
    }
    out
}

/// What is wrong with the first wrong one of the labels between dots.
fn first_wrong(field: &FieldPath, segment: &str, check: fn(&str) -> Vec<String>) -> FieldErrors {
    let mut labels = segment.split('.').map(|label| (label, check(label)));
    let wrong = labels.find(|(_, complaints)| !complaints.is_empty());
    let Some((label, complaints)) = wrong else { return FieldErrors::new() };
    let told = complaints.into_iter().map(|why| format!("validating label {label:?}: {why}"));
    told.map(|why| FieldError::invalid(field, segment, why)).collect()
}

/// Whether the signer is one of upstream's own.
pub(crate) fn is_of_kubernetes(name: &str) -> bool {
    let domain = name.split('/').next().unwrap_or_default();
    domain == "kubernetes.io" || domain.ends_with(".kubernetes.io")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signers_have_a_domain_and_a_path() {
        let form = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        let cases = [
            ("example.com/a.b", String::new()),
            ("", "s: Required value".to_owned()),
            ("example.com", format!(r#"s: Invalid value: "example.com": {form}"#)),
            ("example.com/a/b", format!(r#"s: Invalid value: "example.com/a/b": {form}"#)),
            (
                "example/a",
                r#"s: Invalid value: "example": should be a domain with at least two segments separated by dots"#
                    .to_owned(),
            ),
        ];
        for (name, expected) in cases {
            let texts: Vec<String> =
                errors(&FieldPath::new("s"), name).iter().map(ToString::to_string).collect();
            assert_eq!(texts.join("; "), expected, "{name}");
        }
        let wrong = errors(&FieldPath::new("s"), "a.-b.c/x");
        assert!(wrong[0].detail.starts_with(r#"validating label "-b": a lowercase RFC 1123 label"#));
        assert_eq!(wrong.len(), 1);
    }
}

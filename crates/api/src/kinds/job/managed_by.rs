//! Who runs a job in place of the server's own controller: a name of the form `example.com/controller`.

use crate::validation::{self, names};
use skiff_apimachinery::{FieldError, FieldErrors, FieldPath};

const LONGEST: usize = 63;
const PATH: &str = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+";

/// What is wrong with the name.
pub(super) fn validate(name: &str, field: &FieldPath) -> FieldErrors {
    let mut out = prefixed_path(name, field);
    if name.len() > LONGEST {
        out.push(FieldError::too_long(field, LONGEST));
    }
    out
}

fn prefixed_path(name: &str, field: &FieldPath) -> FieldErrors {
    if name.is_empty() {
        return vec![FieldError::required(field, "")];
    }
    let parts = name.split_once('/').filter(|(host, path)| !host.is_empty() && !path.is_empty());
    let Some((host, path)) = parts else {
        let why = "must be a domain-prefixed path (such as \"acme.io/foo\")";
        return vec![FieldError::invalid(field, name, why)];
    };
    let mut out = validation::invalid(field, host, names::dns1123_subdomain(host));
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/-._~%!$&'()*+,;=:".contains(c);
    if !path.chars().all(allowed) {
        out.push(FieldError::invalid(field, path, names::pattern_text("Invalid path", PATH, &[])));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_paths_with_a_domain() {
        let long = format!("example.com/{}", "a".repeat(52));
        let cases: [(&str, &[&str]); 7] = [
            ("example.com/job", &[]),
            ("", &["f: Required value"]),
            ("job", &[r#"f: Invalid value: "job": must be a domain-prefixed path (such as "acme.io/foo")"#]),
            (
                "/job",
                &[r#"f: Invalid value: "/job": must be a domain-prefixed path (such as "acme.io/foo")"#],
            ),
            (
                "Example/job",
                &[
                    r#"f: Invalid value: "Example": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"#,
                ],
            ),
            (
                "example.com/a b",
                &[
                    r#"f: Invalid value: "a b": Invalid path (regex used for validation is '[A-Za-z0-9/\-._~%!$&'()*+,;=:]+')"#,
                ],
            ),
            (&long, &["f: Too long: may not be more than 63 bytes"]),
        ];
        for (name, expected) in cases {
            let errors = validate(name, &FieldPath::new("f"));
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{name:?}");
        }
    }
}

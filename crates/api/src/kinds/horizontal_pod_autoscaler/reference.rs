//! What an autoscaler names: the object that it scales and those whose metrics it looks at.

use crate::validation::{self, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// What is asked of the `apiVersion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// It names a group, for only one kind of the core group scales.
    Grouped,
    /// It is one.
    Any,
    /// Nothing: what was stored before the rule may stay.
    Unchecked,
}

/// What is wrong with a reference.
pub(super) fn validate(reference: &Document, field: &FieldPath, asked: Version) -> FieldErrors {
    let mut out = FieldErrors::new();
    for name in ["kind", "name"] {
        let (at, value) = (field.child(name), reference.str_at(&[name]));
        if value.is_empty() {
            out.push(FieldError::required(&at, ""));
        } else {
            out.extend(validation::invalid(&at, value, names::path_segment(value)));
        }
    }
    let (at, version) = (field.child("apiVersion"), reference.str_at(&["apiVersion"]));
    let core = reference.str_at(&["kind"]) == "ReplicationController";
    match group(version) {
        _ if asked == Version::Unchecked => {}
        Err(why) => out.push(FieldError::invalid(&at, version, why)),
        Ok("") if asked == Version::Grouped && !core => {
            out.push(FieldError::invalid(&at, version, "apiVersion must specify API group"));
        }
        Ok(_) => {}
    }
    out
}

/// The group of a version of an API.
///
/// # Errors
/// Upstream's words for what is no version.
pub(super) fn group(version: &str) -> Result<&str, String> {
    match version.split_once('/') {
        Some((_, rest)) if rest.contains('/') => Err(format!("unexpected GroupVersion string: {version}")),
        Some((group, _)) => Ok(group),
        None => Ok(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn upstreams_messages_name_the_field() {
        let reference =
            |kind: &str, version: &str| doc!({"kind": kind, "name": "web", "apiVersion": version});
        let cases: [(Document, Version, &[&str]); 8] = [
            (reference("Deployment", "apps/v1"), Version::Grouped, &[]),
            (reference("ReplicationController", "v1"), Version::Grouped, &[]),
            (
                reference("Deployment", "v1"),
                Version::Grouped,
                &[r#"r.apiVersion: Invalid value: "v1": apiVersion must specify API group"#],
            ),
            (reference("Pod", "v1"), Version::Any, &[]),
            (
                reference("Pod", "a/b/c"),
                Version::Any,
                &[r#"r.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c"#],
            ),
            (reference("Pod", "a/b/c"), Version::Unchecked, &[]),
            (doc!({}), Version::Any, &["r.kind: Required value", "r.name: Required value"]),
            (
                reference("../Pod", "v1"),
                Version::Any,
                &[r#"r.kind: Invalid value: "../Pod": may not contain '/'"#],
            ),
        ];
        for (reference, asked, expected) in cases {
            let errors = validate(&reference, &FieldPath::new("r"), asked);
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{reference} {asked:?}");
        }
    }
}

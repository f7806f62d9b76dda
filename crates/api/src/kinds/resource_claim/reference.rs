//! How constraints, configurations and results name requests: `REQUEST` or `REQUEST/ALTERNATIVE`.

use crate::kinds::devices::{itself, name, set};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::{HashMap, HashSet};

const MAX_REFERENCES: usize = 32;

/// The names of a claim's requests, and of their alternatives.
pub(super) struct RequestNames<'a>(HashMap<&'a str, HashSet<&'a str>>);

// === impl RequestNames ===

impl<'a> RequestNames<'a> {
    /// Those of the devices that a claim asks for.
    pub(super) fn of(devices: &'a Document) -> Self {
        let names = devices.array_at(&["requests"]).iter().map(|request| {
            let alternatives = request.array_at(&["firstAvailable"]).iter();
            let alternatives = alternatives.map(|alternative| alternative.str_at(&["name"])).collect();
            (request.str_at(&["name"]), alternatives)
        });
        Self(names.collect())
    }

    /// What is wrong with the list of requests that something is about.
    pub(super) fn list_errors(&self, field: &FieldPath, references: &[Document]) -> FieldErrors {
        let rule = |field: &FieldPath, reference: &Document| self.errors(field, itself(reference));
        set(field, references, MAX_REFERENCES, rule, itself)
    }

    /// What is wrong with the name of a request.
    pub(super) fn errors(&self, field: &FieldPath, reference: &str) -> FieldErrors {
        let why = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
        let unknown = FieldError::invalid(field, reference, why);
        let parts: Vec<&str> = reference.split('/').collect();
        if parts.len() > 2 {
            return vec![unknown];
        }
        let mut out: FieldErrors = parts.iter().flat_map(|part| name::label(field, part)).collect();
        if !self.contains(&parts) {
            out.push(unknown);
        }
        out
    }

    fn contains(&self, parts: &[&str]) -> bool {
        match parts {
            [request] => self.0.contains_key(*request),
            [request, alternative] => self.0.get(*request).is_some_and(|names| names.contains(*alternative)),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn references_name_requests_or_alternatives_of_them() {
        const WHY: &str = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
        let devices = doc!({"requests": [{"name": "a"}, {"name": "b", "firstAvailable": [{"name": "x"}]}]});
        let names = RequestNames::of(&devices);
        let texts = |references: Document| -> Vec<String> {
            let errors = names.list_errors(&FieldPath::new("r"), references.as_array().unwrap());
            errors.iter().map(ToString::to_string).collect()
        };
        assert_eq!(texts(doc!(["a", "b", "b/x"])), Vec::<String>::new());
        assert_eq!(texts(doc!(["a", "a"])), [r#"r[1]: Duplicate value: "a""#]);
        for unknown in ["c", "a/x", "b/x/y"] {
            assert_eq!(texts(doc!([unknown])), [format!("r[0]: Invalid value: {unknown:?}: {WHY}")]);
        }
        assert_eq!(texts(doc!(["b/A"])).len(), 2);
    }
}

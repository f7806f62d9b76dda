//! What is wrong with names of a definition, asked for or accepted.

use crate::validation::names::dns1035_label;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// What is wrong with the names that are given.
pub(super) fn errors(field: &FieldPath, given: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    for key in ["plural", "singular"] {
        let name = given.str_at(&[key]);
        if !name.is_empty() {
            out.extend(label(&field.child(key), name));
        }
    }
    for key in ["kind", "listKind"] {
        let name = given.str_at(&[key]);
        let complaints = dns1035_label(&name.to_lowercase());
        if !name.is_empty() && !complaints.is_empty() {
            let why = format!("may have mixed case, but should otherwise match: {}", complaints.join(","));
            out.push(FieldError::invalid(&field.child(key), name, why));
        }
    }
    out.extend(list(&field.child("shortNames"), given.array_at(&["shortNames"])));
    let [kind, list_kind] = ["kind", "listKind"].map(|key| given.str_at(&[key]));
    if !kind.is_empty() && kind == list_kind {
        let why = "kind and listKind may not be the same";
        out.push(FieldError::invalid(&field.child("listKind"), list_kind, why));
    }
    out.extend(list(&field.child("categories"), given.array_at(&["categories"])));
    out
}

fn list(field: &FieldPath, names: &[Document]) -> FieldErrors {
    let names = names.iter().enumerate();
    names.filter_map(|(i, name)| label(&field.index(i), name.as_str().unwrap_or_default())).collect()
}

/// All that is wrong with a label, in one error.
pub(super) fn label(field: &FieldPath, name: &str) -> Option<FieldError> {
    let complaints = dns1035_label(name);
    (!complaints.is_empty()).then(|| FieldError::invalid(field, name, complaints.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn names_are_labels() {
        let given = doc!({
            "plural": "Boats", "singular": "", "kind": "Bo_at", "listKind": "BoatList", "shortNames": ["b", ""],
            "categories": ["all", "9"]
        });
        let texts: Vec<String> =
            errors(&FieldPath::new("n"), &given).iter().map(|error| error.field.to_string()).collect();
        assert_eq!(texts, ["n.plural", "n.kind", "n.shortNames[1]", "n.categories[1]"]);
        let kind = &errors(&FieldPath::new("n"), &given)[1];
        assert!(kind.detail.starts_with("may have mixed case, but should otherwise match: a DNS-1035 label"));
    }
}

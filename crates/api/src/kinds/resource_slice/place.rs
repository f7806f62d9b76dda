//! Which nodes reach the devices of a slice, or one of them: one node, some, or all.

use crate::kinds::internal_form;
use crate::kinds::node_selector::{self, TERM, Values};
use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const OF_SLICE: &str =
    "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
const OF_DEVICE: &str = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
const NOT_OF_DEVICE: &str = "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
const UNSET_OR_TRUE: &str = "must be either unset or set to true";

/// What is wrong with the place of a slice.
pub(super) fn of_slice(field: &FieldPath, spec: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut set = common(field, spec, "must be either unset or set to a non-empty string", &mut out);
    if let Some(terms) = given(spec, "nodeSelector").map(|selector| selector.array_at(&["nodeSelectorTerms"]))
        && terms.len() != 1
    {
        // Selectors of slices are merged when devices are allocated, which needs a single term.
        let shown = spec.at(&["nodeSelector", "nodeSelectorTerms"]);
        let shown = shown.map(|_| internal_form::structures(terms, TERM));
        let field = field.child("nodeSelector").child("nodeSelectorTerms");
        let error = FieldError::invalid(&field, shown, "must have exactly one node selector term");
        out.push(error);
    }
    set.extend(flag(field, spec, "perDeviceNodeSelection", &mut out));
    out.extend(one_of(field, &set, OF_SLICE, &format!("{OF_SLICE}, but multiple fields are set")));
    out
}

/// What is wrong with the place of a device; whether it has one of its own is up to its slice.
pub(super) fn of_device(field: &FieldPath, device: &Document, has_own: bool) -> FieldErrors {
    let mut out = FieldErrors::new();
    if has_own {
        let set = common(field, device, "must not be empty", &mut out);
        out.extend(one_of(field, &set, OF_DEVICE, OF_DEVICE));
    } else if ["nodeName", "nodeSelector", "allNodes"].iter().any(|name| given(device, name).is_some()) {
        out.push(FieldError::invalid(field, Document::NULL, NOT_OF_DEVICE));
    }
    out
}

/// The fields that say where, and what is wrong with each.
fn common(field: &FieldPath, object: &Document, why_empty: &str, out: &mut FieldErrors) -> Vec<&'static str> {
    let mut set = Vec::new();
    if let Some(name) = object.get("nodeName").and_then(Document::as_str) {
        let field = field.child("nodeName");
        if name.is_empty() {
            out.push(FieldError::invalid(&field, name, why_empty));
        } else {
            set.push("`nodeName`");
            out.extend(invalid(&field, name, names::dns1123_subdomain(name)));
        }
    }
    if let Some(selector) = given(object, "nodeSelector") {
        set.push("`nodeSelector`");
        out.extend(node_selector::selector(&field.child("nodeSelector"), selector, Values::Checked));
    }
    set.extend(flag(field, object, "allNodes", out));
    set
}

fn flag(
    field: &FieldPath,
    object: &Document,
    name: &'static str,
    out: &mut FieldErrors,
) -> Option<&'static str> {
    if object.bool_at(&[name])? {
        return Some(if name == "allNodes" { "`allNodes`" } else { "`perDeviceNodeSelection`" });
    }
    out.push(FieldError::invalid(&field.child(name), false, UNSET_OR_TRUE));
    None
}

fn one_of(field: &FieldPath, set: &[&str], why_none: &str, why_many: &str) -> Option<FieldError> {
    match set.len() {
        0 => Some(FieldError::required(field, why_none)),
        1 => None,
        _ => Some(FieldError::invalid(field, format!("{{{}}}", set.join(", ")), why_many)),
    }
}

fn given<'a>(object: &'a Document, name: &str) -> Option<&'a Document> {
    object.get(name).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn slices_are_in_one_place() {
        let term = || doc!({"matchExpressions": [{"key": "a", "operator": "Exists"}]});
        let cases = [
            ("a node", doc!({"nodeName": "n"}), vec![]),
            ("some nodes", doc!({"nodeSelector": {"nodeSelectorTerms": [term()]}}), vec![]),
            (
                "nowhere",
                doc!({"allNodes": false}),
                vec![
                    "s.allNodes: Invalid value: false: must be either unset or set to true",
                    "s: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required",
                ],
            ),
            (
                "twice",
                doc!({"nodeName": "n", "perDeviceNodeSelection": true}),
                vec![
                    r#"s: Invalid value: "{`nodeName`, `perDeviceNodeSelection`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set"#,
                ],
            ),
            (
                "two terms",
                doc!({"nodeSelector": {"nodeSelectorTerms": [{"matchFields": []}, {}]}}),
                vec![
                    r#"s.nodeSelector.nodeSelectorTerms: Invalid value: [{"MatchExpressions":null,"MatchFields":[]},{"MatchExpressions":null,"MatchFields":null}]: must have exactly one node selector term"#,
                ],
            ),
        ];
        for (name, spec, expected) in cases {
            assert_eq!(texts(&of_slice(&FieldPath::new("s"), &spec)), expected, "{name}");
        }
    }

    #[test]
    fn devices_are_where_their_slice_is_unless_it_says_otherwise() {
        let field = FieldPath::new("d");
        assert_eq!(of_device(&field, &doc!({}), false), []);
        assert_eq!(of_device(&field, &doc!({"nodeName": "n"}), true), []);
        assert_eq!(
            texts(&of_device(&field, &doc!({"nodeName": ""}), true)),
            [
                r#"d.nodeName: Invalid value: "": must not be empty"#.to_owned(),
                format!("d: Required value: {OF_DEVICE}"),
            ]
        );
        assert_eq!(
            texts(&of_device(&field, &doc!({"allNodes": true}), false)),
            [format!("d: Invalid value: null: {NOT_OF_DEVICE}")]
        );
    }
}

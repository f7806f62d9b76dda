//! What is wrong with a device of a slice.

use super::{attribute, capacity, counter, place};
use crate::kinds::devices::{binding, list, name, taint};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};

const MAX_ATTRIBUTES_AND_CAPACITIES: usize = 32;
const MAX_TAINTS: usize = 16;

/// What is wrong with a device; taints that it had before are not checked again.
pub(super) fn errors(
    field: &FieldPath,
    device: &Document,
    old: Option<&Document>,
    has_own_place: bool,
) -> FieldErrors {
    let mut out = name::label(&field.child("name"), device.str_at(&["name"]));
    let (attributes, capacities) = (device.object_at(&["attributes"]), device.object_at(&["capacity"]));
    let count = attributes.map_or(0, Map::len) + capacities.map_or(0, Map::len);
    if count > MAX_ATTRIBUTES_AND_CAPACITIES {
        let why = format!(
            "the total number of attributes and capacities must not exceed {MAX_ATTRIBUTES_AND_CAPACITIES}"
        );
        out.push(FieldError::invalid(field, count, why));
    }
    out.extend(attribute::errors(&field.child("attributes"), attributes));
    let is_shared = device.bool_at(&["allowMultipleAllocations"]) == Some(true);
    out.extend(capacity::errors(&field.child("capacity"), capacities, is_shared));
    let taints = device.array_at(&["taints"]);
    if old.is_none_or(|old| old.array_at(&["taints"]) != taints) {
        let rule = |field: &FieldPath, one: &Document| taint::taint(field, one, None);
        out.extend(list(&field.child("taints"), taints, MAX_TAINTS, rule));
    }
    let consumed = device.array_at(&["consumesCounters"]);
    out.extend(counter::consumed(&field.child("consumesCounters"), consumed));
    out.extend(place::of_device(field, device, has_own_place));
    out.extend(binding::errors(field, device));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(device: &Document, old: Option<&Document>) -> Vec<String> {
        errors(&FieldPath::new("d"), device, old, false).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn devices_have_names_and_not_too_many_properties() {
        assert_eq!(texts(&doc!({"name": "a", "attributes": {"x": {"int": 1}}}), None), Vec::<String>::new());
        let attributes: Document = (0..33).map(|n| (format!("a{n}"), doc!({"int": 1}))).collect();
        assert_eq!(
            texts(&doc!({"name": "a.b", "attributes": attributes}), None),
            [
                r#"d.name: Invalid value: "a.b": must not contain dots"#,
                "d: Invalid value: 33: the total number of attributes and capacities must not exceed 32",
            ]
        );
    }

    #[test]
    fn taints_are_checked_when_they_change() {
        let tainted = doc!({"name": "a", "taints": [{"key": "k", "effect": "Later"}]});
        assert_eq!(texts(&tainted, Some(&tainted)), Vec::<String>::new());
        assert_eq!(texts(&tainted, Some(&doc!({"name": "a"}))).len(), 1);
    }
}

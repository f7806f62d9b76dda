//! Conditions that pods wait for before they are bound to a node with a device (KEP-5007).

use super::{itself, list};
use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

const MAX_CONDITIONS: usize = 4;
const GOOD: &str = "bindingConditions";
const BAD: &str = "bindingFailureConditions";

/// What is wrong with the conditions of a device: both lists are there or none, and no condition comes twice.
pub(crate) fn errors(field: &FieldPath, device: &Document) -> FieldErrors {
    let (good, bad) = (device.array_at(&[GOOD]), device.array_at(&[BAD]));
    let mut out = FieldErrors::new();
    for (name, conditions) in [(GOOD, good), (BAD, bad)] {
        out.extend(list(&field.child(name), conditions, MAX_CONDITIONS, |field, condition| {
            invalid(field, itself(condition), names::qualified_name(itself(condition)))
        }));
    }
    let wanted: HashSet<&str> = good.iter().map(itself).collect();
    for (name, conditions) in [(GOOD, good), (BAD, bad)] {
        let mut seen = HashSet::new();
        for (i, condition) in conditions.iter().map(itself).enumerate() {
            let field = field.child(name).index(i);
            if !seen.insert(condition) {
                out.push(FieldError::duplicate(&field, condition));
            }
            if name == BAD && wanted.contains(condition) {
                let why = "bindingFailureConditions must not overlap with bindingConditions";
                out.push(FieldError::invalid(&field, condition, why));
            }
        }
    }
    let (missing, why) = match (good.is_empty(), bad.is_empty()) {
        (true, false) => (GOOD, "bindingConditions are required to use bindingFailureConditions"),
        (false, true) => (BAD, "bindingFailureConditions are required to use bindingConditions"),
        _ => return out,
    };
    out.push(FieldError::invalid(&field.child(missing), Document::NULL, why));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn conditions_come_in_two_lists_without_overlap() {
        let cases = [
            (doc!({}), vec![]),
            (doc!({"bindingConditions": ["a"], "bindingFailureConditions": ["b"]}), vec![]),
            (
                doc!({"bindingConditions": ["a"]}),
                vec![
                    "d.bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions",
                ],
            ),
            (
                doc!({"bindingConditions": ["a", "a"], "bindingFailureConditions": ["a"]}),
                vec![
                    r#"d.bindingConditions[1]: Duplicate value: "a""#,
                    r#"d.bindingFailureConditions[0]: Invalid value: "a": bindingFailureConditions must not overlap with bindingConditions"#,
                ],
            ),
            (
                doc!({"bindingConditions": ["a", "b", "c", "d", "e"], "bindingFailureConditions": ["f"]}),
                vec!["d.bindingConditions: Too many: 5: must have at most 4 items"],
            ),
        ];
        for (device, expected) in cases {
            let found = errors(&FieldPath::new("d"), &device);
            let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected);
        }
    }
}

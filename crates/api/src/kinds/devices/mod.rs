//! Devices of `resource.k8s.io`: rules that claims, classes, slices and taint rules share (KEP-4381 and its kin).

pub(crate) mod binding;
pub(crate) mod configuration;
pub(crate) mod name;
pub(crate) mod selector;
pub(crate) mod taint;

use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

/// What is wrong with a list: it is too long, or some of its elements are wrong.
pub(crate) fn list<'d>(
    field: &FieldPath,
    items: &'d [Document],
    max: usize,
    mut rule: impl FnMut(&FieldPath, &'d Document) -> FieldErrors,
) -> FieldErrors {
    if items.len() > max {
        return vec![FieldError::too_many(field, items.len(), max)];
    }
    items.iter().enumerate().flat_map(|(i, item)| rule(&field.index(i), item)).collect()
}

/// What is wrong with a list whose elements differ by a key.
pub(crate) fn set<'d>(
    field: &FieldPath,
    items: &'d [Document],
    max: usize,
    rule: impl FnMut(&FieldPath, &'d Document) -> FieldErrors,
    key: impl Fn(&'d Document) -> &'d str,
) -> FieldErrors {
    let mut out = list(field, items, max, rule);
    if items.len() > max {
        return out;
    }
    let mut seen = HashSet::new();
    for (i, key) in items.iter().map(key).enumerate() {
        if !seen.insert(key) {
            out.push(FieldError::duplicate(&field.index(i), key));
        }
    }
    out
}

/// The key of elements that are texts.
pub(crate) fn itself(item: &Document) -> &str {
    item.as_str().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn sets_are_short_and_without_duplicates() {
        let texts = |items: &Document, max: usize| -> Vec<String> {
            let rule = |field: &FieldPath, item: &Document| -> FieldErrors {
                let empty = itself(item).is_empty();
                empty.then(|| FieldError::required(field, "")).into_iter().collect()
            };
            let errors = set(&FieldPath::new("s"), items.as_array().unwrap(), max, rule, itself);
            errors.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            texts(&doc!(["a", "", "a"]), 3),
            ["s[1]: Required value", r#"s[2]: Duplicate value: "a""#]
        );
        assert_eq!(texts(&doc!(["a", "", "a"]), 2), ["s: Too many: 3: must have at most 2 items"]);
    }
}

//! Capacities of devices, and in which amounts requests may have parts of them (KEP-5075).

use crate::kinds::devices::name;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map, Quantity};
use std::collections::HashSet;

const MAX_VALUES: usize = 10;

/// What is wrong with the capacities of a device; only one that can be shared has policies.
pub(super) fn errors(field: &FieldPath, capacities: Option<&Map>, is_shared: bool) -> FieldErrors {
    let mut capacities: Vec<(&str, &Document)> = capacities.into_iter().flat_map(Map::iter).collect();
    capacities.sort_unstable_by_key(|(name, _)| *name);
    let mut out = FieldErrors::new();
    for (name, capacity) in capacities {
        let field = name::keyed(field, name);
        out.extend(name::qualified(&field, name));
        let Some(policy) = capacity.get("requestPolicy").filter(|policy| !policy.is_null()) else { continue };
        let field = field.child("requestPolicy");
        if is_shared {
            out.extend(request_policy(&field, policy, Quantity::at(capacity, &["value"])));
        } else {
            out.push(FieldError::forbidden(&field, "allowMultipleAllocations must be true"));
        }
    }
    out
}

fn request_policy(field: &FieldPath, policy: &Document, total: Quantity) -> FieldErrors {
    let values = policy.array_at(&["validValues"]);
    let range = policy.get("validRange").filter(|range| !range.is_null());
    let default = amount(policy, "default");
    let needed = |name: &str| {
        vec![FieldError::required(&field.child("default"), format!("required when {name} is defined"))]
    };
    match (values.is_empty(), range, default) {
        (false, Some(_), _) => {
            let why = r#"exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time"#;
            vec![FieldError::forbidden(field, why)]
        }
        (false, None, None) => needed("validValues"),
        (false, None, Some(default)) => valid_values(&field.child("validValues"), values, default, total),
        (true, Some(_), None) => needed("validRange"),
        (true, Some(range), Some(default)) => valid_range(&field.child("validRange"), range, default, total),
        (true, None, _) => FieldErrors::new(),
    }
}

fn valid_values(field: &FieldPath, values: &[Document], default: Quantity, total: Quantity) -> FieldErrors {
    let amounts: Vec<Quantity> = values.iter().map(|value| read(value).unwrap_or(Quantity::ZERO)).collect();
    let mut out = FieldErrors::new();
    for (i, pair) in amounts.windows(2).enumerate() {
        if let [before, after] = pair
            && before > after
        {
            let why = "values must be sorted in ascending order";
            out.push(FieldError::invalid(&field.index(i + 1), *after, why));
        }
    }
    if amounts.len() > MAX_VALUES {
        out.push(FieldError::too_many(field, amounts.len(), MAX_VALUES));
    } else {
        for (i, amount) in amounts.iter().enumerate().filter(|(_, amount)| **amount > total) {
            let why = format!("option is larger than capacity value: {total}");
            out.push(FieldError::invalid(&field.index(i), *amount, why));
        }
        let mut seen = HashSet::new();
        for (i, amount) in amounts.iter().enumerate() {
            if !seen.insert(amount.value()) {
                out.push(FieldError::duplicate(&field.index(i), amount.value().to_string()));
            }
        }
    }
    // Upstream looks for the default among as many values as it checked.
    if amounts.len() > MAX_VALUES || !amounts.contains(&default) {
        let why = "default value is not valid according to the requestPolicy";
        out.push(FieldError::invalid(field, default, why));
    }
    out
}

fn valid_range(field: &FieldPath, range: &Document, default: Quantity, total: Quantity) -> FieldErrors {
    let Some(min) = amount(range, "min") else {
        return vec![FieldError::required(&field.child("min"), "required when validRange is defined")];
    };
    let mut out = FieldErrors::new();
    let mut refuse = |name: &str, value: Quantity, why: String| {
        out.push(FieldError::invalid(&field.child(name), value, why));
    };
    if min > total {
        refuse("min", min, format!("min is larger than capacity value: {total}"));
    }
    if default < min {
        refuse("min", default, format!("default is less than min: {min}"));
    }
    let max = amount(range, "max");
    if let Some(max) = max {
        if min > max {
            refuse("max", min, format!("min is larger than max: {max}"));
        }
        if max > total {
            refuse("max", max, format!("max is larger than capacity value: {total}"));
        }
        if default > max {
            refuse("max", default, format!("default is more than max: {max}"));
        }
    }
    if let Some(step) = amount(range, "step") {
        let once = min + step;
        if once > total {
            refuse("step", step, format!("one step {once} is larger than capacity value: {total}"));
        }
        for value in [Some(default), max].into_iter().flatten() {
            if !is_on_grid(value, min, step) {
                let why = format!("value is not a multiple of a given step ({step}) from ({min})");
                refuse("step", value, why);
            }
        }
    }
    out
}

/// Whether whole steps lead from the least amount to another one; no step leads nowhere.
fn is_on_grid(value: Quantity, min: Quantity, step: Quantity) -> bool {
    let distance = i128::from(value.value()) - i128::from(min.value());
    distance.checked_rem(i128::from(step.value())) == Some(0)
}

fn amount(object: &Document, name: &str) -> Option<Quantity> {
    read(object.get(name)?)
}

fn read(value: &Document) -> Option<Quantity> {
    Quantity::from_document(value)?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(policy: Document, is_shared: bool) -> Vec<String> {
        let capacities = doc!({"memory": {"value": "10", "requestPolicy": policy}});
        let found = errors(&FieldPath::new("c"), capacities.as_object(), is_shared);
        found.iter().map(|error| error.to_string().replace("c[memory].requestPolicy", "p")).collect()
    }

    #[test]
    fn only_shared_devices_have_policies() {
        assert_eq!(texts(doc!({}), true), Vec::<String>::new());
        assert_eq!(texts(doc!({}), false), ["p: Forbidden: allowMultipleAllocations must be true"]);
    }

    #[test]
    fn values_are_sorted_fit_and_have_the_default() {
        let cases = [
            (doc!({"default": "2", "validValues": ["1", "2"]}), vec![]),
            (
                doc!({"validValues": ["1"]}),
                vec!["p.default: Required value: required when validValues is defined"],
            ),
            (
                doc!({"default": "3", "validValues": ["2", "1", "11", "11"]}),
                vec![
                    r#"p.validValues[1]: Invalid value: "1": values must be sorted in ascending order"#,
                    r#"p.validValues[2]: Invalid value: "11": option is larger than capacity value: 10"#,
                    r#"p.validValues[3]: Invalid value: "11": option is larger than capacity value: 10"#,
                    r#"p.validValues[3]: Duplicate value: "11""#,
                    r#"p.validValues: Invalid value: "3": default value is not valid according to the requestPolicy"#,
                ],
            ),
            (
                doc!({"default": "1", "validValues": ["1"], "validRange": {"min": "1"}}),
                vec![
                    r#"p: Forbidden: exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time"#,
                ],
            ),
        ];
        for (policy, expected) in cases {
            assert_eq!(texts(policy, true), expected);
        }
    }

    #[test]
    fn ranges_hold_the_default_on_their_grid() {
        let cases = [
            (doc!({"default": "4", "validRange": {"min": "2", "max": "8", "step": "2"}}), vec![]),
            (
                doc!({"default": "4", "validRange": {}}),
                vec!["p.validRange.min: Required value: required when validRange is defined"],
            ),
            (
                doc!({"default": "1", "validRange": {"min": "11", "max": "12"}}),
                vec![
                    r#"p.validRange.min: Invalid value: "11": min is larger than capacity value: 10"#,
                    r#"p.validRange.min: Invalid value: "1": default is less than min: 11"#,
                    r#"p.validRange.max: Invalid value: "12": max is larger than capacity value: 10"#,
                ],
            ),
            (
                doc!({"default": "3", "validRange": {"min": "2", "max": "8", "step": "4"}}),
                vec![
                    r#"p.validRange.step: Invalid value: "3": value is not a multiple of a given step (4) from (2)"#,
                    r#"p.validRange.step: Invalid value: "8": value is not a multiple of a given step (4) from (2)"#,
                ],
            ),
            (
                doc!({"default": "2", "validRange": {"min": "2", "step": "0"}}),
                vec![
                    r#"p.validRange.step: Invalid value: "2": value is not a multiple of a given step (0) from (2)"#,
                ],
            ),
        ];
        for (policy, expected) in cases {
            assert_eq!(texts(policy, true), expected);
        }
    }
}

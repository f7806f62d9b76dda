//! Counters that devices of a pool share, and what each device takes of them (KEP-4815).

use crate::kinds::devices::{name, set};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};

const MAX_SETS: usize = 8;
const MAX_COUNTERS: usize = 32;
const MAX_CONSUMPTIONS: usize = 2;
const MAX_SHOWN_KEY: usize = 63;

/// What is wrong with the counters that a slice offers.
pub(super) fn offered(field: &FieldPath, sets: &[Document]) -> FieldErrors {
    let rule = |field: &FieldPath, one: &Document| counters(field, one, "name");
    set(field, sets, MAX_SETS, rule, |one| one.str_at(&["name"]))
}

/// What is wrong with the counters that a device takes from.
pub(super) fn consumed(field: &FieldPath, consumptions: &[Document]) -> FieldErrors {
    let rule = |field: &FieldPath, one: &Document| counters(field, one, "counterSet");
    set(field, consumptions, MAX_CONSUMPTIONS, rule, |one| one.str_at(&["counterSet"]))
}

/// Named counters of a set that a field names.
fn counters(field: &FieldPath, set: &Document, name_field: &str) -> FieldErrors {
    let (name, at) = (set.str_at(&[name_field]), field.child(name_field));
    let mut out = if name.is_empty() { vec![FieldError::required(&at, "")] } else { name::label(&at, name) };
    let at = field.child("counters");
    let counters = set.object_at(&["counters"]);
    match counters.map_or(0, Map::len) {
        0 => out.push(FieldError::required(&at, "")),
        1..=MAX_COUNTERS => {
            let mut names: Vec<&str> = counters.into_iter().flat_map(Map::keys).collect();
            names.sort_unstable();
            out.extend(
                names.into_iter().flat_map(|counter| {
                    name::label(&at.key(&name::shown_key(counter, MAX_SHOWN_KEY)), counter)
                }),
            );
        }
        many => out.push(FieldError::too_many(&at, many, MAX_COUNTERS)),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn counters_are_named_and_not_too_many() {
        let many: Document = (0..33).map(|n| (format!("c{n}"), doc!({"value": "1"}))).collect();
        let cases = [
            ("fine", doc!([{"name": "a", "counters": {"memory": {"value": "1Gi"}}}]), vec![]),
            ("empty", doc!([{}]), vec!["c[0].name: Required value", "c[0].counters: Required value"]),
            (
                "many",
                doc!([{"name": "a", "counters": many}]),
                vec!["c[0].counters: Too many: 33: must have at most 32 items"],
            ),
            (
                "names",
                doc!([{"name": "a", "counters": {"a.b": {"value": "1"}}}]),
                vec![r#"c[0].counters[a.b]: Invalid value: "a.b": must not contain dots"#],
            ),
        ];
        for (name, sets, expected) in cases {
            let found = offered(&FieldPath::new("c"), sets.as_array().unwrap());
            let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{name}");
        }
        let one = doc!({"counterSet": "a", "counters": {"c": {"value": "1"}}});
        let texts: Vec<String> = consumed(&FieldPath::new("c"), &[one.clone(), one.clone(), one])
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(texts, ["c: Too many: 3: must have at most 2 items"]);
    }
}

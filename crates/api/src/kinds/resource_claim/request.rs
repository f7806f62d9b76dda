//! What is wrong with what a claim asks for.

use super::reference::RequestNames;
use crate::kinds::devices::configuration::{self, Size};
use crate::kinds::devices::{list, name, selector, set, taint};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const MAX_REQUESTS: usize = 32;
const MAX_ALTERNATIVES: usize = 8;
const MAX_CONSTRAINTS: usize = 32;
const MAX_CONFIGURATIONS: usize = 32;
const MODES: [&str; 2] = ["All", "ExactCount"];
const ONE_KIND: &str = "exactly one of `exactly` or `firstAvailable` is required";

/// What is wrong with the `devices` of a specification.
pub(super) fn errors(field: &FieldPath, devices: &Document) -> FieldErrors {
    let names = RequestNames::of(devices);
    let requests = devices.array_at(&["requests"]);
    let mut out = set(&field.child("requests"), requests, MAX_REQUESTS, request, name_of);
    let constraints = devices.array_at(&["constraints"]);
    out.extend(list(&field.child("constraints"), constraints, MAX_CONSTRAINTS, |field, one| {
        constraint(field, one, &names)
    }));
    let configurations = devices.array_at(&["config"]);
    out.extend(list(&field.child("config"), configurations, MAX_CONFIGURATIONS, |field, one| {
        let mut out = names.list_errors(&field.child("requests"), one.array_at(&["requests"]));
        out.extend(configuration::errors(field, one, Size::Limited));
        out
    }));
    out
}

fn name_of(request: &Document) -> &str {
    request.str_at(&["name"])
}

fn request(field: &FieldPath, request: &Document) -> FieldErrors {
    let mut out = name::label(&field.child("name"), name_of(request));
    let exact = request.get("exactly").filter(|exact| !exact.is_null());
    let alternatives = request.array_at(&["firstAvailable"]);
    match exact {
        None if alternatives.is_empty() => out.push(FieldError::required(field, ONE_KIND)),
        None => {
            let field = field.child("firstAvailable");
            out.extend(set(&field, alternatives, MAX_ALTERNATIVES, alternative, name_of));
        }
        Some(exact) if alternatives.is_empty() => out.extend(devices(&field.child("exactly"), exact)),
        Some(_) => {
            let why = format!("{ONE_KIND}, but multiple fields are set");
            out.push(FieldError::invalid(field, Document::NULL, why));
        }
    }
    out
}

fn alternative(field: &FieldPath, alternative: &Document) -> FieldErrors {
    let mut out = name::label(&field.child("name"), name_of(alternative));
    out.extend(devices(field, alternative));
    out
}

/// Which devices, and how many.
fn devices(field: &FieldPath, request: &Document) -> FieldErrors {
    let mut out = name::class(&field.child("deviceClassName"), request.str_at(&["deviceClassName"]));
    out.extend(selector::errors(&field.child("selectors"), request.array_at(&["selectors"])));
    out.extend(count(field, request));
    out.extend(taint::tolerations(&field.child("tolerations"), request.array_at(&["tolerations"])));
    out
}

fn count(field: &FieldPath, request: &Document) -> Option<FieldError> {
    let count = request.i64_at(&["count"]).unwrap_or(0);
    let at = field.child("count");
    match request.str_at(&["allocationMode"]) {
        "All" => {
            let why = "must not be specified when allocationMode is 'All'";
            (count != 0).then(|| FieldError::invalid(&at, count, why))
        }
        "ExactCount" => (count <= 0).then(|| FieldError::invalid(&at, count, "must be greater than zero")),
        other => Some(FieldError::not_supported(&field.child("allocationMode"), other, &MODES)),
    }
}

fn constraint(field: &FieldPath, constraint: &Document, names: &RequestNames<'_>) -> FieldErrors {
    let mut out = names.list_errors(&field.child("requests"), constraint.array_at(&["requests"]));
    let given = ["matchAttribute", "distinctAttribute"]
        .into_iter()
        .find_map(|kind| Some((kind, constraint.get(kind)?.as_str()?)));
    match given {
        Some((kind, attribute)) => out.extend(name::fully_qualified(&field.child(kind), attribute)),
        None => out.push(FieldError::required(&field.child("matchAttribute"), "")),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(devices: &Document) -> Vec<String> {
        errors(&FieldPath::new("d"), devices).iter().map(ToString::to_string).collect()
    }

    fn exact() -> Document {
        doc!({"deviceClassName": "c", "allocationMode": "ExactCount", "count": 1})
    }

    #[test]
    fn requests_are_of_one_kind_and_have_different_names() {
        let cases = [
            ("fine", doc!([{"name": "a", "exactly": exact()}]), vec![]),
            (
                "twice",
                doc!([{"name": "a", "exactly": exact()}, {"name": "a", "exactly": exact()}]),
                vec![r#"d.requests[1]: Duplicate value: "a""#],
            ),
            (
                "neither",
                doc!([{"name": "a"}]),
                vec![
                    "d.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
                ],
            ),
            (
                "both",
                doc!([{"name": "a", "exactly": exact(), "firstAvailable": [exact()]}]),
                vec![
                    "d.requests[0]: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set",
                ],
            ),
            (
                "an alternative without a class",
                doc!([{"name": "a", "firstAvailable": [{"name": "x", "allocationMode": "All"}]}]),
                vec!["d.requests[0].firstAvailable[0].deviceClassName: Required value"],
            ),
        ];
        for (name, requests, expected) in cases {
            assert_eq!(texts(&doc!({"requests": requests})), expected, "{name}");
        }
    }

    #[test]
    fn counts_suit_their_modes() {
        let cases = [
            ("All", 0, ""),
            ("All", 1, "exactly.count: Invalid value: 1: must not be specified when allocationMode is 'All'"),
            ("ExactCount", 0, "exactly.count: Invalid value: 0: must be greater than zero"),
            (
                "Some",
                1,
                r#"exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount""#,
            ),
        ];
        for (mode, count, expected) in cases {
            let request = doc!({"name": "a", "exactly": {"deviceClassName": "c", "allocationMode": mode, "count": count}});
            let expected: Vec<String> = Some(expected)
                .filter(|text| !text.is_empty())
                .map(|text| format!("d.requests[0].{text}"))
                .into_iter()
                .collect();
            assert_eq!(texts(&doc!({"requests": [request]})), expected);
        }
    }

    #[test]
    fn constraints_and_configurations_are_about_requests() {
        let of = |name: &str, value: Document| {
            let mut devices = doc!({"requests": [{"name": "a", "exactly": exact()}]});
            devices.insert(name, doc!([value]));
            texts(&devices)
        };
        assert_eq!(
            of("constraints", doc!({"requests": ["a"], "matchAttribute": "d.example/x"})),
            Vec::<String>::new()
        );
        assert_eq!(of("constraints", doc!({})), ["d.constraints[0].matchAttribute: Required value"]);
        assert_eq!(
            of("constraints", doc!({"distinctAttribute": "x"})),
            [
                r#"d.constraints[0].distinctAttribute: Invalid value: "x": a fully qualified name must be a domain and a name separated by a slash"#
            ]
        );
        assert_eq!(
            of("config", doc!({"requests": ["b"]})),
            [
                r#"d.config[0].requests[0]: Invalid value: "b": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"#,
                "d.config[0].opaque: Required value",
            ]
        );
    }
}

//! What is wrong with a PriorityLevelConfiguration.

use super::super::flow_control::{condition_types, meaning};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};

/// The level that alone is not limited.
const EXEMPT: &str = "exempt";
/// The level of requests that no schema matches before the last one.
const CATCH_ALL: &str = "catch-all";
const MAX_QUEUES: i64 = 10_000_000;
/// Bits of a request's hash, of which dealing a hand of queues takes some.
const MAX_HASH_BITS: i64 = 60;
/// Metadata of a version that is not served any more; nobody else may use it.
const ROUND_TRIP: &str = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";

/// What is wrong with all of it.
pub(super) fn priority_level(object: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    if object.annotations().is_some_and(|annotations| annotations.contains_key(ROUND_TRIP)) {
        let why = format!("annotation '{ROUND_TRIP}' is forbidden");
        out.push(FieldError::forbidden(&FieldPath::new("metadata").child("annotations"), why));
    }
    let field = FieldPath::new("spec");
    out.extend(spec(&field, object.name(), &object["spec"]));
    out.extend(mandatory(&field, object.name(), &object["spec"]));
    out.extend(condition_types(object));
    out
}

fn spec(field: &FieldPath, name: &str, spec: &Document) -> FieldErrors {
    let ty = spec.str_at(&["type"]);
    let given = |key: &str| spec.get(key).filter(|part| !part.is_null());
    let mut out = FieldErrors::new();
    if (name == EXEMPT) != (ty == "Exempt") {
        let why = "type must be 'Exempt' if and only if name is 'exempt'";
        out.push(FieldError::invalid(&field.child("type"), ty, why));
    }
    let limited = field.child("limited");
    match ty {
        "Exempt" => {
            if given("limited").is_some() {
                out.push(FieldError::forbidden(&limited, "must be nil if the type is not Limited"));
            }
            out.extend(given("exempt").into_iter().flat_map(|part| shares(&field.child("exempt"), part)));
        }
        "Limited" => {
            if given("exempt").is_some() {
                let why = "must be nil if the type is Limited";
                out.push(FieldError::forbidden(&field.child("exempt"), why));
            }
            match given("limited") {
                None => out.push(FieldError::required(&limited, "must not be empty when type is Limited")),
                Some(part) => out.extend(limits(&limited, part)),
            }
        }
        _ => out.push(FieldError::not_supported(&field.child("type"), ty, &["Exempt", "Limited"])),
    }
    out
}

/// What a level has of the server, and how much of that it lends.
fn shares(field: &FieldPath, part: &Document) -> FieldErrors {
    let mut out: FieldErrors = share(field, part).into_iter().collect();
    out.extend(lendable(field, part));
    out
}

fn share(field: &FieldPath, part: &Document) -> Option<FieldError> {
    let shares = part.i64_at(&["nominalConcurrencyShares"]).filter(|shares| *shares < 0)?;
    let why = "must be a non-negative integer";
    Some(FieldError::invalid(&field.child("nominalConcurrencyShares"), shares, why))
}

fn lendable(field: &FieldPath, part: &Document) -> Option<FieldError> {
    let percent = part.i64_at(&["lendablePercent"]).filter(|percent| !(0..=100).contains(percent))?;
    let why = "must be between 0 and 100, inclusive";
    Some(FieldError::invalid(&field.child("lendablePercent"), percent, why))
}

fn limits(field: &FieldPath, part: &Document) -> FieldErrors {
    let mut out: FieldErrors = share(field, part).into_iter().collect();
    out.extend(response(&field.child("limitResponse"), &part["limitResponse"]));
    out.extend(lendable(field, part));
    if let Some(percent) = part.i64_at(&["borrowingLimitPercent"]).filter(|percent| *percent < 0) {
        let why = "if specified, must be a non-negative integer";
        out.push(FieldError::invalid(&field.child("borrowingLimitPercent"), percent, why));
    }
    out
}

fn response(field: &FieldPath, response: &Document) -> FieldErrors {
    let place = field.child("queuing");
    let queuing = response.get("queuing").filter(|queuing| !queuing.is_null());
    match (response.str_at(&["type"]), queuing) {
        ("Reject", None) => FieldErrors::new(),
        ("Reject", Some(_)) => {
            let why = "must be nil if limited.limitResponse.type is not Limited";
            vec![FieldError::forbidden(&place, why)]
        }
        ("Queue", None) => {
            let why = "must not be empty if limited.limitResponse.type is Limited";
            vec![FieldError::required(&place, why)]
        }
        ("Queue", Some(queuing)) => queues(&place, queuing),
        (ty, _) => vec![FieldError::not_supported(&field.child("type"), ty, &["Queue", "Reject"])],
    }
}

fn queues(field: &FieldPath, queuing: &Document) -> FieldErrors {
    const POSITIVE: &str = "must be positive";
    let number = |key: &str| queuing.i64_at(&[key]).unwrap_or(0);
    let (queues, hand) = (number("queues"), number("handSize"));
    let mut out = FieldErrors::new();
    let mut wrong = |key: &str, why: String| {
        out.push(FieldError::invalid(&field.child(key), number(key), why));
    };
    if number("queueLengthLimit") <= 0 {
        wrong("queueLengthLimit", POSITIVE.to_owned());
    }
    if queues <= 0 {
        wrong("queues", POSITIVE.to_owned());
    } else if queues > MAX_QUEUES {
        wrong("queues", format!("must not be greater than {MAX_QUEUES}"));
    }
    if hand <= 0 {
        wrong("handSize", POSITIVE.to_owned());
    } else if hand > queues {
        wrong("handSize", format!("should not be greater than queues ({queues})"));
    } else if bits_to_deal(queues, hand) > MAX_HASH_BITS {
        let why = format!(
            "required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {MAX_HASH_BITS}"
        );
        wrong("handSize", why);
    }
    out
}

/// How many bits of a hash tell one hand from all others.
fn bits_to_deal(queues: i64, hand: i64) -> i64 {
    ((queues as f64).log2() * hand as f64).ceil() as i64
}

/// The two levels that every server has and nobody may change.
fn mandatory(field: &FieldPath, name: &str, spec: &Document) -> Option<FieldError> {
    let mut given = spec.clone();
    let (fixed, what) = match name {
        EXEMPT => {
            given.remove(&["exempt"]);
            (
                doc!({"type": "Exempt"}),
                "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value",
            )
        }
        CATCH_ALL => (
            doc!({
                "type": "Limited",
                "limited": {"nominalConcurrencyShares": 5, "limitResponse": {"type": "Reject"}, "lendablePercent": 0}
            }),
            "spec of 'catch-all' must equal the fixed value",
        ),
        _ => return None,
    };
    (meaning(&given) != meaning(&fixed)).then(|| FieldError::invalid(field, shown(spec), what))
}

/// The spec under the names that its fields have inside upstream's server.
fn shown(spec: &Document) -> Document {
    let given = |of: &Document, key: &str| of.get(key).filter(|part| !part.is_null()).cloned();
    let number = |of: &Document, key: &str| of.i64_at(&[key]);
    let limited = given(spec, "limited").map(|limited| {
        let response = &limited["limitResponse"];
        let queuing = given(response, "queuing").map(|queuing| {
            doc!({
                "Queues": number(&queuing, "queues").unwrap_or(0),
                "HandSize": number(&queuing, "handSize").unwrap_or(0),
                "QueueLengthLimit": number(&queuing, "queueLengthLimit").unwrap_or(0)
            })
        });
        doc!({
            "NominalConcurrencyShares": number(&limited, "nominalConcurrencyShares").unwrap_or(0),
            "LimitResponse": {"Type": response.str_at(&["type"]), "Queuing": queuing},
            "LendablePercent": number(&limited, "lendablePercent"),
            "BorrowingLimitPercent": number(&limited, "borrowingLimitPercent")
        })
    });
    let exempt = given(spec, "exempt").map(|exempt| {
        doc!({
            "NominalConcurrencyShares": number(&exempt, "nominalConcurrencyShares"),
            "LendablePercent": number(&exempt, "lendablePercent")
        })
    });
    doc!({"Type": spec.str_at(&["type"]), "Limited": limited, "Exempt": exempt})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(name: &str, spec: Document) -> Vec<String> {
        let object = doc!({"metadata": {"name": name}, "spec": spec});
        priority_level(&object).iter().map(ToString::to_string).collect()
    }

    fn queued(queuing: Document) -> Document {
        doc!({"type": "Limited", "limited": {
            "nominalConcurrencyShares": 30, "limitResponse": {"type": "Queue", "queuing": queuing}
        }})
    }

    #[test]
    fn types_say_which_fields_there_are() {
        let reject = doc!({"nominalConcurrencyShares": 30, "limitResponse": {"type": "Reject"}});
        let cases = [
            ("a", doc!({"type": "Limited", "limited": reject.clone()}), vec![]),
            (
                "a",
                doc!({"type": "Limited"}),
                vec!["spec.limited: Required value: must not be empty when type is Limited"],
            ),
            (
                "a",
                doc!({"type": "Limited", "exempt": {}, "limited": reject.clone()}),
                vec!["spec.exempt: Forbidden: must be nil if the type is Limited"],
            ),
            (
                "a",
                doc!({"type": "Exempt", "limited": reject}),
                vec![
                    r#"spec.type: Invalid value: "Exempt": type must be 'Exempt' if and only if name is 'exempt'"#,
                    "spec.limited: Forbidden: must be nil if the type is not Limited",
                ],
            ),
            (
                "a",
                doc!({"type": "Free"}),
                vec![r#"spec.type: Unsupported value: "Free": supported values: "Exempt", "Limited""#],
            ),
        ];
        for (name, spec, expected) in cases {
            assert_eq!(complaints(name, spec.clone()), expected, "{spec}");
        }
    }

    #[test]
    fn limits_are_possible() {
        let spec = doc!({"type": "Limited", "limited": {
            "nominalConcurrencyShares": -1, "lendablePercent": 101, "borrowingLimitPercent": -1,
            "limitResponse": {"type": "Queue"}
        }});
        assert_eq!(
            complaints("a", spec),
            [
                "spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer",
                "spec.limited.limitResponse.queuing: Required value: must not be empty if limited.limitResponse.type is Limited",
                "spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
                "spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer",
            ]
        );
        let spec = doc!({"type": "Limited", "limited": {"limitResponse": {"type": "Reject", "queuing": {}}}});
        assert_eq!(
            complaints("a", spec),
            [
                "spec.limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited"
            ]
        );
    }

    #[test]
    fn hands_can_be_dealt() {
        let place = "spec.limited.limitResponse.queuing";
        let cases = [
            ((64, 8, 50), String::new()),
            (
                (0, 1, 0),
                format!(
                    "{place}.queueLengthLimit: Invalid value: 0: must be positive; {place}.queues: Invalid value: 0: must be positive; {place}.handSize: Invalid value: 1: should not be greater than queues (0)"
                ),
            ),
            ((4, 5, 1), format!("{place}.handSize: Invalid value: 5: should not be greater than queues (4)")),
            (
                (512, 8, 1),
                format!(
                    "{place}.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60"
                ),
            ),
            (
                (10_000_001, 1, 1),
                format!("{place}.queues: Invalid value: 10000001: must not be greater than 10000000"),
            ),
        ];
        for ((queues, hand, length), expected) in cases {
            let queuing = doc!({"queues": queues, "handSize": hand, "queueLengthLimit": length});
            assert_eq!(complaints("a", queued(queuing)).join("; "), expected);
        }
    }

    #[test]
    fn mandatory_levels_are_fixed() {
        let exempt =
            doc!({"type": "Exempt", "exempt": {"nominalConcurrencyShares": 10, "lendablePercent": 50}});
        assert_eq!(complaints(EXEMPT, exempt), Vec::<String>::new());
        let mut catch_all = doc!({"type": "Limited", "limited": {
            "nominalConcurrencyShares": 5, "limitResponse": {"type": "Reject"}, "lendablePercent": 0
        }});
        assert_eq!(complaints(CATCH_ALL, catch_all.clone()), Vec::<String>::new());
        catch_all.set(&["limited", "nominalConcurrencyShares"], 6);
        assert_eq!(
            complaints(CATCH_ALL, catch_all),
            [
                r#"spec: Invalid value: {"Type":"Limited","Limited":{"NominalConcurrencyShares":6,"LimitResponse":{"Type":"Reject","Queuing":null},"LendablePercent":0,"BorrowingLimitPercent":null},"Exempt":null}: spec of 'catch-all' must equal the fixed value"#
            ]
        );
    }
}

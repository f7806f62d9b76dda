//! What is wrong with a FlowSchema.

use super::super::flow_control::condition_types;
use super::{mandatory, rules};
use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};

const MAX_PRECEDENCE: i64 = 10_000;
/// The schema that alone may come first.
const EXEMPT: &str = "exempt";
const METHODS: [&str; 2] = ["ByNamespace", "ByUser"];

/// What is wrong with all of it.
pub(super) fn flow_schema(object: &Document) -> FieldErrors {
    let mut out = spec(object.name(), &object["spec"]);
    if mandatory::differs(object) {
        let why = format!("spec of '{}' must equal the fixed value", object.name());
        out.push(FieldError::invalid(&FieldPath::new("spec"), mandatory::shown(&object["spec"]), why));
    }
    out.extend(condition_types(object));
    out
}

fn spec(name: &str, spec: &Document) -> FieldErrors {
    let field = FieldPath::new("spec");
    let mut out = precedence(&field.child("matchingPrecedence"), name, spec);
    if let Some(method) = spec.get("distinguisherMethod").filter(|method| !method.is_null()) {
        let ty = method.str_at(&["type"]);
        if !METHODS.contains(&ty) {
            let place = field.child("distinguisherMethod").child("type");
            out.push(FieldError::not_supported(&place, doc!({"Type": ty}), &METHODS));
        }
    }
    let place = field.child("priorityLevelConfiguration").child("name");
    let level = spec.str_at(&["priorityLevelConfiguration", "name"]);
    if level.is_empty() {
        out.push(FieldError::required(&place, "must reference a priority level"));
    } else {
        out.extend(invalid(&place, level, names::dns1123_subdomain(level)));
    }
    for (i, rule) in spec.array_at(&["rules"]).iter().enumerate() {
        out.extend(rules::errors(&field.child("rules").index(i), rule));
    }
    out
}

fn precedence(field: &FieldPath, name: &str, spec: &Document) -> FieldErrors {
    let given = spec.i64_at(&["matchingPrecedence"]).unwrap_or(0);
    let why = match given {
        ..=0 => "must be a positive value".to_owned(),
        1 if name != EXEMPT => "only the schema named 'exempt' may have matchingPrecedence 1".to_owned(),
        1..=MAX_PRECEDENCE => return FieldErrors::new(),
        _ => format!("must not be greater than {MAX_PRECEDENCE}"),
    };
    vec![FieldError::invalid(field, given, why)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(name: &str, spec: Document) -> Vec<String> {
        let object = doc!({"metadata": {"name": name}, "spec": spec});
        flow_schema(&object).iter().map(ToString::to_string).collect()
    }

    fn fine() -> Document {
        doc!({
            "matchingPrecedence": 1000, "priorityLevelConfiguration": {"name": "system"},
            "distinguisherMethod": {"type": "ByUser"},
            "rules": [{
                "subjects": [{"kind": "User", "user": {"name": "noxu"}}],
                "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}]
            }]
        })
    }

    #[test]
    fn specs_are_judged_in_upstreams_words() {
        assert_eq!(complaints("noxu", fine()), Vec::<String>::new());
        let cases = [
            (
                "matchingPrecedence",
                doc!(-1),
                "spec.matchingPrecedence: Invalid value: -1: must be a positive value",
            ),
            (
                "matchingPrecedence",
                doc!(10_001),
                "spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000",
            ),
            (
                "matchingPrecedence",
                doc!(1),
                "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
            ),
            (
                "distinguisherMethod",
                doc!({"type": "By"}),
                r#"spec.distinguisherMethod.type: Unsupported value: {"Type":"By"}: supported values: "ByNamespace", "ByUser""#,
            ),
            (
                "priorityLevelConfiguration",
                doc!({"name": ""}),
                "spec.priorityLevelConfiguration.name: Required value: must reference a priority level",
            ),
        ];
        for (key, value, expected) in cases {
            let mut spec = fine();
            spec.insert(key, value);
            assert_eq!(complaints("noxu", spec), [expected]);
        }
    }
}

//! What is wrong with an event, in the stored spelling: the old rules, which hold for all, and those of `events.k8s.io/v1`.

use crate::kinds::internal_form::{self, Field};
use crate::kinds::persistent_volume::form::OBJECT_REFERENCE;
use crate::validation::{immutable, invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const MAX_TEXT: usize = 128;
const MAX_NOTE: usize = 1024;
/// Fields that do not change, in the order of upstream's checks; the name that upstream shows, and how.
const FROZEN: [(&str, &str, Form); 14] = [
    ("involvedObject", "involvedObject", Form::Struct(OBJECT_REFERENCE)),
    ("reason", "reason", Form::Text),
    ("message", "message", Form::Text),
    ("source", "source", Form::Struct(SOURCE)),
    ("firstTimestamp", "firstTimestamp", Form::Time),
    ("lastTimestamp", "lastTimestamp", Form::Time),
    ("count", "count", Form::Number),
    ("reason", "reason", Form::Text),
    ("type", "type", Form::Text),
    ("eventTime", "eventTime", Form::Time),
    ("action", "action", Form::Text),
    ("related", "related", Form::Pointer(OBJECT_REFERENCE)),
    ("reportingComponent", "reportingController", Form::Text),
    ("reportingInstance", "reportingInstance", Form::Text),
];
const SOURCE: &[Field] = &[Field::text("component", "Component"), Field::text("host", "Host")];

/// How a field is compared and shown.
enum Form {
    Text,
    Number,
    Time,
    Struct(&'static [Field]),
    Pointer(&'static [Field]),
}

/// What is wrong with any event.
pub(super) fn event(event: &Document) -> FieldErrors {
    let own = event.namespace();
    let involved = event.str_at(&["involvedObject", "namespace"]);
    let is_new = !event.str_at(&["eventTime"]).is_empty();
    // What belongs to no namespace is told of in one of upstream's.
    let fits = match (is_new, involved) {
        (false, "") => matches!(own, "" | "default"),
        (false, involved) => own == involved,
        (true, "") => matches!(own, "default" | "kube-system"),
        (true, _) => true,
    };
    let mut out = FieldErrors::new();
    if !fits {
        let field = FieldPath::new("involvedObject.namespace");
        out.push(FieldError::invalid(&field, involved, "does not match event.namespace"));
    }
    if is_new {
        out.extend(told(event));
    }
    out.extend(invalid(&FieldPath::new("namespace"), own, names::dns1123_subdomain(own)));
    out
}

/// Who tells what, in a form that others can count.
fn told(event: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let controller = event.str_at(&["reportingComponent"]);
    let field = FieldPath::new("reportingController");
    if controller.is_empty() {
        out.push(FieldError::required(&field, ""));
    }
    out.extend(invalid(&field, controller, names::qualified_name(controller)));
    for name in ["reportingInstance", "action", "reason"] {
        let text = event.str_at(&[name]);
        let field = FieldPath::new(name);
        if text.is_empty() {
            out.push(FieldError::required(&field, ""));
        }
        out.extend(longer_than(MAX_TEXT, &field, text));
    }
    out.extend(longer_than(MAX_NOTE, &FieldPath::new("message"), event.str_at(&["message"])));
    out
}

fn longer_than(max: usize, field: &FieldPath, text: &str) -> Option<FieldError> {
    let why = format!("can have at most {max} characters");
    (text.len() > max).then(|| FieldError::invalid(field, "", why))
}

/// What `events.k8s.io/v1` asks beyond that of a new event.
pub(super) fn strict(event: &Document) -> FieldErrors {
    let name = event.name();
    let mut out = FieldErrors::new();
    if !name.is_empty() {
        out.extend(invalid(&FieldPath::new("metadata.name"), name, names::dns1123_subdomain(name)));
    }
    out.extend(series(event));
    if event.str_at(&["eventTime"]).is_empty() {
        out.push(FieldError::required(&FieldPath::new("eventTime"), ""));
    }
    let ty = event.str_at(&["type"]);
    if !matches!(ty, "Normal" | "Warning") {
        out.push(FieldError::invalid(&FieldPath::new("type"), "", format!("has invalid value: {ty}")));
    }
    let source = |name: &str| !event.str_at(&["source", name]).is_empty();
    let given = [
        ("firstTimestamp", !event.str_at(&["firstTimestamp"]).is_empty()),
        ("lastTimestamp", !event.str_at(&["lastTimestamp"]).is_empty()),
        ("count", event.i64_at(&["count"]).unwrap_or(0) != 0),
        ("source", source("component") || source("host")),
    ];
    let given = given.into_iter().filter(|(_, given)| *given);
    out.extend(given.map(|(name, _)| FieldError::invalid(&FieldPath::new(name), "", "needs to be unset")));
    out
}

/// What `events.k8s.io/v1` asks beyond that of a changed event: only its series goes on.
pub(super) fn strict_update(new: &Document, old: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    if new["series"] != old["series"] {
        out.extend(series(new));
    }
    for (name, shown, form) in &FROZEN {
        let [new, old] = [new, old].map(|event| form.of(event.get(name)));
        out.extend(immutable(&FieldPath::new(shown), Some(&new), Some(&old)));
    }
    out
}

fn series(event: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let Some(series) = event.get("series").filter(|series| !series.is_null()) else { return out };
    if series.i64_at(&["count"]).unwrap_or(0) < 2 {
        out.push(FieldError::invalid(&FieldPath::new("series.count"), "", "should be at least 2"));
    }
    if series.str_at(&["lastObservedTime"]).is_empty() {
        out.push(FieldError::required(&FieldPath::new("series.lastObservedTime"), ""));
    }
    out
}

// === impl Form ===

impl Form {
    fn of(&self, value: Option<&Document>) -> Document {
        static NULL: Document = Document::NULL;
        let value = value.unwrap_or(&NULL);
        match self {
            Self::Text => value.as_str().unwrap_or("").into(),
            Self::Number => value.as_i64().unwrap_or(0).into(),
            Self::Time => value.clone(),
            Self::Struct(fields) => internal_form::structure(value, fields),
            Self::Pointer(fields) => internal_form::pointer(Some(value), fields),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    fn fine() -> Document {
        doc!({
            "metadata": {"name": "e", "namespace": "n"}, "involvedObject": {"namespace": "n", "name": "p"},
            "eventTime": "2026-01-02T03:04:05.000000Z", "reportingComponent": "c", "reportingInstance": "i",
            "action": "a", "reason": "r", "message": "m", "type": "Normal"
        })
    }

    fn with(name: &str, value: Document) -> Document {
        let mut event = fine();
        event.insert(name, value);
        event
    }

    #[test]
    fn events_live_beside_their_objects() {
        let old = |own: &str, involved: &str| {
            let event = doc!({"metadata": {"namespace": own}, "involvedObject": {"namespace": involved}});
            super::event(&event).len()
        };
        assert_eq!((old("a", "a"), old("default", "")), (0, 0));
        assert_eq!((old("a", "b"), old("kube-system", "")), (1, 1));
        let new = |own: &str| {
            let mut event = with("involvedObject", doc!({}));
            event.set(&["metadata", "namespace"], own);
            texts(&super::event(&event))
        };
        assert_eq!(new("kube-system"), Vec::<String>::new());
        assert_eq!(
            new("a"),
            [r#"involvedObject.namespace: Invalid value: "": does not match event.namespace"#]
        );
    }

    #[test]
    fn new_events_say_who_tells_what() {
        assert_eq!(event(&fine()), []);
        let mut silent = with("reportingComponent", doc!("a/b/c"));
        silent.insert("action", "");
        silent.insert("reason", "r".repeat(129));
        silent.insert("message", "m".repeat(1025));
        let found = texts(&event(&silent));
        assert!(
            found[0].starts_with(r#"reportingController: Invalid value: "a/b/c": a valid label key"#),
            "{found:?}"
        );
        assert_eq!(
            found[1..],
            [
                "action: Required value",
                r#"reason: Invalid value: "": can have at most 128 characters"#,
                r#"message: Invalid value: "": can have at most 1024 characters"#,
            ]
        );
    }

    #[test]
    fn the_newer_version_takes_no_old_fields() {
        assert_eq!(strict(&fine()), []);
        let cases = [
            (
                "series",
                doc!({"count": 1}),
                vec![
                    r#"series.count: Invalid value: "": should be at least 2"#,
                    "series.lastObservedTime: Required value",
                ],
            ),
            ("eventTime", doc!(null), vec!["eventTime: Required value"]),
            ("type", doc!("Odd"), vec![r#"type: Invalid value: "": has invalid value: Odd"#]),
            (
                "firstTimestamp",
                doc!("2026-01-02T03:04:05Z"),
                vec![r#"firstTimestamp: Invalid value: "": needs to be unset"#],
            ),
            ("count", doc!(1), vec![r#"count: Invalid value: "": needs to be unset"#]),
            ("source", doc!({"host": "h"}), vec![r#"source: Invalid value: "": needs to be unset"#]),
        ];
        for (name, value, expected) in cases {
            assert_eq!(texts(&strict(&with(name, value))), expected, "{name}");
        }
    }

    #[test]
    fn only_the_series_of_an_event_goes_on() {
        let seen = doc!({"count": 2, "lastObservedTime": "2026-01-02T03:04:05.000000Z"});
        assert_eq!(strict_update(&with("series", seen), &fine()), []);
        let cases = [
            ("message", doc!("other"), r#"message: Invalid value: "other": field is immutable"#),
            ("related", doc!(null), ""),
            (
                "source",
                doc!({"component": "x"}),
                r#"source: Invalid value: {"Component":"x","Host":""}: field is immutable"#,
            ),
            (
                "reportingComponent",
                doc!("d"),
                r#"reportingController: Invalid value: "d": field is immutable"#,
            ),
            ("count", doc!(3), "count: Invalid value: 3: field is immutable"),
        ];
        for (name, value, expected) in cases {
            assert_eq!(texts(&strict_update(&with(name, value), &fine())).join("; "), expected, "{name}");
        }
    }
}

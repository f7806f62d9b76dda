//! What a status may not take back.

use super::super::completion;
use super::{Change, at, count, is, of_conditions, told};
use skiff_apimachinery::{FieldError, FieldErrors};

/// What is wrong with the change.
pub(super) fn validate(change: &Change<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    for condition in ["Failed", "Complete", "FailureTarget"] {
        if change.was(condition) && !change.is(condition) {
            out.push(of_conditions(&format!("cannot disable the terminal {condition}=True condition")));
        }
    }
    out.extend(fewer("failed", change));
    if !is_elastic(change) {
        out.extend(fewer("succeeded", change));
    }
    out.extend(completion_time(change));
    out.extend(start_time(change));
    let (was_met, met) = (change.was("SuccessCriteriaMet"), change.is("SuccessCriteriaMet"));
    if was_met && !met {
        out.push(of_conditions("cannot disable the SuccessCriteriaMet=True condition"));
    }
    if change.was("Complete") && !was_met && met {
        let why = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions";
        out.push(of_conditions(why));
    }
    out
}

fn fewer(name: &str, change: &Change<'_>) -> Option<FieldError> {
    let now = count(change.new, name);
    (now < count(change.old, name))
        .then(|| FieldError::invalid(&at(name), now, format!("cannot decrease the {name} counter")))
}

/// An indexed job that is scaled down forgets the pods beyond its completions.
fn is_elastic(change: &Change<'_>) -> bool {
    let spec = &change.new["spec"];
    completion::is_indexed(spec) && spec.i64_at(&["completions"]) == spec.i64_at(&["parallelism"])
}

fn completion_time(change: &Change<'_>) -> Option<FieldError> {
    let (now, before) = (told(change.new, "completionTime")?, told(change.old, "completionTime")?);
    (now != before).then(|| FieldError::invalid(&at("completionTime"), now, "field is immutable"))
}

/// A job starts anew only when it goes on after it was suspended.
fn start_time(change: &Change<'_>) -> Option<FieldError> {
    told(change.old, "startTime")?;
    let goes_on = change.was("Suspended") && is(change.new, "Suspended", "False");
    let suspended = change.new.bool_at(&["spec", "suspend"]) == Some(true);
    (change.differs(&["startTime"]) && !goes_on && !suspended)
        .then(|| FieldError::required(&at("startTime"), "startTime cannot be removed for unsuspended job"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::{Document, doc};

    fn told_as(ty: &str, status: &str) -> Document {
        doc!({"conditions": [{"type": ty, "status": status}]})
    }

    fn errors(spec: &Document, new: &Document, old: &Document) -> Vec<String> {
        let job = |status: &Document| doc!({"spec": spec.clone(), "status": status.clone()});
        let (new, old) = (job(new), job(old));
        validate(&Change { new: &new, old: &old }).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_was_told_stays() {
        const STARTED: &str =
            "status.startTime: Required value: startTime cannot be removed for unsuspended job";
        let (plain, suspended) = (doc!({}), doc!({"suspend": true}));
        let elastic = doc!({"completionMode": "Indexed", "completions": 2, "parallelism": 2});
        let time = |name: &str, second: u8| {
            let mut status = Document::object();
            status.insert(name, format!("2024-01-01T00:00:0{second}Z"));
            status
        };
        let mut resumed = told_as("Suspended", "False");
        resumed.insert("startTime", "2024-01-01T00:00:02Z");
        let mut paused = told_as("Suspended", "True");
        paused.insert("startTime", "2024-01-01T00:00:01Z");
        let cases: [(&Document, Document, Document, &[&str]); 14] = [
            (
                &plain,
                doc!({"failed": 1}),
                doc!({"failed": 2}),
                &["status.failed: Invalid value: 1: cannot decrease the failed counter"],
            ),
            (
                &plain,
                doc!({}),
                doc!({"succeeded": 2}),
                &["status.succeeded: Invalid value: 0: cannot decrease the succeeded counter"],
            ),
            (&elastic, doc!({"succeeded": 1}), doc!({"succeeded": 2}), &[]),
            (
                &plain,
                told_as("Failed", "False"),
                told_as("Failed", "True"),
                &["status.conditions: Invalid value: cannot disable the terminal Failed=True condition"],
            ),
            (
                &plain,
                doc!({}),
                told_as("Complete", "True"),
                &["status.conditions: Invalid value: cannot disable the terminal Complete=True condition"],
            ),
            (
                &plain,
                doc!({}),
                told_as("SuccessCriteriaMet", "True"),
                &["status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition"],
            ),
            (
                &plain,
                doc!({"conditions": [
                    {"type": "Complete", "status": "True"}, {"type": "SuccessCriteriaMet", "status": "True"}
                ]}),
                told_as("Complete", "True"),
                &[
                    "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions",
                ],
            ),
            (
                &plain,
                time("completionTime", 2),
                time("completionTime", 1),
                &[r#"status.completionTime: Invalid value: "2024-01-01T00:00:02Z": field is immutable"#],
            ),
            (&plain, doc!({}), time("completionTime", 1), &[]),
            (&plain, time("startTime", 1), doc!({}), &[]),
            (&plain, time("startTime", 2), time("startTime", 1), &[STARTED]),
            (&plain, doc!({}), time("startTime", 1), &[STARTED]),
            (&suspended, doc!({}), time("startTime", 1), &[]),
            (&plain, resumed, paused, &[]),
        ];
        for (spec, new, old, expected) in cases {
            assert_eq!(errors(spec, &new, &old), expected, "{old} -> {new}");
        }
    }
}

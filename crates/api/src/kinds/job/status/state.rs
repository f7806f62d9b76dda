//! What a status must agree on with itself and with what is wanted. Most rules are asked only of fields that this write
//! changes, so that a job whose status was wrong before can still be written.

use super::super::{completion, indexes};
use super::{Change, at, count, of_conditions, told};
use skiff_apimachinery::{Document, FieldError, FieldErrors, doc, time};

const FINISHED: [&str; 2] = ["Complete", "Failed"];

/// What is wrong with it.
pub(super) fn validate(change: &Change<'_>) -> FieldErrors {
    let mut out = complete_and_failed(change);
    out.extend(times(change));
    out.extend(announced(change));
    out.extend(finished(change));
    out.extend(parsed_indexes(change));
    out.extend(misplaced_indexes(change));
    out.extend(overlap(change));
    out.extend(pods(change));
    out.extend(success_criteria(change));
    out
}

fn complete_and_failed(change: &Change<'_>) -> FieldErrors {
    [
        ("Failed", "cannot set Complete=True and Failed=true conditions"),
        ("FailureTarget", "cannot set Complete=True and FailureTarget=true conditions"),
    ]
    .into_iter()
    .filter(|&(other, _)| change.turned(&["Complete", other]) && change.is("Complete") && change.is(other))
    .map(|(_, why)| of_conditions(why))
    .collect()
}

fn times(change: &Change<'_>) -> FieldErrors {
    let field = at("completionTime");
    let completed = told(change.new, "completionTime");
    let mut out = FieldErrors::new();
    if change.turned(&["Complete"]) || change.differs(&["completionTime"]) {
        match (completed, change.is("Complete")) {
            (Some(completed), false) => {
                let why = "cannot set completionTime when there is no Complete=True condition";
                out.push(FieldError::invalid(&field, completed, why));
            }
            (None, true) => {
                out.push(FieldError::required(&field, "completionTime is required for Complete jobs"));
            }
            _ => {}
        }
    }
    if change.differs(&["startTime", "completionTime"])
        && let Some(completed) = completed
    {
        let parsed = |text: &Document| text.as_str().and_then(time::parse_time);
        let start = told(change.new, "startTime").and_then(parsed);
        if start.zip(parsed(completed)).is_some_and(|(start, end)| end < start) {
            out.push(FieldError::invalid(&field, completed, "must be equal to or after `startTime`"));
        }
    }
    out
}

/// How a job ends is announced before it has ended.
fn announced(change: &Change<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    if (change.turned(&["Failed"]) || change.differs(&["failedIndexes"]))
        && change.is("Failed")
        && !change.is("FailureTarget")
    {
        let why = "cannot set Failed=True condition without the FailureTarget=true condition";
        out.push(of_conditions(why));
    }
    if change.turned(&["Complete", "SuccessCriteriaMet"])
        && change.is("Complete")
        && !change.is("SuccessCriteriaMet")
    {
        let why = "cannot set Complete=True condition without the SuccessCriteriaMet=true condition";
        out.push(of_conditions(why));
    }
    out
}

fn is_finished(change: &Change<'_>) -> bool {
    FINISHED.iter().any(|condition| change.is(condition))
}

fn has_turned_finished(change: &Change<'_>) -> bool {
    FINISHED.iter().any(|condition| change.was(condition)) != is_finished(change)
}

fn finished(change: &Change<'_>) -> FieldErrors {
    const UNCOUNTED: &str = "uncountedTerminatedPods";
    let mut out = FieldErrors::new();
    if !is_finished(change) {
        return out;
    }
    let (turned, job) = (has_turned_finished(change), change.new);
    let active = count(job, "active");
    if active > 0 && (turned || change.count_differs("active")) {
        out.push(FieldError::invalid(&at("active"), active, "active>0 is invalid for finished job"));
    }
    // A job that wants no pods is finished as it waits.
    let wants_none =
        job.bool_at(&["spec", "suspend"]) == Some(true) && job.i64_at(&["spec", "completions"]) == Some(0);
    let asked = (turned || change.differs(&["startTime"])) && !wants_none;
    if asked && told(job, "startTime").is_none() {
        out.push(FieldError::required(&at("startTime"), "startTime is required for finished job"));
    }
    let uncounted = told(job, UNCOUNTED)
        .filter(|pods| ["succeeded", "failed"].iter().any(|list| !pods.array_at(&[list]).is_empty()));
    if let Some(pods) = uncounted.filter(|_| turned || change.differs(&[UNCOUNTED])) {
        let list = |name: &str| pods.get(name).cloned();
        let shown = doc!({"Succeeded": list("succeeded"), "Failed": list("failed")});
        out.push(FieldError::invalid(&at(UNCOUNTED), shown, "must be empty for finished job"));
    }
    out
}

fn parsed_indexes(change: &Change<'_>) -> FieldErrors {
    let spec = &change.new["spec"];
    let mut out = FieldErrors::new();
    let Some(completions) = spec.i64_at(&["completions"]) else { return out };
    let per_index = spec.i64_at(&["backoffLimitPerIndex"]).is_some();
    for (name, asked) in [("completedIndexes", true), ("failedIndexes", per_index)] {
        let text = change.new.str_at(&["status", name]);
        if asked
            && change.differs(&[name])
            && let Err(why) = indexes::count(text, completions)
        {
            out.push(FieldError::invalid(&at(name), text, format!("error parsing {name}: {why}")));
        }
    }
    out
}

/// Indexes of a job that has none, or whose indexes fail with the whole job.
fn misplaced_indexes(change: &Change<'_>) -> FieldErrors {
    let (job, spec) = (change.new, &change.new["spec"]);
    let mut out = FieldErrors::new();
    let completed = job.str_at(&["status", "completedIndexes"]);
    if change.differs(&["completedIndexes"]) && !completed.is_empty() && !completion::is_indexed(spec) {
        let why = "cannot set non-empty completedIndexes when non-indexed completion mode";
        out.push(FieldError::invalid(&at("completedIndexes"), completed, why));
    }
    if let Some(failed) = told(job, "failedIndexes")
        && change.differs(&["failedIndexes"])
        && spec.i64_at(&["backoffLimitPerIndex"]).is_none()
    {
        let why = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
        out.push(FieldError::invalid(&at("failedIndexes"), failed, why));
    }
    out
}

fn overlap(change: &Change<'_>) -> Option<FieldError> {
    let text = |name: &str| change.new.str_at(&["status", name]);
    let (completed, failed) = (text("completedIndexes"), text("failedIndexes"));
    let completions = change.new.i64_at(&["spec", "completions"])?;
    if !change.differs(&["completedIndexes", "failedIndexes"]) {
        return None;
    }
    let index = indexes::overlap(completed, failed, completions)?;
    let why = format!("failedIndexes and completedIndexes overlap at index: {index}");
    Some(FieldError::invalid(&at("failedIndexes"), failed, why))
}

fn pods(change: &Change<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let number = |name: &str| count(change.new, name);
    if (has_turned_finished(change) || change.differs(&["terminating"]))
        && is_finished(change)
        && number("terminating") > 0
    {
        let why = "terminating>0 is invalid for finished job";
        out.push(FieldError::invalid(&at("terminating"), number("terminating"), why));
    }
    if (change.differs(&["ready"]) || change.count_differs("active")) && number("ready") > number("active") {
        let why = "cannot set more ready pods than active";
        out.push(FieldError::invalid(&at("ready"), number("ready"), why));
    }
    out
}

fn success_criteria(change: &Change<'_>) -> FieldErrors {
    let met = change.is("SuccessCriteriaMet");
    let policy = change.new.at(&["spec", "successPolicy"]).is_some_and(|policy| !policy.is_null());
    [
        (met && change.is("Failed"), "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
        (
            met && change.is("FailureTarget"),
            "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
        ),
        (
            policy && !met && change.is("Complete"),
            "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
        ),
    ]
    .into_iter()
    .filter(|(broken, _)| *broken)
    .map(|(_, why)| of_conditions(why))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "2024-01-01T00:00:00Z";

    fn conditions(types: &[&str]) -> Document {
        types.iter().map(|ty| doc!({"type": *ty, "status": "True"})).collect::<Vec<Document>>().into()
    }

    fn errors(spec: &Document, new: &Document, old: &Document) -> Vec<String> {
        let job = |status: &Document| doc!({"spec": spec.clone(), "status": status.clone()});
        let (new, old) = (job(new), job(old));
        validate(&Change { new: &new, old: &old }).iter().map(ToString::to_string).collect()
    }

    /// A status that is right of a job that has ended so.
    fn ended(types: &[&str]) -> Document {
        doc!({"startTime": START, "conditions": conditions(types)})
    }

    fn complete() -> Document {
        let mut status = ended(&["SuccessCriteriaMet", "Complete"]);
        status.insert("completionTime", START);
        status
    }

    fn with(mut status: Document, name: &str, value: impl Into<Document>) -> Document {
        status.insert(name, value);
        status
    }

    #[test]
    fn jobs_end_as_upstreams_do() {
        let cases: [(&str, Document, &[&str]); 12] = [
            ("complete", complete(), &[]),
            ("failed", ended(&["FailureTarget", "Failed"]), &[]),
            (
                "both",
                with(
                    complete(),
                    "conditions",
                    conditions(&["SuccessCriteriaMet", "Complete", "Failed", "FailureTarget"]),
                ),
                &[
                    "status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions",
                    "status.conditions: Invalid value: cannot set Complete=True and FailureTarget=true conditions",
                    "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and Failed=true conditions",
                    "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
                ],
            ),
            (
                "no completion time",
                ended(&["SuccessCriteriaMet", "Complete"]),
                &["status.completionTime: Required value: completionTime is required for Complete jobs"],
            ),
            (
                "a completion time too early",
                with(ended(&["FailureTarget", "Failed"]), "completionTime", START),
                &[
                    r#"status.completionTime: Invalid value: "2024-01-01T00:00:00Z": cannot set completionTime when there is no Complete=True condition"#,
                ],
            ),
            (
                "complete before it started",
                with(complete(), "completionTime", "2023-12-31T23:59:59Z"),
                &[
                    r#"status.completionTime: Invalid value: "2023-12-31T23:59:59Z": must be equal to or after `startTime`"#,
                ],
            ),
            (
                "failed at once",
                ended(&["Failed"]),
                &[
                    "status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition",
                ],
            ),
            (
                "complete at once",
                with(complete(), "conditions", conditions(&["Complete"])),
                &[
                    "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
                ],
            ),
            (
                "pods still run",
                with(complete(), "active", 1),
                &["status.active: Invalid value: 1: active>0 is invalid for finished job"],
            ),
            (
                "pods still end",
                with(complete(), "terminating", 2),
                &["status.terminating: Invalid value: 2: terminating>0 is invalid for finished job"],
            ),
            (
                "pods are not counted",
                with(complete(), "uncountedTerminatedPods", doc!({"failed": ["a"]})),
                &[
                    r#"status.uncountedTerminatedPods: Invalid value: {"Succeeded":null,"Failed":["a"]}: must be empty for finished job"#,
                ],
            ),
            (
                "it never started",
                doc!({"conditions": conditions(&["FailureTarget", "Failed"])}),
                &["status.startTime: Required value: startTime is required for finished job"],
            ),
        ];
        for (case, status, expected) in cases {
            assert_eq!(errors(&doc!({}), &status, &doc!({})), expected, "{case}");
        }
    }

    #[test]
    fn indexes_fit_what_is_wanted() {
        let indexed = doc!({"completionMode": "Indexed", "completions": 5, "backoffLimitPerIndex": 1});
        let plain = doc!({"completions": 5});
        let cases: [(&Document, Document, &[&str]); 7] = [
            (&indexed, doc!({"completedIndexes": "0-2", "failedIndexes": "4"}), &[]),
            (
                &indexed,
                doc!({"completedIndexes": "5"}),
                &[
                    r#"status.completedIndexes: Invalid value: "5": error parsing completedIndexes: too large index: "5""#,
                ],
            ),
            (
                &indexed,
                doc!({"failedIndexes": "x"}),
                &[
                    r#"status.failedIndexes: Invalid value: "x": error parsing failedIndexes: cannot convert string to integer for index: "x""#,
                ],
            ),
            (
                &indexed,
                doc!({"completedIndexes": "0-2", "failedIndexes": "2"}),
                &[
                    r#"status.failedIndexes: Invalid value: "2": failedIndexes and completedIndexes overlap at index: 2"#,
                ],
            ),
            (
                &plain,
                doc!({"completedIndexes": "1"}),
                &[
                    r#"status.completedIndexes: Invalid value: "1": cannot set non-empty completedIndexes when non-indexed completion mode"#,
                ],
            ),
            (
                &plain,
                doc!({"failedIndexes": ""}),
                &[
                    r#"status.failedIndexes: Invalid value: "": cannot set non-null failedIndexes when backoffLimitPerIndex is null"#,
                ],
            ),
            (
                &plain,
                doc!({"ready": 2, "active": 1}),
                &["status.ready: Invalid value: 2: cannot set more ready pods than active"],
            ),
        ];
        for (spec, status, expected) in cases {
            assert_eq!(errors(spec, &status, &doc!({})), expected, "{status}");
            // what was wrong before is not this write's fault
            assert_eq!(errors(spec, &status, &status), Vec::<String>::new(), "{status}");
        }
    }

    #[test]
    fn a_success_policy_is_met_first() {
        let spec = doc!({"successPolicy": {"rules": []}});
        let status = with(complete(), "conditions", conditions(&["Complete"]));
        assert_eq!(
            errors(&spec, &status, &status),
            [
                "status.conditions: Invalid value: cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"
            ]
        );
    }

    #[test]
    fn a_job_that_wants_no_pods_never_starts() {
        let status = with(
            doc!({"conditions": conditions(&["SuccessCriteriaMet", "Complete"])}),
            "completionTime",
            START,
        );
        for (suspend, expected) in [(true, 0), (false, 1)] {
            let spec = doc!({"suspend": suspend, "completions": 0});
            assert_eq!(errors(&spec, &status, &doc!({})).len(), expected);
        }
    }
}

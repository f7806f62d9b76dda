//! A job's row in a Table.

use super::super::cells;
use crate::strategy::human_duration;
use crate::{Cell, Column};
use jiff::Timestamp;
use skiff_apimachinery::{Document, time};

/// Headings.
pub(super) fn columns() -> Vec<Column> {
    vec![
        Column::name(),
        Column::text("Status"),
        Column::text("Completions"),
        Column::text("Duration"),
        Column::age(),
        Column::text("Containers").wide(),
        Column::text("Images").wide(),
        Column::text("Selector").wide(),
    ]
}

/// The row.
pub(super) fn cells(object: &Document, now: Timestamp) -> Vec<Cell> {
    let [names, images] = cells::containers(object.at(&["spec", "template", "spec"]));
    vec![
        cells::name(object),
        status(object).into(),
        completions(object).into(),
        duration(object, now).into(),
        cells::age(object, now),
        names,
        images,
        cells::selector(object.at(&["spec", "selector"])),
    ]
}

fn status(job: &Document) -> &'static str {
    let is = |ty: &str| cells::condition(job, ty).is_some_and(|c| c.str_at(&["status"]) == "True");
    if is("Complete") {
        "Complete"
    } else if is("Failed") {
        "Failed"
    } else if job.deletion_timestamp().is_some() {
        "Terminating"
    } else if is("Suspended") {
        "Suspended"
    } else if is("FailureTarget") {
        "FailureTarget"
    } else if is("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    }
}

fn completions(job: &Document) -> String {
    let succeeded = job.i64_at(&["status", "succeeded"]).unwrap_or(0);
    match (job.i64_at(&["spec", "completions"]), job.i64_at(&["spec", "parallelism"]).unwrap_or(0)) {
        (Some(completions), _) => format!("{succeeded}/{completions}"),
        (None, parallelism) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        (None, _) => format!("{succeeded}/1"),
    }
}

fn duration(job: &Document, now: Timestamp) -> String {
    let Some(start) = time::parse_time(job.str_at(&["status", "startTime"])) else { return String::new() };
    let end = time::parse_time(job.str_at(&["status", "completionTime"])).unwrap_or(now);
    human_duration(end.duration_since(start).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn rows_tell_how_far_a_job_is() {
        let condition = |ty: &str| doc!({"status": {"conditions": [{"type": ty, "status": "True"}]}});
        let cases = [
            (doc!({"spec": {"completions": 3}, "status": {"succeeded": 1}}), ["Running", "1/3", ""]),
            (doc!({"spec": {"parallelism": 4}}), ["Running", "0/1 of 4", ""]),
            (doc!({"spec": {"parallelism": 1}}), ["Running", "0/1", ""]),
            (condition("Suspended"), ["Suspended", "0/1", ""]),
            (condition("SuccessCriteriaMet"), ["SuccessCriteriaMet", "0/1", ""]),
            (
                doc!({"status": {
                    "startTime": "1970-01-01T00:00:00Z", "completionTime": "1970-01-01T00:00:07Z",
                    "conditions": [{"type": "Complete", "status": "True"}]
                }}),
                ["Complete", "0/1", "7s"],
            ),
        ];
        for (job, expected) in cases {
            let row = cells(&job, Timestamp::UNIX_EPOCH);
            assert_eq!(row[1..4], expected.map(Document::from), "{job}");
        }
    }
}

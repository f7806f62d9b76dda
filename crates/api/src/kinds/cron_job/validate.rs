//! What is wrong with a CronJob.

use super::super::job;
use super::super::workload::{self, given};
use super::time_zone;
use crate::validation;
use skiff_apimachinery::cron::Schedule;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// A job's name has eleven more characters than that of its CronJob and must be a label's value.
const LONGEST_NAME: usize = 52;

/// What is wrong with a new CronJob.
pub(super) fn created(cron: &Document) -> FieldErrors {
    let mut out = spec(cron, None);
    if cron.name().len() > LONGEST_NAME {
        let field = FieldPath::new("metadata").child("name");
        out.push(FieldError::invalid(&field, cron.name(), "must be no more than 52 characters"));
    }
    out
}

/// What is wrong with a changed CronJob.
pub(super) fn changed(new: &Document, old: &Document) -> FieldErrors {
    spec(new, Some(old))
}

fn spec(cron: &Document, old: Option<&Document>) -> FieldErrors {
    let field = FieldPath::new("spec");
    let spec = &cron["spec"];
    let negative = |name: &str| validation::not_negative(&field.child(name), spec.get(name));
    let mut out = schedule_errors(spec, old, &field.child("schedule"));
    out.extend(negative("startingDeadlineSeconds"));
    let zone = given(spec, &["timeZone"]);
    if let Some(zone) = zone.filter(|_| old.is_none_or(|old| given(old, &["spec", "timeZone"]) != zone)) {
        out.extend(time_zone::validate(zone.as_str().unwrap_or(""), &field.child("timeZone")));
    }
    let policy = spec.str_at(&["concurrencyPolicy"]);
    let allowed = ["Allow", "Forbid", "Replace"];
    out.extend(validation::one_of(&field.child("concurrencyPolicy"), policy, &allowed));
    out.extend(template(&spec["jobTemplate"]["spec"], &field.child("jobTemplate").child("spec")));
    out.extend(negative("successfulJobsHistoryLimit"));
    out.extend(negative("failedJobsHistoryLimit"));
    out
}

/// Schedules that began with a time zone before there was a field for it may stay.
fn schedule_errors(spec: &Document, old: Option<&Document>, field: &FieldPath) -> FieldErrors {
    let schedule = spec.str_at(&["schedule"]);
    if schedule.is_empty() {
        return vec![FieldError::required(field, "")];
    }
    let mut out = FieldErrors::new();
    if let Err(why) = Schedule::parse(schedule) {
        out.push(FieldError::invalid(field, schedule, why));
    }
    let zoned = schedule.contains("TZ");
    let was_zoned = old.is_some_and(|old| old.str_at(&["spec", "schedule"]).contains("TZ"));
    if zoned && !was_zoned {
        let why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        out.push(FieldError::invalid(field, schedule, why));
    } else if zoned && given(spec, &["timeZone"]).is_some() {
        let why = "cannot use both timeZone field and TZ or CRON_TZ in schedule";
        out.push(FieldError::invalid(field, schedule, why));
    }
    out
}

/// Jobs of a CronJob select their pods as the server makes them do.
fn template(spec: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = job::validate_spec(spec, field);
    let selector = given(spec, &["selector"]);
    if selector.is_some() {
        let shown = workload::shown_selector(selector);
        out.push(FieldError::invalid(&field.child("selector"), shown, "`selector` will be auto-generated"));
    }
    if spec.bool_at(&["manualSelector"]) == Some(true) {
        let at = field.child("manualSelector");
        out.push(FieldError::not_supported(&at, true, &["nil", "false"]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use skiff_apimachinery::doc;

    fn cron() -> Document {
        let mut cron = doc!({"metadata": {"name": "c"}, "spec": {
            "schedule": "0 4 * * *",
            "jobTemplate": {"spec": {"template": {"spec": {
                "restartPolicy": "OnFailure", "containers": [{"name": "a", "image": "a:1"}]
            }}}}
        }});
        super::super::CronJob.default(&mut cron);
        cron
    }

    fn with(path: &[&str], value: impl Into<Document>) -> Document {
        let mut cron = cron();
        cron.set(path, value);
        cron
    }

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn upstreams_messages_name_the_field() {
        let name = "a".repeat(53);
        let long = format!("metadata.name: Invalid value: {name:?}: must be no more than 52 characters");
        let cases: [(&[&str], Document, &[&str]); 14] = [
            (&["spec", "timeZone"], "Europe/Berlin".into(), &[]),
            (&["metadata", "name"], "a".repeat(52).into(), &[]),
            (&["metadata", "name"], name.into(), &[&long]),
            (&["spec", "schedule"], "".into(), &["spec.schedule: Required value"]),
            (
                &["spec", "schedule"],
                "error".into(),
                &[r#"spec.schedule: Invalid value: "error": expected exactly 5 fields, found 1: [error]"#],
            ),
            (
                &["spec", "schedule"],
                "TZ=UTC 0 4 * * *".into(),
                &[
                    r#"spec.schedule: Invalid value: "TZ=UTC 0 4 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead"#,
                ],
            ),
            (
                &["spec", "startingDeadlineSeconds"],
                (-1).into(),
                &["spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (
                &["spec", "timeZone"],
                "Nowhere".into(),
                &[r#"spec.timeZone: Invalid value: "Nowhere": unknown time zone Nowhere"#],
            ),
            (&["spec", "concurrencyPolicy"], "".into(), &["spec.concurrencyPolicy: Required value"]),
            (
                &["spec", "concurrencyPolicy"],
                "Random".into(),
                &[
                    r#"spec.concurrencyPolicy: Unsupported value: "Random": supported values: "Allow", "Forbid", "Replace""#,
                ],
            ),
            (
                &["spec", "jobTemplate", "spec", "parallelism"],
                (-1).into(),
                &["spec.jobTemplate.spec.parallelism: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (
                &["spec", "jobTemplate", "spec", "selector"],
                doc!({"matchLabels": {"a": "b"}}),
                &[
                    r#"spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated"#,
                ],
            ),
            (
                &["spec", "jobTemplate", "spec", "manualSelector"],
                true.into(),
                &[
                    r#"spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false""#,
                ],
            ),
            (
                &["spec", "failedJobsHistoryLimit"],
                (-1).into(),
                &["spec.failedJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0"],
            ),
        ];
        for (path, value, expected) in cases {
            assert_eq!(texts(&created(&with(path, value))), expected, "{path:?}");
        }
    }

    #[test]
    fn what_was_allowed_before_may_stay() {
        let zoned = with(&["spec", "schedule"], "TZ=UTC 0 4 * * *");
        let both = {
            let mut both = zoned.clone();
            both.set(&["spec", "timeZone"], "UTC");
            both
        };
        let gone = with(&["spec", "timeZone"], "Gone/Away");
        let long = with(&["metadata", "name"], "a".repeat(53));
        let cases: [(&str, &Document, &Document, &[&str]); 5] = [
            ("a zone in the schedule", &zoned, &zoned, &[]),
            (
                "both ways",
                &both,
                &zoned,
                &[
                    r#"spec.schedule: Invalid value: "TZ=UTC 0 4 * * *": cannot use both timeZone field and TZ or CRON_TZ in schedule"#,
                ],
            ),
            (
                "a new zone in the schedule",
                &zoned,
                &cron(),
                &[
                    r#"spec.schedule: Invalid value: "TZ=UTC 0 4 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead"#,
                ],
            ),
            ("a zone that is no more", &gone, &gone, &[]),
            ("a name", &long, &long, &[]),
        ];
        for (case, new, old, expected) in cases {
            assert_eq!(texts(&changed(new, old)), expected, "{case}");
        }
    }
}

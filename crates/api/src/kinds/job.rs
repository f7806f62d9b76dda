//! Jobs: their pods are selected by the job's UID unless a client insists on a selector of its own.

use super::{cells, default_template, pod_template};
use crate::strategy::{UpdateScope, human_duration};
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map, time};
use std::borrow::Cow;

/// `batch/v1 Job`.
pub(crate) struct Job;

/// Labels that tie pods to their job; the first two are the names from before they were qualified.
const UID_LABELS: [&str; 2] = ["controller-uid", "batch.kubernetes.io/controller-uid"];
const NAME_LABELS: [&str; 2] = ["job-name", "batch.kubernetes.io/job-name"];

impl Strategy for Job {
    fn default(&self, object: &mut Document) {
        default_template(object, &["spec", "template"]);
        let spec = object.ensure(&["spec"]);
        let absent = |field: &str| spec.get(field).is_none_or(Document::is_null);
        if absent("completions") && absent("parallelism") {
            spec.insert("completions", 1);
        }
        spec.set_default(&["parallelism"], 1);
        let per_index = spec.get("backoffLimitPerIndex").is_some_and(|limit| !limit.is_null());
        spec.set_default(&["backoffLimit"], if per_index { i32::MAX } else { 6 });
        spec.set_default(&["completionMode"], "NonIndexed");
        spec.set_default(&["suspend"], false);
        spec.set_default(&["manualSelector"], false);
        let policy = spec.get("podFailurePolicy").is_some_and(|policy| !policy.is_null());
        spec.set_default(&["podReplacementPolicy"], if policy { "Failed" } else { "TerminatingOrFailed" });
        if object.labels().is_none_or(Map::is_empty)
            && let Some(labels) = object.at(&["spec", "template", "metadata", "labels"]).cloned()
        {
            object.set(&["metadata", "labels"], labels);
        }
    }

    fn prepare_for_create(&self, object: &mut Document) {
        object.remove(&["status"]);
        if object.bool_at(&["spec", "manualSelector"]) == Some(true) || object.uid().is_empty() {
            return;
        }
        let (uid, name) = (object.uid().to_owned(), object.name().to_owned());
        let labels = ["spec", "template", "metadata", "labels"];
        for key in UID_LABELS {
            object.ensure(&labels).insert(key, uid.as_str());
        }
        for key in NAME_LABELS {
            object.ensure(&labels).insert(key, name.as_str());
        }
        object.set(&["spec", "selector", "matchLabels", UID_LABELS[1]], uid);
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        pod_template::warnings::for_workload(new, old, &["spec", "template"])
    }

    fn has_status(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec");
        let counts = [
            "parallelism",
            "completions",
            "activeDeadlineSeconds",
            "backoffLimit",
            "ttlSecondsAfterFinished",
            "backoffLimitPerIndex",
            "maxFailedIndexes",
        ];
        let negative = |name| validation::not_negative(&field.child(name), object.at(&["spec", name]));
        let mut out: FieldErrors = counts.into_iter().filter_map(negative).collect();
        out.extend(template_errors(&field.child("template"), object.at(&["spec", "template"])));
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        if scope == UpdateScope::Status {
            return FieldErrors::new();
        }
        let mut out = self.validate_create(new);
        let field = FieldPath::new("spec");
        for name in ["completions", "selector", "template", "completionMode", "backoffLimitPerIndex"] {
            // an indexed job may be scaled: completions and parallelism move together
            let elastic = name == "completions" && new.str_at(&["spec", "completionMode"]) == "Indexed";
            // a job that never ran may still change where its pods run
            let suspended = name == "template"
                && old.bool_at(&["spec", "suspend"]) == Some(true)
                && old.str_at(&["status", "startTime"]).is_empty();
            if !elastic && !suspended {
                let at = |job: &Document| job.at(&["spec", name]).cloned();
                out.extend(validation::immutable(&field.child(name), at(new).as_ref(), at(old).as_ref()));
            }
        }
        out
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        vec!["status.successful".into()]
    }

    fn select_field(&self, object: &Document, _field: &str) -> String {
        object.i64_at(&["status", "succeeded"]).unwrap_or(0).to_string()
    }

    fn columns(&self) -> Vec<Column> {
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

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
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
}

/// What is wrong with the template of a job's pods, which are never restarted for ever.
pub(crate) fn template_errors(field: &FieldPath, template: Option<&Document>) -> FieldErrors {
    let mut out = pod_template::validate(template, field);
    let policy = template.map_or("", |template| template.str_at(&["spec", "restartPolicy"]));
    if !["OnFailure", "Never"].contains(&policy) {
        let why = "valid values: \"OnFailure\", \"Never\"";
        out.push(FieldError::required(&field.child("spec.restartPolicy"), why));
    }
    out
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
    fn a_job_selects_its_pods_by_its_uid() {
        let mut job = doc!({"metadata": {"name": "j", "uid": "u"}, "spec": {"template": {}}});
        Job.default(&mut job);
        Job.prepare_for_create(&mut job);
        let selector = job.at(&["spec", "selector", "matchLabels"]).unwrap();
        assert_eq!(selector, &doc!({"batch.kubernetes.io/controller-uid": "u"}));
        assert_eq!(job.object_at(&["spec", "template", "metadata", "labels"]).unwrap().len(), 4);
        assert_eq!(job.i64_at(&["spec", "completions"]), Some(1));
    }
}

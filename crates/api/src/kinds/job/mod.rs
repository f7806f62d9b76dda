//! Jobs: their pods are selected by the job's UID unless a client insists on a selector of its own.
//!
//! What is wanted of a job is checked in `spec` (a CronJob's template holds the same), what it may become in `update`,
//! what its status may tell in `status`.

mod columns;
mod completion;
mod failure_policy;
mod indexes;
mod managed_by;
mod ownership;
mod spec;
mod status;
mod success_policy;
mod update;

pub(super) use spec::validate as validate_spec;

use super::workload::given;
use super::{default_template, pod_template};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};
use std::borrow::Cow;

/// `batch/v1 Job`.
pub(crate) struct Job;

impl Strategy for Job {
    fn default(&self, object: &mut Document) {
        default_template(object, &["spec", "template"]);
        let spec = object.ensure(&["spec"]);
        let absent = |field: &str| spec.get(field).is_none_or(Document::is_null);
        if absent("completions") && absent("parallelism") {
            spec.insert("completions", 1);
        }
        spec.set_default(&["parallelism"], 1);
        let per_index = given(spec, &["backoffLimitPerIndex"]).is_some();
        spec.set_default(&["backoffLimit"], if per_index { i32::MAX } else { 6 });
        spec.set_default(&["completionMode"], "NonIndexed");
        spec.set_default(&["suspend"], false);
        spec.set_default(&["manualSelector"], false);
        let policy = given(spec, &["podFailurePolicy"]).is_some();
        spec.set_default(&["podReplacementPolicy"], if policy { "Failed" } else { "TerminatingOrFailed" });
        failure_policy::default(spec);
        if object.labels().is_none_or(Map::is_empty)
            && let Some(labels) = object.at(&["spec", "template", "metadata", "labels"]).cloned()
        {
            object.set(&["metadata", "labels"], labels);
        }
    }

    fn prepare_for_create(&self, object: &mut Document) {
        object.remove(&["status"]);
        ownership::generate(object);
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        warnings(new, old, &["spec"])
    }

    fn has_status(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate(object, ownership::Labels::All)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => {
                let mut out = validate(new, ownership::Labels::required_of(old));
                // Upstream checks what is wanted once as such and once as a change.
                out.extend(selected_spec(&new["spec"]));
                out.extend(update::validate(new, old));
                out
            }
            UpdateScope::Status => status::validate(new, old),
        }
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        vec!["status.successful".into()]
    }

    fn select_field(&self, object: &Document, _field: &str) -> String {
        object.i64_at(&["status", "succeeded"]).unwrap_or(0).to_string()
    }

    fn columns(&self) -> Vec<Column> {
        columns::columns()
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        columns::cells(object, now)
    }
}

/// Warnings for what is wanted of a job, under these keys of the object.
pub(super) fn warnings(new: &Document, old: Option<&Document>, path: &[&str]) -> Vec<String> {
    let template: Vec<&str> = path.iter().copied().chain(["template"]).collect();
    let mut out = pod_template::warnings::for_workload(new, old, &template);
    if old.is_none_or(|old| old.generation() != new.generation())
        && let Some(warning) = new.at(path).and_then(completion::warning)
    {
        let after_name = out.iter().take_while(|text| text.starts_with("metadata.name: ")).count();
        out.insert(after_name, format!("{}: {warning}", path.join(".")));
    }
    out
}

/// Fills in what is wanted of a job where nothing but its template and its policy have defaults.
pub(super) fn default_spec(spec: &mut Document) {
    default_template(spec, &["template"]);
    failure_policy::default(spec);
}

fn validate(job: &Document, labels: ownership::Labels) -> FieldErrors {
    let mut out = ownership::validate(job, labels);
    out.extend(selected_spec(&job["spec"]));
    out.extend(completion::host_names(job));
    out
}

/// What is wrong with what is wanted, the selector included.
fn selected_spec(spec: &Document) -> FieldErrors {
    let field = FieldPath::new("spec");
    let mut out = validate_spec(spec, &field);
    let at = field.child("selector");
    match given(spec, &["selector"]) {
        None => out.push(FieldError::required(&at, "")),
        Some(selector) => out.extend(validation::labels::selector(&at, Some(selector))),
    }
    out.extend(ownership::mismatch(spec, &field));
    out
}

/// An error of several fields together, whose value upstream does not show.
fn invalid_whole(field: &FieldPath, why: &str) -> FieldError {
    let mut error = FieldError::invalid(field, Document::NULL, why);
    error.value.clear();
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn job() -> Document {
        let mut job = doc!({"metadata": {"name": "j", "uid": "u", "generation": 1}, "spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "a", "image": "a:1"}]
        }}}});
        Job.default(&mut job);
        Job.prepare_for_create(&mut job);
        job
    }

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn defaults_are_upstreams() {
        let with = |spec: Document| {
            let mut job = doc!({"spec": spec});
            Job.default(&mut job);
            job["spec"].clone()
        };
        let plain = doc!({
            "completions": 1, "parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed",
            "suspend": false, "manualSelector": false, "podReplacementPolicy": "TerminatingOrFailed"
        });
        assert_eq!(with(doc!({})), plain);
        let parallel = with(doc!({"parallelism": 2}));
        assert_eq!(parallel.i64_at(&["completions"]), None);
        let judged = with(doc!({"backoffLimitPerIndex": 1, "podFailurePolicy": {"rules": []}}));
        assert_eq!(judged.i64_at(&["backoffLimit"]), Some(2_147_483_647));
        assert_eq!(judged.str_at(&["podReplacementPolicy"]), "Failed");
    }

    #[test]
    fn a_job_has_the_labels_of_its_template() {
        let mut job = doc!({"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}});
        Job.default(&mut job);
        assert_eq!(job.label("a"), Some("b"));
    }

    #[test]
    fn a_new_job_is_valid() {
        assert_eq!(texts(&Job.validate_create(&job())), Vec::<String>::new());
        let mut unselected = job();
        unselected.remove(&["spec", "selector"]);
        assert_eq!(
            texts(&Job.validate_create(&unselected)),
            [
                "spec.selector: Required value",
                r#"spec.template.metadata.labels: Invalid value: {"batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"j","controller-uid":"u","job-name":"j"}: `selector` does not match template `labels`"#,
            ]
        );
    }

    #[test]
    fn upstream_tells_twice_what_is_wrong_with_a_change() {
        let mut new = job();
        new.set(&["spec", "parallelism"], -1);
        let expected = "spec.parallelism: Invalid value: -1: must be greater than or equal to 0";
        assert_eq!(texts(&Job.validate_create(&new)), [expected]);
        assert_eq!(texts(&Job.validate_update(UpdateScope::Main, &new, &job())), [expected, expected]);
    }

    #[test]
    fn warnings_come_with_changes_of_what_is_wanted() {
        let mut large = job();
        for (name, value) in [("completions", 100_001), ("parallelism", 10_001)] {
            large.set(&["spec", name], value);
        }
        large.set(&["spec", "completionMode"], "Indexed");
        large.set(&["metadata", "name"], "a.b");
        let (name, size) = (
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [",
            "spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail",
        );
        let warnings = Job.warnings(&large, None);
        assert!(warnings[0].starts_with(name));
        assert_eq!(warnings[1..], [size]);
        let mut changed = large.clone();
        assert_eq!(Job.warnings(&changed, Some(&large)), Vec::<String>::new());
        changed.set(&["metadata", "generation"], 2);
        assert_eq!(Job.warnings(&changed, Some(&large)), [size]);
    }
}

//! CronJobs.

use super::job::template_errors;
use super::{cells, default_template, pod_template};
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `batch/v1 CronJob`.
pub(crate) struct CronJob;

impl Strategy for CronJob {
    fn default(&self, object: &mut Document) {
        default_template(object, &["spec", "jobTemplate", "spec", "template"]);
        let spec = object.ensure(&["spec"]);
        spec.set_default(&["concurrencyPolicy"], "Allow");
        spec.set_default(&["suspend"], false);
        spec.set_default(&["successfulJobsHistoryLimit"], 3);
        spec.set_default(&["failedJobsHistoryLimit"], 1);
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        pod_template::warnings::for_workload(new, old, &["spec", "jobTemplate", "spec", "template"])
    }

    fn has_status(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec");
        let mut out = FieldErrors::new();
        let schedule = object.str_at(&["spec", "schedule"]);
        if schedule.is_empty() {
            out.push(FieldError::required(&field.child("schedule"), ""));
        } else if schedule.contains("TZ") {
            let why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
            out.push(FieldError::invalid(&field.child("schedule"), schedule, why));
        }
        let policy = object.str_at(&["spec", "concurrencyPolicy"]);
        out.extend(validation::one_of(
            &field.child("concurrencyPolicy"),
            policy,
            &["Allow", "Forbid", "Replace"],
        ));
        for name in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
            out.extend(validation::not_negative(&field.child(name), object.at(&["spec", name])));
        }
        let template = object.at(&["spec", "jobTemplate", "spec", "template"]);
        out.extend(template_errors(&field.child("jobTemplate.spec.template"), template));
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("Schedule"),
            Column::text("Timezone"),
            Column::boolean("Suspend"),
            Column::integer("Active"),
            Column::text("Last Schedule"),
            Column::age(),
            Column::text("Containers").wide(),
            Column::text("Images").wide(),
            Column::text("Selector").wide(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let job = &object["spec"]["jobTemplate"]["spec"];
        let [names, images] = cells::containers(job.at(&["template", "spec"]));
        let suspend = object.bool_at(&["spec", "suspend"]).map_or(cells::UNSET.to_owned(), go_bool);
        let last = object.str_at(&["status", "lastScheduleTime"]);
        let last = if last.is_empty() { cells::NONE.to_owned() } else { cells::since(last, now) };
        vec![
            cells::name(object),
            cells::text(object, &["spec", "schedule"]),
            cells::or_none(object.str_at(&["spec", "timeZone"])),
            suspend.into(),
            cells::count(object, &["status", "active"]),
            last.into(),
            cells::age(object, now),
            names,
            images,
            cells::selector(job.get("selector")),
        ]
    }
}

fn go_bool(value: bool) -> String {
    if value { "True" } else { "False" }.to_owned()
}

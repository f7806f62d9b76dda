//! CronJobs. Validation and time zones are in their own files.

mod time_zone;
mod validate;

use super::{cells, job, workload};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};

/// `batch/v1 CronJob`.
pub(crate) struct CronJob;

impl Strategy for CronJob {
    fn default(&self, object: &mut Document) {
        if let Some(spec) = object.at_mut(&["spec", "jobTemplate", "spec"]) {
            job::default_spec(spec);
        }
        let spec = object.ensure(&["spec"]);
        spec.set_default(&["concurrencyPolicy"], "Allow");
        spec.set_default(&["suspend"], false);
        spec.set_default(&["successfulJobsHistoryLimit"], 3);
        spec.set_default(&["failedJobsHistoryLimit"], 1);
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        const ZONED: &str = "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";
        let mut out = job::warnings(new, old, &["spec", "jobTemplate", "spec"]);
        let changed = old.is_some_and(|old| !workload::is_status_write(new, old));
        if changed && new.str_at(&["spec", "schedule"]).contains("TZ") {
            out.push(ZONED.to_owned());
        }
        out
    }

    fn has_status(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::created(object)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => validate::changed(new, old),
            UpdateScope::Status => FieldErrors::new(),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn defaults_are_upstreams() {
        let mut cron = doc!({"spec": {"jobTemplate": {"spec": {
            "podFailurePolicy": {"rules": [{"onPodConditions": [{"type": "A"}]}]}, "template": {"spec": {}}
        }}}});
        CronJob.default(&mut cron);
        let spec = &cron["spec"];
        assert_eq!(spec.str_at(&["concurrencyPolicy"]), "Allow");
        assert_eq!(spec.bool_at(&["suspend"]), Some(false));
        assert_eq!(spec.i64_at(&["successfulJobsHistoryLimit"]), Some(3));
        assert_eq!(spec.i64_at(&["failedJobsHistoryLimit"]), Some(1));
        let job = &spec["jobTemplate"]["spec"];
        assert_eq!(
            job["podFailurePolicy"].array_at(&["rules"])[0].array_at(&["onPodConditions"])[0]["status"],
            Document::from("True")
        );
        assert_eq!(job.str_at(&["template", "spec", "dnsPolicy"]), "ClusterFirst");
        assert_eq!(job.get("backoffLimit"), None);
    }

    #[test]
    fn zones_in_schedules_are_warned_of() {
        let mut old = doc!({"metadata": {"name": "c"}, "spec": {"schedule": "@daily"}});
        assert_eq!(CronJob.warnings(&old, Some(&old)), Vec::<String>::new());
        old.set(&["spec", "schedule"], "TZ=UTC @daily");
        let mut ran = old.clone();
        ran.set(&["status", "lastScheduleTime"], "2024-01-01T00:00:00Z");
        assert_eq!(CronJob.warnings(&ran, Some(&old)), Vec::<String>::new());
        assert_eq!(
            CronJob.warnings(&old, Some(&old)),
            [
                "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
            ]
        );
    }

    #[test]
    fn warnings_name_the_place_of_the_job() {
        let large = doc!({"metadata": {"name": "c"}, "spec": {"jobTemplate": {"spec": {
            "completionMode": "Indexed", "completions": 100_001, "parallelism": 10_001
        }}}});
        let warnings = CronJob.warnings(&large, None);
        assert!(
            warnings[0].starts_with("spec.jobTemplate.spec: In Indexed Jobs with a number of completions")
        );
    }
}

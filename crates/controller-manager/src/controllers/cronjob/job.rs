//! The Job of one time of a schedule.

use crate::ownership::controller_ref;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use skiff_apimachinery::{Document, doc};

/// Says for which time a Job was created.
pub(super) const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/// The name of the Job of a time: the CronJob's, and the time in minutes.
pub(super) fn name(cron_job: &Document, due: Timestamp) -> String {
    format!("{}-{}", cron_job.name(), due.as_second() / 60)
}

/// The Job itself.
pub(super) fn of(cron_job: &Document, due: Timestamp, zone: &TimeZone) -> Document {
    let template = &cron_job["spec"]["jobTemplate"];
    let mut metadata = doc!({"name": (name(cron_job, due)), "namespace": cron_job.namespace()});
    if let Some(labels) = template.at(&["metadata", "labels"]) {
        metadata.insert("labels", labels);
    }
    let mut annotations = template.at(&["metadata", "annotations"]).cloned().unwrap_or_else(Document::object);
    annotations.insert(SCHEDULED, local(cron_job, due, zone));
    metadata.insert("annotations", annotations);
    metadata.insert("ownerReferences", vec![controller_ref(cron_job)]);
    doc!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": (template["spec"].clone())})
}

/// The time in the zone that the CronJob names, else in UTC.
fn local(cron_job: &Document, due: Timestamp, zone: &TimeZone) -> String {
    let named = !cron_job.str_at(&["spec", "timeZone"]).is_empty();
    let time = due.to_zoned(if named { zone.clone() } else { TimeZone::UTC });
    let offset = if time.offset().seconds() == 0 { "Z".to_owned() } else { time.strftime("%:z").to_string() };
    format!("{}{offset}", time.strftime("%Y-%m-%dT%H:%M:%S"))
}

//! `job_controller_*` metrics, under upstream's names, taken from what the informer shows of Jobs.

use super::conditions;
use super::indexes::Indexes;
use super::spec::Spec;
use skiff_apimachinery::Document;
use skiff_client::{Event, Untyped};
use skiff_telemetry::{Counter, Family, Registry};
use std::sync::Arc;

/// Counts Jobs, their pods and their indexes as they end. Cheap to clone.
#[derive(Clone)]
pub(super) struct Metrics {
    jobs_finished: Arc<Family<Counter>>,
    pods_finished: Arc<Family<Counter>>,
    indexes_finished: Arc<Family<Counter>>,
    managed_elsewhere: Arc<Family<Counter>>,
}

impl Metrics {
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            jobs_finished: registry.counters(
                "job_controller_jobs_finished_total",
                "The number of finished jobs",
                &["completion_mode", "result", "reason"],
            ),
            pods_finished: registry.counters(
                "job_controller_job_pods_finished_total",
                "The number of finished Pods that are fully tracked",
                &["completion_mode", "result"],
            ),
            indexes_finished: registry.counters(
                "job_controller_job_finished_indexes_total",
                "The number of finished indexes. Possible values for the\n\t\t\tstatus label are: \"succeeded\", \"failed\". Possible values for the\n\t\t\tbackoffLimit label are: \"perIndex\" and \"global\"",
                &["status", "backoffLimit"],
            ),
            managed_elsewhere: registry.counters(
                "job_controller_jobs_by_external_controller_total",
                "The number of Jobs managed by an external controller",
                &["controller_name"],
            ),
        }
    }

    /// Takes in a change of a Job.
    pub(super) fn take_in(&self, event: &Event<Untyped>) {
        let elsewhere = Spec::of(event.object()).managed_by();
        match event {
            Event::Added(_) => {
                if let Some(controller) = elsewhere {
                    self.managed_elsewhere.with(&[controller]).increment();
                }
            }
            Event::Updated { old, new } if elsewhere.is_none() => self.take_in_progress(old, new),
            Event::Updated { .. } | Event::Deleted(_) => {}
        }
    }

    fn take_in_progress(&self, old: &Document, new: &Document) {
        let spec = Spec::of(new);
        let mode = if spec.indexed().is_some() { "Indexed" } else { "NonIndexed" };
        if let Some(end) = conditions::finished(new).filter(|_| conditions::finished(old).is_none()) {
            let result = if end.str_at(&["type"]) == "Complete" { "succeeded" } else { "failed" };
            self.jobs_finished.with(&[mode, result, end.str_at(&["reason"])]).increment();
        }
        for result in ["succeeded", "failed"] {
            let count = |job: &Document| job.i64_at(&["status", result]).unwrap_or(0);
            self.pods_finished.with(&[mode, result]).add(more(count(old), count(new)));
        }
        let Some(end) = spec.indexed() else { return };
        let limit = if spec.backoff_limit_per_index().is_some() { "perIndex" } else { "global" };
        for (status, field) in [("succeeded", "completedIndexes"), ("failed", "failedIndexes")] {
            let count = |job: &Document| Indexes::parse(job.str_at(&["status", field]), end).len();
            let more = count(new).saturating_sub(count(old));
            self.indexes_finished.with(&[status, limit]).add(u64::try_from(more).unwrap_or(u64::MAX));
        }
    }
}

/// By how much a count grew.
fn more(old: i64, new: i64) -> u64 {
    u64::try_from(new.saturating_sub(old)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;
    use skiff_client::Cached;

    #[test]
    fn what_ends_is_counted_once() {
        let cached = |job: &Document| Arc::new(Cached { object: Arc::new(job.clone()), typed: Untyped });
        let running = doc!({
            "metadata": {"name": "j"},
            "spec": {"completionMode": "Indexed", "completions": 4, "backoffLimitPerIndex": 1},
            "status": {"succeeded": 1, "completedIndexes": "0"}
        });
        let mut ended = running.clone();
        ended.set(
            &["status"],
            doc!({
                "succeeded": 3, "failed": 2, "completedIndexes": "0-2", "failedIndexes": "3",
                "conditions": [{"type": "Failed", "status": "True", "reason": "FailedIndexes"}]
            }),
        );
        let mut elsewhere = running.clone();
        elsewhere.set(&["spec", "managedBy"], "example.com/kueue");
        let registry = Registry::new();
        let metrics = Metrics::new(&registry);
        metrics.take_in(&Event::Added(cached(&running)));
        metrics.take_in(&Event::Added(cached(&elsewhere)));
        metrics.take_in(&Event::Updated { old: cached(&running), new: cached(&ended) });
        metrics.take_in(&Event::Updated { old: cached(&ended), new: cached(&ended) });
        metrics.take_in(&Event::Deleted(cached(&ended)));
        let text = registry.render_registered();
        for line in [
            "job_controller_jobs_finished_total{completion_mode=\"Indexed\",result=\"failed\",reason=\"FailedIndexes\"} 1",
            "job_controller_job_pods_finished_total{completion_mode=\"Indexed\",result=\"succeeded\"} 2",
            "job_controller_job_pods_finished_total{completion_mode=\"Indexed\",result=\"failed\"} 2",
            "job_controller_job_finished_indexes_total{status=\"succeeded\",backoffLimit=\"perIndex\"} 2",
            "job_controller_job_finished_indexes_total{status=\"failed\",backoffLimit=\"perIndex\"} 1",
            "job_controller_jobs_by_external_controller_total{controller_name=\"example.com/kueue\"} 1",
        ] {
            assert!(text.lines().any(|told| told == line), "{line} is missing in\n{text}");
        }
    }
}

//! Pods that are kept for a Job that will not count them: it is gone, it has ended, or it lost them.

use super::conditions;
use super::finalizer;
use super::spec::Spec;
use crate::plan::Plan;
use crate::pods::CachedPod;
use k8s_openapi::api::core::v1::Pod;
use skiff_apimachinery::Document;
use skiff_client::resources::JOBS;
use skiff_client::{Cached, Event, Informer, Untyped};

/// Whether a pod is one.
pub(super) fn is_orphan(jobs: &Informer<Untyped>, pod: &Cached<Pod>) -> bool {
    let name = pod.controller_ref().map_or("", |owner| owner.str_at(&["name"]));
    let homonym = jobs.get(pod.namespace(), name);
    is_left(pod, homonym.as_ref().map(|job| &*job.object))
}

/// Whether a change of a pod shows an orphan. One whose Job is not to be seen may be ahead of it, until it goes.
pub(super) fn shows(jobs: &Informer<Untyped>, event: &Event<Pod>) -> bool {
    let pod = event.object();
    let is_lost = pod.controller_ref().is_none() || pod.deletion_timestamp().is_some();
    is_lost && !matches!(event, Event::Deleted(_)) && is_orphan(jobs, pod)
}

/// Lets it go.
pub(super) fn plan(pod: &CachedPod) -> Plan {
    let mut plan = Plan::default();
    plan.write(finalizer::free_unchanged(pod));
    plan
}

/// Whether a pod is kept for nobody, given the Job that has its controller's name.
fn is_left(pod: &Document, homonym: Option<&Document>) -> bool {
    let Some(owner) = pod.controller_ref() else { return finalizer::holds(pod) };
    let is_of_job =
        owner.str_at(&["kind"]) == &*JOBS.kind && owner.str_at(&["apiVersion"]) == JOBS.api_version();
    let job = homonym.filter(|job| job.uid() == owner.str_at(&["uid"]));
    // Who manages a Job looks after its pods too.
    let counts = |job: &Document| Spec::of(job).managed_by().is_some() || conditions::finished(job).is_none();
    is_of_job && finalizer::holds(pod) && !job.is_some_and(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn pods_are_left_by_jobs_that_will_not_count_them() {
        let pod = |version: &str, kind: &str| {
            let owner =
                doc!({"apiVersion": version, "kind": kind, "name": "j", "uid": "u", "controller": true});
            doc!({"metadata": {"name": "p", "finalizers": [(finalizer::FINALIZER)], "ownerReferences": [owner]}})
        };
        let of_job = || pod("batch/v1", "Job");
        let running = doc!({"metadata": {"name": "j", "uid": "u"}});
        let mut ended = running.clone();
        ended.set(&["status", "conditions"], doc!([{"type": "Complete", "status": "True"}]));
        let mut managed = ended.clone();
        managed.set(&["spec", "managedBy"], "example.com/kueue");
        let another = doc!({"metadata": {"name": "j", "uid": "v"}});
        let mut lost = of_job();
        lost.remove(&["metadata", "ownerReferences"]);
        let mut free = lost.clone();
        free.remove(&["metadata", "finalizers"]);
        let mut free_of_job = of_job();
        free_of_job.remove(&["metadata", "finalizers"]);
        let cases = [
            ("without a controller", lost, None, true),
            ("without a controller and not kept", free, None, false),
            ("the Job runs", of_job(), Some(&running), false),
            ("the Job is gone", of_job(), None, true),
            ("another Job has its name", of_job(), Some(&another), true),
            ("the Job has ended", of_job(), Some(&ended), true),
            ("the Job has ended and is managed elsewhere", of_job(), Some(&managed), false),
            ("not kept", free_of_job, None, false),
            ("of another kind", pod("apps/v1", "ReplicaSet"), None, false),
            ("of another group", pod("example.com/v1", "Job"), None, false),
        ];
        for (case, pod, job, expected) in cases {
            assert_eq!(is_left(&pod, job), expected, "{case}");
        }
    }
}

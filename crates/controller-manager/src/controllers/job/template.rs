//! The pods of a Job.

use super::failure_policy::FailurePolicy;
use super::finalizer::FINALIZER;
use super::job_pod::{FAILURES, IGNORED_FAILURES, INDEX, JobPod};
use super::spec::Spec;
use crate::pod_template::pod_of;
use skiff_apimachinery::{Document, doc};

/// Where containers find their index.
const VARIABLE: &str = "JOB_COMPLETION_INDEX";
/// What a generated name must leave room for: the API server adds five characters.
const LONGEST_PREFIX: usize = 58;

/// A pod from the Job's template.
pub(super) fn pod(job: &Document) -> Document {
    let mut pod = pod_of(job);
    let finalizers = pod.ensure(&["metadata", "finalizers"]).make_array();
    if !finalizers.iter().any(|held| held.as_str() == Some(FINALIZER)) {
        finalizers.push(FINALIZER.into());
    }
    pod
}

/// A pod for an index, in place of one that failed.
pub(super) fn pod_for(job: &Document, index: u32, replaced: Option<&JobPod>) -> Document {
    let mut pod = pod(job);
    for list in ["initContainers", "containers"] {
        let containers = pod.at_mut(&["spec", list]).and_then(Document::as_array_mut);
        containers.into_iter().flatten().for_each(tell_index);
    }
    for metadata in ["annotations", "labels"] {
        pod.set(&["metadata", metadata, INDEX], index.to_string());
    }
    pod.set(&["metadata", "generateName"], name_prefix(job.name(), index));
    pod.set(&["spec", "hostname"], format!("{}-{index}", job.name()));
    let spec = Spec::of(job);
    if spec.backoff_limit_per_index().is_some() {
        let (failures, ignored) = failures(replaced, spec.failure_policy());
        pod.set(&["metadata", "annotations", FAILURES], failures.to_string());
        if ignored > 0 {
            pod.set(&["metadata", "annotations", IGNORED_FAILURES], ignored.to_string());
        }
    }
    pod
}

/// How many pods of the index failed, and how many of those that are ignored, now that this one has.
fn failures(replaced: Option<&JobPod>, policy: FailurePolicy<'_>) -> (u32, u32) {
    let Some(failed) = replaced else { return (0, 0) };
    let (failures, ignored) = (failed.failures(), failed.ignored_failures());
    if policy.counts(failed) { (failures + 1, ignored) } else { (failures, ignored + 1) }
}

/// Lets a container know its index, unless it names the variable itself.
fn tell_index(container: &mut Document) {
    let variables = container.ensure(&["env"]).make_array();
    if !variables.iter().any(|variable| variable.str_at(&["name"]) == VARIABLE) {
        let path = format!("metadata.labels['{INDEX}']");
        variables.push(doc!({"name": VARIABLE, "valueFrom": {"fieldRef": {"fieldPath": path}}}));
    }
}

/// The index is kept whole, however long the Job's name is.
fn name_prefix(job: &str, index: u32) -> String {
    let ending = format!("-{index}-");
    let room = LONGEST_PREFIX.saturating_sub(ending.len()).min(job.len());
    // A Job's name is ASCII.
    format!("{}{ending}", job.get(..room).unwrap_or(job))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_client::Cached;
    use std::sync::Arc;

    fn job() -> Document {
        doc!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "n", "uid": "u"},
            "spec": {"template": {
                "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}, "finalizers": ["mine"]},
                "spec": {
                    "restartPolicy": "Never",
                    "initContainers": [{"name": "i", "env": [{"name": VARIABLE, "value": "7"}]}],
                    "containers": [{"name": "c"}]
                }
            }}
        })
    }

    fn owner() -> Document {
        doc!({"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u", "controller": true,
            "blockOwnerDeletion": true})
    }

    #[test]
    fn a_pod_is_the_template_kept_until_it_is_counted() {
        let mut expected = doc!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"generateName": "j-", "labels": {"a": "b"}, "annotations": {"c": "d"},
                "finalizers": ["mine", FINALIZER], "ownerReferences": [(owner())]}
        });
        expected.insert("spec", &job()["spec"]["template"]["spec"]);
        assert_eq!(pod(&job()), expected);
        let mut held = job();
        held.set(&["spec", "template", "metadata", "finalizers"], vec![FINALIZER]);
        assert_eq!(pod(&held)["metadata"]["finalizers"], doc!([FINALIZER]));
    }

    #[test]
    fn a_pod_for_an_index_knows_it() {
        let path = "metadata.labels['batch.kubernetes.io/job-completion-index']";
        assert_eq!(
            pod_for(&job(), 3, None),
            doc!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"generateName": "j-3-", "labels": {"a": "b", (INDEX): "3"},
                    "annotations": {"c": "d", (INDEX): "3"}, "finalizers": ["mine", FINALIZER],
                    "ownerReferences": [(owner())]},
                "spec": {
                    "restartPolicy": "Never", "hostname": "j-3",
                    "initContainers": [{"name": "i", "env": [{"name": VARIABLE, "value": "7"}]}],
                    "containers": [{"name": "c", "env": [
                        {"name": VARIABLE, "valueFrom": {"fieldRef": {"fieldPath": path}}}
                    ]}]
                }
            })
        );
    }

    #[test]
    fn a_long_name_leaves_room_for_the_index() {
        assert_eq!(name_prefix("j", 0), "j-0-");
        assert_eq!(name_prefix(&"j".repeat(55), 0), format!("{}-0-", "j".repeat(55)));
        assert_eq!(name_prefix(&"j".repeat(56), 0), format!("{}-0-", "j".repeat(55)));
        assert_eq!(name_prefix(&"j".repeat(63), 12345), format!("{}-12345-", "j".repeat(51)));
    }

    #[test]
    fn failures_of_an_index_are_handed_on() {
        let mut job = job();
        job.set(&["spec", "backoffLimitPerIndex"], 4);
        job.set(
            &["spec", "podFailurePolicy"],
            doc!({"rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
            ]}),
        );
        let failed = |failures: &str, ignored: &str, condition: &str| {
            let pod = doc!({
                "metadata": {"name": "p", "annotations": {(FAILURES): failures, (IGNORED_FAILURES): ignored}},
                "status": {"phase": "Failed", "conditions": [{"type": condition, "status": "True"}]}
            });
            JobPod::owned(Arc::new(Cached::decode(Arc::new(pod)).unwrap()), Spec::of(&job))
        };
        let cases = [
            ("the first", None, Some("0"), None),
            ("after one", Some(failed("0", "", "Ready")), Some("1"), None),
            ("after several", Some(failed("2", "1", "Ready")), Some("3"), Some("1")),
            ("after one that is ignored", Some(failed("2", "1", "DisruptionTarget")), Some("2"), Some("2")),
            ("after one that is no count", Some(failed("-1", "x", "Ready")), Some("1"), None),
        ];
        for (case, replaced, failures, ignored) in cases {
            let pod = pod_for(&job, 0, replaced.as_ref());
            let told = (pod.annotation(FAILURES), pod.annotation(IGNORED_FAILURES));
            assert_eq!(told, (failures, ignored), "{case}");
        }
    }
}

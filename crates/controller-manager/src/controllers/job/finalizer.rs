//! The finalizer that keeps an ended pod until its Job has counted it (KEP-2307).
//!
//! A pod has it from its creation or adoption on. It loses it when the Job's status accounts for it, and when no Job
//! will count it: it was released, it is in surplus, it is an orphan.

use crate::ownership;
use crate::plan::Write;
use crate::pods::CachedPod;
use skiff_apimachinery::{Document, doc};
use skiff_client::PatchKind;
use skiff_client::resources::{JOBS, PODS};

/// The finalizer.
pub(super) const FINALIZER: &str = "batch.kubernetes.io/job-tracking";
/// How a strategic merge patch takes finalizers off.
const TAKEN_OFF: &str = "$deleteFromPrimitiveList/finalizers";

/// Whether an object has it.
pub(super) fn holds(object: &Document) -> bool {
    object.finalizers().any(|held| held == FINALIZER)
}

/// Takes it off a pod.
pub(super) fn free(pod: &Document) -> Write {
    let patch = doc!({"metadata": {"uid": pod.uid(), (TAKEN_OFF): [FINALIZER]}});
    Write::patch(&PODS, pod, "", PatchKind::Strategic, patch)
}

/// Takes it off a pod that is still as it was seen: otherwise a Job may have adopted it.
pub(super) fn free_unchanged(pod: &Document) -> Write {
    let mut write = free(pod);
    amend(&mut write, "resourceVersion", pod.resource_version());
    write
}

/// Makes the Job the pod's controller and keeps the pod for it.
pub(super) fn adopt(job: &Document, pod: &CachedPod) -> Write {
    let mut write = ownership::adopt(&PODS, &JOBS, job, pod);
    amend(&mut write, "finalizers", vec![FINALIZER]);
    write
}

/// Takes the Job's reference off the pod, and what keeps the pod for it.
pub(super) fn release(job: &Document, pod: &CachedPod) -> Write {
    let mut write = ownership::release(&PODS, job, pod);
    amend(&mut write, TAKEN_OFF, vec![FINALIZER]);
    write
}

/// Adds a field to the metadata of a patch.
fn amend(write: &mut Write, field: &str, value: impl Into<Document>) {
    write.call.body.get_or_insert_default().set(&["metadata", field], value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_client::Cached;
    use std::sync::Arc;

    #[test]
    fn patches_name_the_pod_by_its_uid() {
        let job = doc!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "uid": "u"}});
        let pod = doc!({"metadata": {"name": "p", "namespace": "n", "uid": "v", "resourceVersion": "7"}});
        let pod: CachedPod = Arc::new(Cached::decode(Arc::new(pod)).unwrap());
        let owner = ownership::controller_ref(&job);
        let cases = [
            (free(&pod), doc!({"uid": "v", (TAKEN_OFF): [FINALIZER]})),
            (free_unchanged(&pod), doc!({"uid": "v", (TAKEN_OFF): [FINALIZER], "resourceVersion": "7"})),
            (adopt(&job, &pod), doc!({"ownerReferences": [owner], "uid": "v", "finalizers": [FINALIZER]})),
            (
                release(&job, &pod),
                doc!({"ownerReferences": [{"$patch": "delete", "uid": "u"}], "uid": "v",
                    (TAKEN_OFF): [FINALIZER]}),
            ),
        ];
        for (write, metadata) in cases {
            assert_eq!((write.call.namespace.as_str(), write.call.name.as_str()), ("n", "p"));
            assert_eq!(write.call.body, Some(doc!({"metadata": metadata})));
        }
    }
}

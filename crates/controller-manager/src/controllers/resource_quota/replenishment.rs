//! Which changes of objects matter to a quota.

use super::hard;
use jiff::Timestamp;
use skiff_api::quota::{Evaluator, applies};
use skiff_apimachinery::Document;
use skiff_client::Event;

/// Whether the change may leave the quota with another use than it tells: something that it counts went, or came to use
/// more or less, as a pod that ended. What is new was charged at admission.
pub(super) fn replenishes<T>(
    quota: &Document,
    evaluator: &dyn Evaluator,
    event: &Event<T>,
    now: Timestamp,
) -> bool {
    match event {
        Event::Added(_) => false,
        Event::Deleted(object) => applies(quota, &hard(quota), evaluator, object),
        Event::Updated { old, new } => {
            let hard = hard(quota);
            let (before, after) =
                (applies(quota, &hard, evaluator, old), applies(quota, &hard, evaluator, new));
            before != after || (after && evaluator.usage(old, now) != evaluator.usage(new, now))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_api::quota::evaluators;
    use skiff_apimachinery::{GroupResource, doc};
    use skiff_client::{Cached, Untyped};
    use std::sync::Arc;

    fn cached(object: Document) -> Arc<Cached<Untyped>> {
        Arc::new(Cached { object: Arc::new(object), typed: Untyped })
    }

    fn deleted(object: Document) -> Event<Untyped> {
        Event::Deleted(cached(object))
    }

    fn updated(old: &Document, new: &Document) -> Event<Untyped> {
        Event::Updated { old: cached(old.clone()), new: cached(new.clone()) }
    }

    fn matters(quota: &Document, plural: &'static str, event: &Event<Untyped>) -> bool {
        let evaluator = evaluators::of(&GroupResource::new("", plural));
        replenishes(quota, &*evaluator, event, Timestamp::UNIX_EPOCH)
    }

    fn quota(name: &str) -> Document {
        doc!({"spec": {"hard": {(name): "1"}}})
    }

    #[test]
    fn what_goes_matters_to_the_quotas_that_count_it() {
        let object = doc!({"metadata": {"name": "a"}});
        assert!(matters(&quota("configmaps"), "configmaps", &deleted(object.clone())));
        assert!(!matters(&quota("secrets"), "configmaps", &deleted(object.clone())));
        assert!(!matters(&quota("configmaps"), "configmaps", &Event::Added(cached(object))));
    }

    #[test]
    fn an_object_outside_the_scopes_of_a_quota_does_not_matter_to_it() {
        let mut scoped = quota("pods");
        scoped.set(&["spec", "scopes"], doc!(["Terminating"]));
        let mut pod = doc!({"spec": {"containers": [{"name": "c"}]}});
        assert!(!matters(&scoped, "pods", &deleted(pod.clone())));
        let old = pod.clone();
        pod.set(&["spec", "activeDeadlineSeconds"], 5);
        assert!(matters(&scoped, "pods", &updated(&old, &pod)));
    }

    #[test]
    fn updates_matter_when_another_amount_is_used() {
        let running = doc!({"spec": {"containers": [{"name": "c"}]}, "status": {"phase": "Running"}});
        let mut ready = running.clone();
        ready.set(&["status", "conditions"], doc!([{"type": "Ready", "status": "True"}]));
        let mut ended = running.clone();
        ended.set(&["status", "phase"], "Succeeded");
        assert!(!matters(&quota("pods"), "pods", &updated(&running, &ready)));
        assert!(matters(&quota("pods"), "pods", &updated(&running, &ended)));

        let cluster_ip = doc!({"spec": {"type": "ClusterIP", "ports": [{"port": 1}]}});
        let node_port = doc!({"spec": {"type": "NodePort", "ports": [{"port": 1}]}});
        assert!(matters(&quota("services.nodeports"), "services", &updated(&node_port, &cluster_ip)));

        let claim = doc!({"spec": {"resources": {"requests": {"storage": "1Gi"}}}});
        let mut grown = claim.clone();
        grown.set(&["status", "allocatedResources", "storage"], "2Gi");
        let storage = quota("requests.storage");
        assert!(matters(&storage, "persistentvolumeclaims", &updated(&claim, &grown)));
        assert!(!matters(&storage, "persistentvolumeclaims", &updated(&claim, &claim)));
    }
}

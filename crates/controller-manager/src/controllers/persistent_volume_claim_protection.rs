//! `persistentvolumeclaim-protection-controller`: keeps a deleted claim while a pod on a node uses it.
//!
//! A kubelet starts no pod whose claim is being deleted, so pods without a node do not count. Pods that have ended do:
//! they may be looked at, and their volumes may still be mounted. Before a claim is let go, the API is asked for pods:
//! a cache that is behind must not cost data.

use crate::controller::{Context, Controller};
use crate::ownership::controller_uid;
use crate::plan::Plan;
use crate::protection::{Protection, Usage};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::{Document, Status};
use skiff_client::resources::{PERSISTENT_VOLUME_CLAIMS, PODS};
use skiff_client::{Client, Event, Index, Informer, Object, Selection, Untyped};

const PROTECTION: Protection =
    Protection { resource: PERSISTENT_VOLUME_CLAIMS, finalizer: "kubernetes.io/pvc-protection" };

/// The controller; its keys are those of claims.
pub struct PersistentVolumeClaimProtection {
    client: Client,
    claims: Informer<Untyped>,
    pods: Informer<Pod>,
    pods_by_claim: Index<Pod>,
}

/// One claim, and the pods that may use it.
pub struct World {
    claim: Object,
    pods: Vec<Object>,
}

/// A volume of a pod that is backed by a claim.
enum Source<'a> {
    /// The claim that the pod names.
    Claim(&'a str),
    /// The claim that is made for the pod; this is its name if no other claim had it before.
    Ephemeral(String),
}

impl Controller for PersistentVolumeClaimProtection {
    const NAME: &'static str = "persistentvolumeclaim-protection-controller";
    const IDENTITY: &'static str = "pvc-protection-controller";
    const QUEUE: &'static str = "pvcprotection";
    const WORKERS: usize = 1;

    type Key = ObjectKey;
    type World = World;

    fn new(context: &Context) -> Self {
        let pods = context.informers.of(&PODS, Selection::default());
        Self {
            client: context.client.clone(),
            claims: context.informers.of(&PERSISTENT_VOLUME_CLAIMS, Selection::default()),
            pods_by_claim: pods.index("claim", |pod| claims(pod).map(|claim| claim.to_string()).collect()),
            pods,
        }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        sources.watch(&self.claims, |event| PROTECTION.concerned(event).map(|claim| claim.key()));
        let known = self.claims.clone();
        sources.watch(&self.pods, move |event| {
            let waits = |key: &ObjectKey| {
                known.get(&key.namespace, &key.name).is_some_and(|claim| PROTECTION.is_due(&claim))
            };
            let released = lets_go(event).then(|| claims(event.object()));
            released.into_iter().flatten().filter(waits).collect::<Vec<_>>()
        });
    }

    fn observe<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<World>, Status>> {
        Box::pin(async move {
            match self.claims.get(&key.namespace, &key.name).filter(|claim| PROTECTION.is_due(claim)) {
                Some(claim) => self.world(claim.object.clone()).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn plan(world: &World, _now: Timestamp) -> Plan {
        plan(world)
    }
}

impl PersistentVolumeClaimProtection {
    async fn world(&self, claim: Object) -> Result<World, Status> {
        if claim.deletion_timestamp().is_none() {
            return Ok(World { claim, pods: Vec::new() });
        }
        let known = self.pods_by_claim.get(&claim.key().to_string());
        let known: Vec<Object> = known.iter().map(|pod| pod.object.clone()).collect();
        if known.iter().any(|pod| uses(pod, &claim)) {
            return Ok(World { claim, pods: known });
        }
        let listed = self.client.list(&PODS, claim.namespace(), &Selection::default()).await?;
        Ok(World { claim, pods: listed.items })
    }
}

fn plan(world: &World) -> Plan {
    let is_used = world.pods.iter().any(|pod| uses(pod, &world.claim));
    PROTECTION.plan(&world.claim, if is_used { Usage::Used } else { Usage::Unused })
}

/// What a pod's volume has to do with claims.
fn source<'a>(pod: &Document, volume: &'a Document) -> Option<Source<'a>> {
    let has = |kind: &str| volume.get(kind).is_some_and(|source| !source.is_null());
    if has("persistentVolumeClaim") {
        Some(Source::Claim(volume.str_at(&["persistentVolumeClaim", "claimName"])))
    } else if has("ephemeral") {
        Some(Source::Ephemeral(format!("{}-{}", pod.name(), volume.str_at(&["name"]))))
    } else {
        None
    }
}

/// The claims that a pod may use.
fn claims(pod: &Document) -> impl Iterator<Item = ObjectKey> {
    pod.array_at(&["spec", "volumes"]).iter().filter_map(move |volume| {
        let name = match source(pod, volume)? {
            Source::Claim(name) => name.to_owned(),
            Source::Ephemeral(name) => name,
        };
        Some(ObjectKey::new(pod.namespace(), name))
    })
}

/// Whether a pod of the claim's namespace needs the claim.
fn uses(pod: &Document, claim: &Document) -> bool {
    let is_scheduled = !pod.str_at(&["spec", "nodeName"]).is_empty();
    is_scheduled
        && pod.array_at(&["spec", "volumes"]).iter().any(|volume| match source(pod, volume) {
            Some(Source::Claim(name)) => name == claim.name(),
            Some(Source::Ephemeral(name)) => {
                name == claim.name() && controller_uid(claim) == Some(pod.uid()) && !is_shut_down(pod)
            }
            None => false,
        })
}

/// Whether the kubelet is done with a pod or was told not to be waited for. Such a pod may itself be kept by something
/// that waits for its claims to go; it must not keep them then.
fn is_shut_down(pod: &Document) -> bool {
    pod.deletion_timestamp().is_some() && pod.i64_at(&["metadata", "deletionGracePeriodSeconds"]) == Some(0)
}

/// Whether a pod may have stopped using its claims by a change. Its node and its volumes do not change.
fn lets_go(event: &Event<Pod>) -> bool {
    match event {
        Event::Deleted(_) => true,
        Event::Added(pod) => is_shut_down(pod),
        Event::Updated { old, new } => is_shut_down(new) && !is_shut_down(old),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;
    use skiff_client::Cached;
    use std::sync::Arc;

    /// A pod on a node with these volumes.
    fn pod(volumes: Document) -> Document {
        doc!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "p", "namespace": "n", "uid": "pod"},
            "spec": {"nodeName": "node", "containers": [], "volumes": volumes},
            "status": {"phase": "Running"}
        })
    }

    fn with_claim(name: &str) -> Document {
        pod(doc!([{"name": "v", "persistentVolumeClaim": {"claimName": name}}]))
    }

    fn with_ephemeral(volume: &str) -> Document {
        pod(doc!([{"name": volume, "ephemeral": {}}]))
    }

    fn with(mut object: Document, path: &[&str], value: impl Into<Document>) -> Document {
        object.set(path, value);
        object
    }

    fn shut_down(pod: Document, grace_period: i64) -> Document {
        let pod = with(pod, &["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z");
        with(pod, &["metadata", "deletionGracePeriodSeconds"], grace_period)
    }

    /// A claim that is being deleted.
    fn claim(name: &str) -> Document {
        doc!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": "n", "uid": "claim",
                "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [PROTECTION.finalizer]}
        })
    }

    fn owned(claim: Document, uid: &str) -> Document {
        let owner = doc!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": uid, "controller": true});
        with(claim, &["metadata", "ownerReferences"], doc!([owner]))
    }

    fn planned(claim: Document, pods: Vec<Document>) -> Plan {
        let pods = pods.into_iter().map(Arc::new).collect();
        plan(&World { claim: Arc::new(claim), pods })
    }

    fn is_let_go(claim: Document, pods: Vec<Document>) -> bool {
        let plan = planned(claim, pods);
        let written = plan.writes().next().and_then(|write| write.call.body.as_ref());
        written.is_some_and(|body| body.finalizers().next().is_none())
    }

    fn event(old: Option<Document>, new: Document) -> Event<Pod> {
        let cached = |pod: Document| Arc::new(Cached::decode(Arc::new(pod)).unwrap());
        match old {
            None => Event::Added(cached(new)),
            Some(old) => Event::Updated { old: cached(old), new: cached(new) },
        }
    }

    #[test]
    fn a_deleted_claim_is_kept_while_a_pod_on_a_node_uses_it() {
        let unscheduled = with(with_claim("c"), &["spec", "nodeName"], "");
        let mixed = pod(doc!([{"name": "e", "emptyDir": {}},
            {"name": "o", "persistentVolumeClaim": {"claimName": "other"}}]));
        let cases = [
            ("no pod", vec![], true),
            ("a pod that names it", vec![with_claim("c")], false),
            ("a pod that names another", vec![with_claim("other")], true),
            ("a pod with other volumes", vec![mixed.clone()], true),
            ("a pod without volumes", vec![pod(Document::NULL)], true),
            ("a pod without node", vec![unscheduled.clone()], true),
            ("a pod that failed", vec![with(with_claim("c"), &["status", "phase"], "Failed")], false),
            ("a pod that succeeded", vec![with(with_claim("c"), &["status", "phase"], "Succeeded")], false),
            ("a pod that is being deleted", vec![shut_down(with_claim("c"), 30)], false),
            ("a pod that is shut down", vec![shut_down(with_claim("c"), 0)], false),
            ("one user among others", vec![mixed, unscheduled, with_claim("c")], false),
        ];
        for (case, pods, goes) in cases {
            assert_eq!(is_let_go(claim("c"), pods), goes, "{case}");
        }
    }

    #[test]
    fn the_claim_of_an_ephemeral_volume_is_kept_for_its_own_pod_until_that_is_shut_down() {
        let cases = [
            ("its pod", owned(claim("p-v"), "pod"), with_ephemeral("v"), false),
            (
                "its pod, ended",
                owned(claim("p-v"), "pod"),
                with(with_ephemeral("v"), &["status", "phase"], "Failed"),
                false,
            ),
            ("its pod, ending", owned(claim("p-v"), "pod"), shut_down(with_ephemeral("v"), 30), false),
            ("its pod, shut down", owned(claim("p-v"), "pod"), shut_down(with_ephemeral("v"), 0), true),
            (
                "its pod, without node",
                owned(claim("p-v"), "pod"),
                with(with_ephemeral("v"), &["spec", "nodeName"], ""),
                true,
            ),
            ("an earlier pod of that name", owned(claim("p-v"), "earlier"), with_ephemeral("v"), true),
            ("a claim of nobody", claim("p-v"), with_ephemeral("v"), true),
            ("another volume", owned(claim("p-v"), "pod"), with_ephemeral("w"), true),
        ];
        for (case, claim, pod, goes) in cases {
            assert_eq!(is_let_go(claim, vec![pod]), goes, "{case}");
        }
    }

    #[test]
    fn a_claim_that_stays_is_protected_without_a_look_at_pods() {
        let staying = doc!({"metadata": {"name": "c", "namespace": "n"}});
        let plan = planned(staying.clone(), vec![]);
        let body = plan.writes().next().unwrap().call.body.as_ref().unwrap();
        assert_eq!(body.finalizers().collect::<Vec<_>>(), [PROTECTION.finalizer]);
        let protected = with(staying, &["metadata", "finalizers"], doc!([PROTECTION.finalizer]));
        assert_eq!(planned(protected, vec![with_claim("c")]), Plan::nothing());
    }

    #[test]
    fn pods_are_indexed_by_the_claims_they_name_and_those_made_for_them() {
        let volumes = doc!([{"name": "a", "persistentVolumeClaim": {"claimName": "c"}},
            {"name": "b", "emptyDir": {}}, {"name": "e", "ephemeral": {}}]);
        let found: Vec<String> = claims(&pod(volumes)).map(|claim| claim.to_string()).collect();
        assert_eq!(found, ["n/c", "n/p-e"]);
    }

    #[test]
    fn only_pods_that_went_or_were_shut_down_let_go() {
        let running = with_ephemeral("v");
        let ended = with(running.clone(), &["status", "phase"], "Succeeded");
        let (ending, done) = (shut_down(running.clone(), 30), shut_down(running.clone(), 0));
        let cases = [
            ("new", None, running.clone(), false),
            ("new and shut down", None, done.clone(), true),
            ("ended", Some(running.clone()), ended, false),
            ("told to end", Some(running.clone()), ending.clone(), false),
            ("shut down", Some(ending), done.clone(), true),
            ("shut down before", Some(done.clone()), done.clone(), false),
        ];
        for (case, old, new, expected) in cases {
            assert_eq!(lets_go(&event(old, new)), expected, "{case}");
        }
        assert!(lets_go(&Event::Deleted(Arc::new(Cached::decode(Arc::new(running)).unwrap()))));
    }
}

//! The graph and the verdicts, and whole cascades played through both.

use super::*;
use skiff_apimachinery::{Document, doc};
use skiff_client::Verb;
use skiff_client::resources::{CONFIG_MAPS, PODS, REPLICA_SETS};
use std::collections::BTreeMap;

fn object(uid: &str, owners: &[(&str, bool)]) -> Document {
    let owners: Vec<Document> = owners
        .iter()
        .map(|(uid, blocks)| doc!({"apiVersion": "v1", "kind": "ConfigMap", "name": *uid, "uid": *uid, "blockOwnerDeletion": *blocks}))
        .collect();
    doc!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": uid, "namespace": "n", "uid": uid,
        "resourceVersion": "1", "ownerReferences": owners}})
}

/// A cluster of ConfigMaps with only the API server's part of deleting.
#[derive(Default)]
struct Cluster {
    objects: BTreeMap<String, Document>,
    graph: Graph,
    queue: Vec<String>,
    version: i64,
}

impl Cluster {
    fn of(objects: Vec<Document>) -> Self {
        let mut cluster = Self::default();
        objects.into_iter().for_each(|object| cluster.store(object));
        cluster.queue = cluster.graph.loaded();
        cluster
    }

    fn store(&mut self, mut object: Document) {
        self.version += 1;
        object.set(&["metadata", "resourceVersion"], self.version.to_string());
        if object.deletion_timestamp().is_some() && object.finalizers().next().is_none() {
            self.objects.remove(object.uid());
            self.queue.extend(self.graph.remove(object.uid()));
        } else {
            self.objects.insert(object.uid().to_owned(), object.clone());
            self.queue.extend(self.graph.set(&CONFIG_MAPS, Arc::new(object)));
        }
    }

    fn delete(&mut self, uid: &str, policy: &str) {
        let Some(mut object) = self.objects.get(uid).cloned() else { return };
        let finalizer = match policy {
            "Foreground" => Some(graph::FOREGROUND),
            "Orphan" => Some(graph::ORPHAN),
            _ => None,
        };
        object.set(&["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z");
        if let Some(finalizer) = finalizer {
            object.ensure(&["metadata", "finalizers"]).push(finalizer);
        }
        self.store(object);
    }

    fn world(&self, uid: &str) -> Option<World> {
        let (node, dependents) = self.graph.with_dependents(uid)?;
        let state = |owner: &Owner| match self.objects.get(&owner.uid) {
            None => OwnerState::Dangling,
            Some(object) => state_of(&Arc::new(object.clone())),
        };
        let owners = node.owners().into_iter().map(|owner| (owner.clone(), state(&owner))).collect();
        Some(World { node, owners, dependents })
    }

    /// Works until nothing is left to do.
    fn settle(&mut self) {
        for _ in 0..1000 {
            let Some(uid) = self.queue.pop() else { return };
            let Some(world) = self.world(&uid) else { continue };
            for write in verdict::plan(&world).writes() {
                let body = write.call.body.clone().unwrap();
                match write.call.verb {
                    Verb::Delete => self.delete(&write.call.name, body.str_at(&["propagationPolicy"])),
                    Verb::Patch(_) => {
                        let mut object = self.objects[&write.call.name].clone();
                        for field in ["finalizers", "ownerReferences"] {
                            if let Some(value) = body.at(&["metadata", field]) {
                                object.set(&["metadata", field], value);
                            }
                        }
                        self.store(object);
                    }
                    other => panic!("unexpected {other:?}"),
                }
            }
        }
        panic!("never settles");
    }

    fn names(&self) -> Vec<&str> {
        self.objects.keys().map(String::as_str).collect()
    }
}

/// A deployment-like chain: a owns b, b owns c and d.
fn chain() -> Cluster {
    let mut cluster = Cluster::of(vec![
        object("d", &[("b", true)]),
        object("c", &[("b", true)]),
        object("b", &[("a", true)]),
        object("a", &[]),
    ]);
    cluster.settle();
    cluster
}

#[test]
fn nothing_happens_while_owners_live() {
    assert_eq!(chain().names(), ["a", "b", "c", "d"]);
}

#[test]
fn background_deletion_cascades() {
    let mut cluster = chain();
    cluster.delete("a", "Background");
    assert_eq!(cluster.names(), ["b", "c", "d"]);
    cluster.settle();
    assert!(cluster.names().is_empty());
}

#[test]
fn foreground_deletion_keeps_the_owner_until_its_dependents_are_gone() {
    let mut cluster = chain();
    let mut held = cluster.objects["c"].clone();
    held.set(&["metadata", "finalizers"], doc!(["example.com/hold"]));
    cluster.store(held);
    cluster.delete("a", "Foreground");
    cluster.settle();
    assert_eq!(cluster.names(), ["a", "b", "c"]);
    let mut released = cluster.objects["c"].clone();
    released.set(&["metadata", "finalizers"], doc!([]));
    cluster.store(released);
    cluster.settle();
    assert!(cluster.names().is_empty());
}

#[test]
fn orphaned_dependents_lose_the_reference_and_stay() {
    let mut cluster = chain();
    cluster.delete("b", "Orphan");
    cluster.settle();
    assert_eq!(cluster.names(), ["a", "c", "d"]);
    assert!(cluster.objects["c"].owner_references().is_empty());
}

#[test]
fn an_object_with_another_living_owner_only_loses_the_reference() {
    let mut cluster =
        Cluster::of(vec![object("a", &[]), object("b", &[]), object("c", &[("a", true), ("b", true)])]);
    cluster.settle();
    cluster.delete("a", "Background");
    cluster.settle();
    assert_eq!(cluster.names(), ["b", "c"]);
    assert_eq!(cluster.objects["c"].owner_references().len(), 1);
}

#[test]
fn a_dependent_of_an_owner_that_never_was_is_deleted() {
    let mut cluster = Cluster::of(vec![object("c", &[("ghost", false)])]);
    cluster.settle();
    assert!(cluster.names().is_empty());
}

#[test]
fn a_circle_does_not_hold_a_foreground_deletion_up() {
    let mut cluster = Cluster::of(vec![object("a", &[("b", true)]), object("b", &[("a", true)])]);
    cluster.settle();
    assert_eq!(cluster.names(), ["a", "b"]);
    cluster.delete("a", "Foreground");
    cluster.settle();
    assert!(cluster.names().is_empty());
}

#[test]
fn a_deletion_names_the_version_that_was_judged() {
    let mut graph = Graph::default();
    graph.set(&PODS, Arc::new(object("p", &[("gone", true)])));
    let (node, dependents) = graph.with_dependents("p").unwrap();
    let owners = vec![(node.owners()[0].clone(), OwnerState::Dangling)];
    let plan = verdict::plan(&World { node, owners, dependents });
    let write = plan.writes().next().unwrap();
    assert_eq!(write.call.resource, PODS);
    let body = write.call.body.as_ref().unwrap();
    assert_eq!(body["preconditions"], doc!({"uid": "p", "resourceVersion": "1"}));
    assert_eq!(body["propagationPolicy"], doc!("Background"));
}

#[test]
fn a_resource_that_is_no_longer_served_takes_its_objects_along() {
    let mut graph = Graph::default();
    graph.set(&REPLICA_SETS, Arc::new(object("a", &[])));
    graph.set(&PODS, Arc::new(object("b", &[("a", true)])));
    assert!(graph.loaded().is_empty());
    assert_eq!(graph.remove_resource(&REPLICA_SETS), ["b"]);
}

#[test]
fn absent_owners_are_remembered_up_to_a_bound() {
    let mut absent = Absent::default();
    (0..2 * ABSENT).for_each(|i| absent.insert(&i.to_string()));
    assert_eq!(absent.uids.len(), ABSENT);
    assert!(!absent.uids.contains("0"));
}

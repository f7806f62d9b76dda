//! `volumeattributesclass-protection-controller`: keeps a deleted VolumeAttributesClass while a claim or volume names it.
//!
//! As in upstream, the informers alone are asked: who misses a claim that is very new lets it refer to a class that is
//! gone, and no data is lost by that (KEP-3751).

use crate::controller::{Context, Controller, observed};
use crate::plan::Plan;
use crate::protection::{Protection, Usage};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use skiff_apimachinery::{Document, Status};
use skiff_client::resources::{PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, VOLUME_ATTRIBUTES_CLASSES};
use skiff_client::{Event, Index, Informer, Object, Resource, Selection, Untyped};

const PROTECTION: Protection =
    Protection { resource: VOLUME_ATTRIBUTES_CLASSES, finalizer: "kubernetes.io/vac-protection" };

/// Where claims and volumes name classes: what is wanted, what the volume has, what it is being changed to.
const REFERENCES: [&[&str]; 3] = [
    &["spec", "volumeAttributesClassName"],
    &["status", "currentVolumeAttributesClassName"],
    &["status", "modifyVolumeStatus", "targetVolumeAttributesClassName"],
];

/// The controller; its keys are names of classes.
pub struct VolumeAttributesClassProtection {
    classes: Informer<Untyped>,
    claims: Users,
    volumes: Users,
}

/// Objects that name classes, by those.
struct Users {
    informer: Informer<Untyped>,
    by_class: Index<Untyped>,
}

/// One class.
pub struct World {
    class: Object,
    usage: Usage,
}

impl Controller for VolumeAttributesClassProtection {
    const NAME: &'static str = "volumeattributesclass-protection-controller";
    const IDENTITY: &'static str = "volumeattributesclass-protection-controller";
    const QUEUE: &'static str = "vacprotection";
    const WORKERS: usize = 1;

    type Key = String;
    type World = World;

    fn new(context: &Context) -> Self {
        let follow = |resource: &Resource| context.informers.of(resource, Selection::default());
        Self {
            classes: follow(&VOLUME_ATTRIBUTES_CLASSES),
            claims: Users::new(follow(&PERSISTENT_VOLUME_CLAIMS)),
            volumes: Users::new(follow(&PERSISTENT_VOLUMES)),
        }
    }

    fn sources(&self, sources: &mut Sources<String>) {
        sources
            .watch(&self.classes, |event| PROTECTION.concerned(event).map(|class| class.name().to_owned()));
        for users in [&self.claims, &self.volumes] {
            let classes = self.classes.clone();
            sources.watch(&users.informer, move |event| {
                let waits =
                    |name: &String| classes.get("", name).is_some_and(|class| PROTECTION.is_due(&class));
                released(event).into_iter().filter(waits).collect::<Vec<_>>()
            });
        }
    }

    fn observe<'a>(&'a self, key: &'a String) -> BoxFuture<'a, Result<Option<World>, Status>> {
        observed(self.classes.get("", key).map(|class| {
            let is_used = self.claims.refer_to(key) || self.volumes.refer_to(key);
            let usage = if is_used { Usage::Used } else { Usage::Unused };
            World { class: class.object.clone(), usage }
        }))
    }

    fn plan(world: &World, _now: Timestamp) -> Plan {
        PROTECTION.plan(&world.class, world.usage)
    }
}

impl Users {
    fn new(informer: Informer<Untyped>) -> Self {
        let by_class = informer.index("volume attributes class", |object| named(object));
        Self { informer, by_class }
    }

    /// Whether any of them names the class.
    fn refer_to(&self, class: &str) -> bool {
        !self.by_class.get(class).is_empty()
    }
}

/// The classes that a claim or a volume names.
fn named(object: &Document) -> Vec<String> {
    let names = REFERENCES.iter().map(|path| object.str_at(path)).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// The classes that an object named before a change and does not name after it.
fn released<T>(event: &Event<T>) -> Vec<String> {
    match event {
        Event::Added(_) => Vec::new(),
        Event::Deleted(object) => named(object),
        Event::Updated { old, new } => {
            let still = named(new);
            named(old).into_iter().filter(|name| !still.contains(name)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;
    use skiff_client::Cached;
    use std::sync::Arc;

    fn cached(object: &Document) -> Arc<Cached<Untyped>> {
        Arc::new(Cached { object: Arc::new(object.clone()), typed: Untyped })
    }

    fn updated(old: &Document, new: &Document) -> Event<Untyped> {
        Event::Updated { old: cached(old), new: cached(new) }
    }

    /// How many finalizers are written, if they are.
    fn written(metadata: Document, usage: Usage) -> Option<usize> {
        let class = Arc::new(doc!({"metadata": metadata}));
        let plan = VolumeAttributesClassProtection::plan(&World { class, usage }, Timestamp::UNIX_EPOCH);
        plan.writes().next().and_then(|write| write.call.body.as_ref()).map(|body| body.finalizers().count())
    }

    #[test]
    fn a_deleted_class_is_kept_while_it_is_named() {
        let deleted = doc!({
            "name": "c", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [PROTECTION.finalizer]
        });
        assert_eq!(written(deleted.clone(), Usage::Used), None);
        assert_eq!(written(deleted, Usage::Unused), Some(0));
    }

    #[test]
    fn a_class_that_stays_gets_the_finalizer() {
        assert_eq!(written(doc!({"name": "c"}), Usage::Unused), Some(1));
        let protected = doc!({"name": "c", "finalizers": [PROTECTION.finalizer]});
        assert_eq!(written(protected, Usage::Unused), None);
    }

    #[test]
    fn claims_name_classes_in_three_places_and_volumes_in_one() {
        let claim = doc!({
            "spec": {"volumeAttributesClassName": "wanted"},
            "status": {
                "currentVolumeAttributesClassName": "current",
                "modifyVolumeStatus": {"targetVolumeAttributesClassName": "target", "status": "InProgress"}
            }
        });
        assert_eq!(named(&claim), ["wanted", "current", "target"]);
        assert_eq!(named(&doc!({"spec": {"volumeAttributesClassName": "a"}})), ["a"]);
        assert!(named(&doc!({"spec": {"volumeAttributesClassName": ""}, "status": {}})).is_empty());
    }

    #[test]
    fn only_what_is_named_no_longer_is_released() {
        let changing = doc!({
            "spec": {"volumeAttributesClassName": "new"},
            "status": {"currentVolumeAttributesClassName": "old"}
        });
        let changed = doc!({
            "spec": {"volumeAttributesClassName": "new"},
            "status": {"currentVolumeAttributesClassName": "new"}
        });
        assert_eq!(released(&updated(&changing, &changed)), ["old"]);
        assert!(released(&updated(&changed, &changing)).is_empty());
        assert!(released(&updated(&changed, &changed)).is_empty());
        assert!(released(&Event::Added(cached(&changing))).is_empty());
        assert_eq!(released(&Event::Deleted(cached(&changing))), ["new", "old"]);
    }
}

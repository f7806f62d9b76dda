//! `persistentvolume-protection-controller`: keeps a deleted volume until it is bound to no claim any more.
//!
//! The binder writes whether a volume is bound; this controller only reads that.

use crate::controller::{Context, Controller, observed};
use crate::plan::Plan;
use crate::protection::{Protection, Usage};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use skiff_apimachinery::{Document, Status};
use skiff_client::resources::PERSISTENT_VOLUMES;
use skiff_client::{Informer, Object, Selection, Untyped};

const PROTECTION: Protection =
    Protection { resource: PERSISTENT_VOLUMES, finalizer: "kubernetes.io/pv-protection" };

/// The controller; its keys are names of volumes.
pub struct PersistentVolumeProtection {
    volumes: Informer<Untyped>,
}

/// One volume.
pub struct World {
    volume: Object,
}

impl Controller for PersistentVolumeProtection {
    const NAME: &'static str = "persistentvolume-protection-controller";
    const IDENTITY: &'static str = "pv-protection-controller";
    const QUEUE: &'static str = "pvprotection";
    const WORKERS: usize = 1;

    type Key = String;
    type World = World;

    fn new(context: &Context) -> Self {
        Self { volumes: context.informers.of(&PERSISTENT_VOLUMES, Selection::default()) }
    }

    fn sources(&self, sources: &mut Sources<String>) {
        sources
            .watch(&self.volumes, |event| PROTECTION.concerned(event).map(|volume| volume.name().to_owned()));
    }

    fn observe<'a>(&'a self, key: &'a String) -> BoxFuture<'a, Result<Option<World>, Status>> {
        observed(self.volumes.get("", key).map(|volume| World { volume: volume.object.clone() }))
    }

    fn plan(world: &World, _now: Timestamp) -> Plan {
        PROTECTION.plan(&world.volume, usage(&world.volume))
    }
}

fn usage(volume: &Document) -> Usage {
    if volume.str_at(&["status", "phase"]) == "Bound" { Usage::Used } else { Usage::Unused }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;
    use std::sync::Arc;

    /// The finalizers that are written for a volume in a phase, if any are.
    fn written(phase: &str, metadata: Document) -> Option<usize> {
        let volume = Arc::new(doc!({"metadata": metadata, "status": {"phase": phase}}));
        let plan = PersistentVolumeProtection::plan(&World { volume }, Timestamp::UNIX_EPOCH);
        plan.writes().next().and_then(|write| write.call.body.as_ref()).map(|body| body.finalizers().count())
    }

    #[test]
    fn a_volume_that_stays_gets_the_finalizer_whatever_its_phase() {
        for phase in ["", "Pending", "Available", "Bound", "Released", "Failed"] {
            assert_eq!(written(phase, doc!({"name": "v"})), Some(1), "{phase}");
            let protected = doc!({"name": "v", "finalizers": [PROTECTION.finalizer]});
            assert_eq!(written(phase, protected), None, "{phase}");
        }
    }

    #[test]
    fn a_deleted_volume_is_kept_while_it_is_bound() {
        let deleted = doc!({
            "name": "v", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [PROTECTION.finalizer]
        });
        assert_eq!(written("Bound", deleted.clone()), None);
        for phase in ["", "Pending", "Available", "Released", "Failed"] {
            assert_eq!(written(phase, deleted.clone()), Some(0), "{phase}");
        }
    }
}

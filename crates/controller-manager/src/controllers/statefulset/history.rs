//! The revisions of a StatefulSet: the one that its pods had before, the one of its template, and older ones that are kept
//! up to a limit.

use super::{World, identity, ordinal};
use crate::ownership;
use crate::plan::Write;
use crate::revisions::{self, Revision, Revisions};
use skiff_apimachinery::Document;
use skiff_client::resources::{CONTROLLER_REVISIONS, STATEFUL_SETS};

/// The label of revisions that carries the hash of their template.
const HASH: &str = "controller.kubernetes.io/hash";

/// The revisions that matter to a set.
pub(super) struct History<'w> {
    world: &'w World,
    revisions: Revisions<'w>,
    /// The name of the revision that the status calls current: the one from which pods are updated.
    current: String,
    /// The name of the template's revision: the one to which pods are updated.
    update: String,
}

impl<'w> History<'w> {
    pub(super) fn of(world: &'w World) -> Self {
        let set = &*world.set;
        let revisions = Revisions::of(set, &world.revisions, world.homonym.as_ref());
        let update = revisions.current.map_or_else(|| revisions::name(set), |r| r.name().to_owned());
        let told = set.str_at(&["status", "currentRevision"]);
        let current = if world.revision(told).is_some() { told.to_owned() } else { update.clone() };
        Self { world, revisions, current, update }
    }

    /// The name of the revision from which pods are updated.
    pub(super) fn current(&self) -> &str {
        &self.current
    }

    /// The name of the revision to which pods are updated.
    pub(super) fn update(&self) -> &str {
        &self.update
    }

    /// Whether the template has a revision.
    pub(super) fn is_stored(&self) -> bool {
        self.revisions.current.is_some()
    }

    /// Whether the name of a new revision is taken by one of another template.
    pub(super) fn is_name_taken(&self) -> bool {
        self.revisions.name_taken
    }

    /// Takes revisions that have no controller.
    pub(super) fn adoptions(&self) -> Vec<Write> {
        let orphans = self.world.revisions.adopt.iter();
        orphans.map(|r| ownership::adopt(&CONTROLLER_REVISIONS, &STATEFUL_SETS, &self.world.set, r)).collect()
    }

    /// Stores the template if no revision holds it, or gives its revision the highest number.
    pub(super) fn advance(&self) -> Option<Write> {
        self.revisions.advance(HASH)
    }

    /// The pod with a number: below the partition of the current revision, else of the template's.
    pub(super) fn pod(&self, ordinal: i64) -> Document {
        let set = &*self.world.set;
        let old = if self.keeps_current(ordinal) { self.world.revision(&self.current) } else { None };
        match old {
            Some(revision) if self.current != self.update => {
                identity::pod(&revisions::restored(set, revision), ordinal, &self.current)
            }
            _ => identity::pod(set, ordinal, &self.update),
        }
    }

    fn keeps_current(&self, ordinal: i64) -> bool {
        let set = &*self.world.set;
        let strategy = &set["spec"]["updateStrategy"];
        let kept = match strategy.get("rollingUpdate").filter(|rolling| !rolling.is_null()) {
            Some(rolling) => rolling.i64_at(&["partition"]).unwrap_or(0),
            // Without a partition the pods that were not updated yet come back as they were.
            None if strategy.str_at(&["type"]) == "RollingUpdate" => {
                set.i64_at(&["status", "currentReplicas"]).unwrap_or(0)
            }
            None => 0,
        };
        ordinal < ordinal::start(set) + kept
    }

    /// Deletes revisions beyond `revisionHistoryLimit`, lowest numbers first, of those that no pod is of and that are
    /// neither current nor the template's.
    pub(super) fn surplus(&self) -> Vec<Write> {
        let limit = self.world.set.i64_at(&["spec", "revisionHistoryLimit"]).unwrap_or(10);
        let Ok(limit) = usize::try_from(limit) else { return Vec::new() };
        let mut live: Vec<&str> = self.world.pods().map(|pod| identity::revision(pod)).collect();
        live.extend([self.current(), self.update()]);
        let revisions = self.revisions.old.iter().chain(&self.revisions.duplicates);
        let idle: Vec<&Revision> = revisions.copied().filter(|r| !live.contains(&r.name())).collect();
        let surplus = idle.len().saturating_sub(limit);
        idle.into_iter().take(surplus).map(|r| Write::delete(&CONTROLLER_REVISIONS, r)).collect()
    }
}

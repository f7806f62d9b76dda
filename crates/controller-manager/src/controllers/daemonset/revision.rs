//! The revisions of a DaemonSet: each template has one, pods carry its hash, and old ones are kept up to a limit.

use super::World;
use crate::ownership;
use crate::plan::Write;
use crate::pod_template;
use crate::revisions::Revisions;
pub(super) use crate::revisions::{POD_REVISION as HASH, Revision, name};
use skiff_apimachinery::Document;
use skiff_client::PatchKind;
use skiff_client::resources::{CONTROLLER_REVISIONS, DAEMON_SETS, PODS};

/// The revisions of a DaemonSet, by whether they hold its template.
pub(super) struct History<'w> {
    world: &'w World,
    revisions: Revisions<'w>,
}

impl<'w> History<'w> {
    pub(super) fn of(world: &'w World) -> Self {
        Self { world, revisions: Revisions::of(&world.set, &world.revisions, world.homonym.as_ref()) }
    }

    /// Whether the name of a new revision is taken by one of another template.
    pub(super) fn is_name_taken(&self) -> bool {
        self.revisions.name_taken
    }

    /// The hash label of new pods.
    pub(super) fn hash(&self) -> String {
        match self.revisions.current {
            Some(revision) => revision.label(HASH).unwrap_or(revision.name()).to_owned(),
            None => pod_template::hash(&self.world.set),
        }
    }

    /// What must be right before pods are looked at: whose the revisions are, their labels, and that each template has
    /// one. Such changes are seen in the next sync.
    pub(super) fn preparations(&self) -> Vec<Write> {
        let steps = [Self::claims, Self::labels, Self::relabelled_pods, Self::surplus_duplicates];
        steps.iter().map(|step| step(self)).find(|writes| !writes.is_empty()).unwrap_or_default()
    }

    fn claims(&self) -> Vec<Write> {
        let (set, revisions) = (&self.world.set, &self.world.revisions);
        let adopted =
            revisions.adopt.iter().map(|r| ownership::adopt(&CONTROLLER_REVISIONS, &DAEMON_SETS, set, r));
        let released = revisions.release.iter().map(|r| ownership::release(&CONTROLLER_REVISIONS, set, r));
        adopted.chain(released).collect()
    }

    /// Labels revisions that lack the hash with their name, which is as unique.
    fn labels(&self) -> Vec<Write> {
        let unlabelled = self.world.revisions.owned.iter().filter(|revision| revision.label(HASH).is_none());
        let labelled = unlabelled.map(|revision| {
            let mut changed = Document::clone(&revision.object);
            changed.set(&["metadata", "labels", HASH], revision.name());
            Write::update(&CONTROLLER_REVISIONS, changed)
        });
        labelled.collect()
    }

    /// Moves pods from duplicates to the revision that stays, so that they are not taken for old ones.
    fn relabelled_pods(&self) -> Vec<Write> {
        let kept = self.hash();
        let hashes = self.revisions.duplicates.iter().filter_map(|revision| revision.label(HASH));
        let lost: Vec<&str> = hashes.filter(|hash| *hash != kept).collect();
        let pods = self.world.pods().filter(|pod| pod.label(HASH).is_some_and(|hash| lost.contains(&hash)));
        let mut patch = Document::object();
        patch.set(&["metadata", "labels", HASH], kept.as_str());
        pods.map(|pod| Write::patch(&PODS, pod, "", PatchKind::Merge, patch.clone())).collect()
    }

    fn surplus_duplicates(&self) -> Vec<Write> {
        let duplicates = self.revisions.duplicates.iter();
        duplicates.map(|revision| Write::delete(&CONTROLLER_REVISIONS, revision)).collect()
    }

    /// Stores the template if no revision holds it, or gives its revision the highest number.
    pub(super) fn advance(&self) -> Option<Write> {
        self.revisions.advance(HASH)
    }

    /// Deletes old revisions beyond `revisionHistoryLimit`, lowest numbers first, but none that pods are of.
    pub(super) fn surplus(&self) -> Vec<Write> {
        let old = &self.revisions.old;
        let limit = self.world.set.i64_at(&["spec", "revisionHistoryLimit"]).unwrap_or(10);
        let surplus = old.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
        let live: Vec<&str> = self.world.pods().filter_map(|pod| pod.label(HASH)).collect();
        let is_live = |revision: &Revision| revision.label(HASH).is_some_and(|hash| live.contains(&hash));
        let idle = old.iter().filter(|revision| !is_live(revision)).take(surplus);
        idle.map(|revision| Write::delete(&CONTROLLER_REVISIONS, revision)).collect()
    }
}

//! ControllerRevisions: numbered snapshots of a DaemonSet's template, for rollbacks and to tell old pods from new ones.

use super::World;
use crate::ownership::{self, controller_ref};
use crate::plan::Write;
use crate::pod_template;
use skiff_apimachinery::{Document, Map, doc};
use skiff_client::resources::{CONTROLLER_REVISIONS, DAEMON_SETS, PODS};
use skiff_client::{Cached, PatchKind, Untyped};
use std::sync::Arc;

/// The label of pods and revisions that says of which template they are.
pub(super) const HASH: &str = "controller-revision-hash";

pub(super) type Revision = Arc<Cached<Untyped>>;

/// The revisions of a DaemonSet, by whether they hold its template.
pub(super) struct History<'w> {
    world: &'w World,
    /// The revision of the template: of several the one with the highest number.
    current: Option<&'w Revision>,
    /// Other revisions of the same template.
    duplicates: Vec<&'w Revision>,
    /// Revisions of other templates, lowest number first.
    old: Vec<&'w Revision>,
}

impl<'w> History<'w> {
    pub(super) fn of(world: &'w World) -> Self {
        let wanted = snapshot(&world.set);
        let all = world.revisions.owned.iter().chain(&world.revisions.adopt);
        let (mut same, mut old): (Vec<&Revision>, Vec<&Revision>) =
            all.partition(|revision| holds(revision, &wanted));
        same.sort_by_key(|revision| number(revision));
        old.sort_by_key(|revision| number(revision));
        // Somebody else's revision that has the name and the template serves as well.
        let foreign = || world.homonym.as_ref().filter(|revision| holds(revision, &wanted));
        let current = same.pop().or_else(foreign);
        Self { world, current, duplicates: same, old }
    }

    /// Whether the name of a new revision is taken by one of another template: the status then counts a collision, which
    /// changes the name.
    pub(super) fn is_name_taken(&self) -> bool {
        self.current.is_none() && self.world.homonym.is_some()
    }

    /// The hash label of new pods.
    pub(super) fn hash(&self) -> String {
        match self.current {
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
        let hashes = self.duplicates.iter().filter_map(|revision| revision.label(HASH));
        let lost: Vec<&str> = hashes.filter(|hash| *hash != kept).collect();
        let pods = self.world.pods().filter(|pod| pod.label(HASH).is_some_and(|hash| lost.contains(&hash)));
        let mut patch = Document::object();
        patch.set(&["metadata", "labels", HASH], kept.as_str());
        pods.map(|pod| Write::patch(&PODS, pod, "", PatchKind::Merge, patch.clone())).collect()
    }

    fn surplus_duplicates(&self) -> Vec<Write> {
        self.duplicates.iter().map(|revision| Write::delete(&CONTROLLER_REVISIONS, revision)).collect()
    }

    /// Stores the template if no revision holds it, or gives its revision the highest number: it is wanted again.
    pub(super) fn advance(&self) -> Option<Write> {
        let next = self.old.iter().map(|revision| number(revision)).max().unwrap_or(0) + 1;
        let set = &self.world.set;
        match self.current {
            None => Some(Write::create(&CONTROLLER_REVISIONS, set.namespace(), self.document(next))),
            Some(current) if number(current) < next => {
                let mut changed = Document::clone(&current.object);
                changed.insert("revision", next);
                Some(Write::update(&CONTROLLER_REVISIONS, changed))
            }
            Some(_) => None,
        }
    }

    fn document(&self, number: i64) -> Document {
        let set = &self.world.set;
        let template_labels = set.object_at(&["spec", "template", "metadata", "labels"]);
        let mut labels: Map = template_labels.cloned().unwrap_or_default();
        labels.insert(HASH, self.hash());
        let mut revision = doc!({
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {
                "name": name(set),
                "namespace": set.namespace(),
                "labels": labels,
                "ownerReferences": [controller_ref(set)]
            },
            "data": snapshot(set),
            "revision": number
        });
        if let Some(annotations) = set.annotations().filter(|annotations| !annotations.is_empty()) {
            revision.set(&["metadata", "annotations"], annotations.clone());
        }
        revision
    }

    /// Deletes old revisions beyond `revisionHistoryLimit`, lowest numbers first, but none that pods are of.
    pub(super) fn surplus(&self) -> Vec<Write> {
        let limit = self.world.set.i64_at(&["spec", "revisionHistoryLimit"]).unwrap_or(10);
        let surplus = self.old.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
        let live: Vec<&str> = self.world.pods().filter_map(|pod| pod.label(HASH)).collect();
        let is_live = |revision: &Revision| revision.label(HASH).is_some_and(|hash| live.contains(&hash));
        let idle = self.old.iter().filter(|revision| !is_live(revision)).take(surplus);
        idle.map(|revision| Write::delete(&CONTROLLER_REVISIONS, revision)).collect()
    }
}

/// The name of the revision of a DaemonSet's template.
pub(super) fn name(set: &Document) -> String {
    format!("{}-{}", set.name(), pod_template::hash(set))
}

/// What a revision holds: the patch that brings the template back.
fn snapshot(set: &Document) -> Document {
    let mut template = set["spec"]["template"].clone();
    template.insert("$patch", "replace");
    pod_template::canonical(&doc!({"spec": {"template": template}}))
}

fn holds(revision: &Revision, snapshot: &Document) -> bool {
    pod_template::canonical(&revision["data"]) == *snapshot
}

fn number(revision: &Revision) -> i64 {
    revision.i64_at(&["revision"]).unwrap_or(0)
}

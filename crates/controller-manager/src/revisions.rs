//! ControllerRevisions: numbered snapshots of a workload's template, for rollbacks and to tell old pods from new ones.
//!
//! DaemonSets and StatefulSets keep them alike: one per template, the wanted template's with the highest number. How
//! pods name their revision, and which old revisions are kept, is each workload's own matter.

use crate::ownership::{self, Claimed, controller_ref, selector_of};
use crate::plan::Write;
use crate::pod_template;
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::{Document, Map, doc};
use skiff_client::resources::CONTROLLER_REVISIONS;
use skiff_client::{Cached, Event, Informer, Untyped};
use std::cmp::Ordering;
use std::sync::Arc;

/// The label of pods that says of which revision they are.
pub const POD_REVISION: &str = "controller-revision-hash";

/// How much of a workload's name its revisions' names keep.
const LONGEST_PREFIX: usize = 223;

/// A ControllerRevision as informers hold it.
pub type Revision = Arc<Cached<Untyped>>;

/// The revisions of a workload, by whether they hold its template.
pub struct Revisions<'w> {
    workload: &'w Document,
    /// The revision of the template: of several the one with the highest number.
    pub current: Option<&'w Revision>,
    /// Other revisions of the same template.
    pub duplicates: Vec<&'w Revision>,
    /// Revisions of other templates, lowest number first.
    pub old: Vec<&'w Revision>,
    /// Whether the name of a new revision is taken by one of another template: the status then counts a collision, which
    /// changes the name.
    pub name_taken: bool,
}

impl<'w> Revisions<'w> {
    /// Sorts the revisions that a workload has or is about to have. The homonym is the revision that has the name which
    /// a new one would get, whoever's it is.
    pub fn of(
        workload: &'w Document,
        revisions: &'w Claimed<Untyped>,
        homonym: Option<&'w Revision>,
    ) -> Self {
        let wanted = snapshot(workload);
        let all = revisions.owned.iter().chain(&revisions.adopt);
        let (mut same, mut old): (Vec<&Revision>, Vec<&Revision>) =
            all.partition(|revision| holds(revision, &wanted));
        same.sort_by(|a, b| lowest_first(a, b));
        old.sort_by(|a, b| lowest_first(a, b));
        // Somebody else's revision that has the name and the template serves as well.
        let foreign = || homonym.filter(|revision| holds(revision, &wanted));
        let current = same.pop().or_else(foreign);
        Self { workload, current, duplicates: same, old, name_taken: current.is_none() && homonym.is_some() }
    }

    /// Stores the template if no revision holds it, or gives its revision the highest number: it is wanted again. A new
    /// revision carries the hash of its template under the given label.
    pub fn advance(&self, hash_label: &str) -> Option<Write> {
        let next = self.old.iter().map(|revision| number(revision)).max().unwrap_or(0) + 1;
        match self.current {
            None => {
                let revision = self.document(next, hash_label);
                Some(Write::create(&CONTROLLER_REVISIONS, self.workload.namespace(), revision))
            }
            Some(current) if number(current) < next => {
                let mut changed = Document::clone(&current.object);
                changed.insert("revision", next);
                Some(Write::update(&CONTROLLER_REVISIONS, changed))
            }
            Some(_) => None,
        }
    }

    fn document(&self, number: i64, hash_label: &str) -> Document {
        let workload = self.workload;
        let template_labels = workload.object_at(&["spec", "template", "metadata", "labels"]);
        let mut labels: Map = template_labels.cloned().unwrap_or_default();
        labels.insert(hash_label, pod_template::hash(workload));
        let mut revision = doc!({
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {
                "name": name(workload),
                "namespace": workload.namespace(),
                "labels": labels,
                "ownerReferences": [controller_ref(workload)]
            },
            "data": snapshot(workload),
            "revision": number
        });
        if let Some(annotations) = workload.annotations().filter(|annotations| !annotations.is_empty()) {
            revision.set(&["metadata", "annotations"], annotations.clone());
        }
        revision
    }
}

/// Which workloads of a kind a change of a revision concerns.
pub fn concerned<O>(workloads: &Informer<O>, event: &Event<Untyped>) -> Vec<ObjectKey> {
    match event {
        // One that comes with its controller is this controller's own, or a copy that may stay until there is work.
        Event::Added(revision) if revision.controller_ref().is_some() => Vec::new(),
        event => ownership::concerned(workloads, selector_of, event),
    }
}

/// The name of the revision of a workload's template.
pub fn name(workload: &Document) -> String {
    let prefix = workload.name().get(..LONGEST_PREFIX).unwrap_or(workload.name());
    format!("{prefix}-{}", pod_template::hash(workload))
}

/// The workload as it was with a revision's template.
pub fn restored(workload: &Document, revision: &Document) -> Document {
    let mut template = revision["data"]["spec"]["template"].clone();
    template.remove(&["$patch"]);
    let mut restored = workload.clone();
    restored.set(&["spec", "template"], template);
    restored
}

/// What a revision holds: the patch that brings the template back.
fn snapshot(workload: &Document) -> Document {
    let mut template = workload["spec"]["template"].clone();
    template.insert("$patch", "replace");
    pod_template::canonical(&doc!({"spec": {"template": template}}))
}

fn holds(revision: &Revision, snapshot: &Document) -> bool {
    pod_template::canonical(&revision["data"]) == *snapshot
}

fn number(revision: &Revision) -> i64 {
    revision.i64_at(&["revision"]).unwrap_or(0)
}

fn lowest_first(a: &Revision, b: &Revision) -> Ordering {
    number(a)
        .cmp(&number(b))
        .then_with(|| a.creation_timestamp().cmp(b.creation_timestamp()))
        .then_with(|| a.name().cmp(b.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(image: &str) -> Document {
        doc!({
            "metadata": {"name": "web", "namespace": "n"},
            "spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"image": image}]}}}
        })
    }

    #[test]
    fn a_revision_brings_its_template_back() {
        let claimed = Claimed { owned: Vec::new(), adopt: Vec::new(), release: Vec::new() };
        let old = workload("v1");
        let write = Revisions::of(&old, &claimed, None).advance("hash").unwrap();
        let revision = write.call.body.unwrap();
        assert_eq!(revision.label("hash"), Some(pod_template::hash(&old).as_str()));
        assert_eq!(restored(&workload("v2"), &revision), old);
    }

    #[test]
    fn a_long_name_is_cut_so_that_the_hash_fits() {
        let mut long = workload("v1");
        long.set(&["metadata", "name"], "a".repeat(253));
        assert!(name(&long).starts_with(&format!("{}-", "a".repeat(223))));
        assert!(name(&long).len() <= 253);
    }
}

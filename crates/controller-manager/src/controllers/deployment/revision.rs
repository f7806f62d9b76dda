//! Revisions: annotations that number the templates of a Deployment, for `kubectl rollout history` and `undo`.

use super::CachedSet;
use super::rollout::{DESIRED_REPLICAS, MAX_REPLICAS, Rollout};
use crate::plan::Write;
use skiff_apimachinery::{Document, Map};
use skiff_client::resources::{DEPLOYMENTS, REPLICA_SETS};

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// Longest history that an annotation keeps, in characters.
const LONGEST_HISTORY: usize = 2000;

/// Annotations that belong to one object and are not copied to the ReplicaSet.
const OWN: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    REVISION_HISTORY,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    "deprecated.deployment.rollback.to",
];

/// The revision of a ReplicaSet; 0 if it has none.
pub(super) fn of_set(set: &CachedSet) -> i64 {
    set.annotation(REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Gives the Deployment the revision of its new ReplicaSet, once that one's is right.
pub(super) fn of_deployment(rollout: &Rollout<'_>) -> Option<Write> {
    let new = rollout.new?;
    let deployment = rollout.deployment;
    let revision = new.annotation(REVISION)?;
    if of_set(new) < next(rollout) || deployment.annotation(REVISION) == Some(revision) {
        return None;
    }
    let mut object = Document::clone(&deployment.object);
    object.set(&["metadata", "annotations", REVISION], revision);
    // Through the status: changed annotations would raise the generation.
    Some(Write::update_status(&DEPLOYMENTS, object))
}

/// Brings the new ReplicaSet's annotations and `minReadySeconds` up to date: an old template that is wanted again gets
/// the highest revision.
pub(super) fn of_new_set(rollout: &Rollout<'_>) -> Option<Write> {
    let new = rollout.new?;
    let mut annotations = new.annotations().cloned().unwrap_or_default();
    copy_annotations(rollout, &mut annotations);
    renumber(new, next(rollout), &mut annotations);
    let seconds = |doc: &Document| doc.i64_at(&["spec", "minReadySeconds"]).unwrap_or(0);
    let wanted_seconds = seconds(rollout.deployment);
    if new.annotations().is_some_and(|old| *old == annotations) && seconds(new) == wanted_seconds {
        return None;
    }
    let mut changed = Document::clone(&new.object);
    changed.set(&["metadata", "annotations"], annotations);
    changed.set(&["spec", "minReadySeconds"], wanted_seconds);
    Some(Write::update(&REPLICA_SETS, changed))
}

/// The annotations of a ReplicaSet that is about to be created.
pub(super) fn annotations_of_new(rollout: &Rollout<'_>) -> Map {
    let mut annotations = Map::new();
    copy_annotations(rollout, &mut annotations);
    annotations.insert(DESIRED_REPLICAS, rollout.replicas.to_string());
    annotations.insert(MAX_REPLICAS, (rollout.replicas + rollout.max_surge).to_string());
    annotations.insert(REVISION, next(rollout).to_string());
    annotations
}

fn next(rollout: &Rollout<'_>) -> i64 {
    rollout.old.iter().map(|set| of_set(set)).max().unwrap_or(0) + 1
}

fn copy_annotations(rollout: &Rollout<'_>, to: &mut Map) {
    let copied = rollout.deployment.annotations().into_iter().flat_map(Map::iter);
    for (key, value) in copied.filter(|(key, _)| !OWN.contains(key)) {
        to.insert(key, value);
    }
}

fn renumber(set: &CachedSet, next: i64, annotations: &mut Map) {
    let old = set.annotation(REVISION);
    // A revision that is no number was written by someone else; upstream leaves it alone.
    if old.is_some_and(|text| !text.is_empty() && text.parse::<i64>().is_err()) || of_set(set) >= next {
        return;
    }
    annotations.insert(REVISION, next.to_string());
    if let Some(old) = old {
        let history = annotations.get(REVISION_HISTORY).and_then(Document::as_str).unwrap_or("");
        if let Some(history) = extended(history, old) {
            annotations.insert(REVISION_HISTORY, history);
        }
    }
}

/// The history with one more revision, without the oldest ones that no longer fit.
fn extended(history: &str, revision: &str) -> Option<String> {
    if history.is_empty() {
        return Some(revision.to_owned());
    }
    let mut kept = history;
    while kept.len() + revision.len() + 1 > LONGEST_HISTORY {
        kept = kept.split_once(',').map_or("", |(_, later)| later);
        if kept.is_empty() {
            return (revision.len() <= LONGEST_HISTORY).then(|| revision.to_owned());
        }
    }
    Some(format!("{kept},{revision}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_grows_and_forgets_the_oldest() {
        assert_eq!(extended("", "1").as_deref(), Some("1"));
        assert_eq!(extended("1,3", "5").as_deref(), Some("1,3,5"));
        let full = vec!["1234"; 400].join(",");
        assert_eq!(extended(&full, "12345"), Some(format!("{},12345", vec!["1234"; 399].join(","))));
    }
}

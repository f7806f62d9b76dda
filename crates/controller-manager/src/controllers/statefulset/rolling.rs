//! RollingUpdate: which pods are deleted, so that new ones of the template's revision take their place. Highest numbers
//! go first, none below the partition, and no more at a time than `maxUnavailable` allows (KEP-961).

use super::replicas::Replicas;
use super::{World, identity, ordinal};
use crate::pods::{self, CachedPod};
use skiff_apimachinery::Document;
use skiff_apimachinery::int_or_string::{IntOrString, Round};

/// The pods that give way to the revision of this name.
pub(super) fn outdated<'w>(world: &World, replicas: &Replicas<'w>, update: &str) -> Vec<&'w CachedPod> {
    let set = &*world.set;
    if set.str_at(&["spec", "updateStrategy", "type"]) == "OnDelete" {
        return Vec::new();
    }
    let partition = set.i64_at(&["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or(0);
    let lowest = ordinal::start(set).saturating_add(partition);
    let old = replicas.valid.iter().rev().take_while(|(ordinal, _)| **ordinal >= lowest);
    // Pods that ended are replaced anyway.
    let goes = |pod: &&CachedPod| {
        identity::revision(pod) != update && pod.deletion_timestamp().is_none() && !pods::is_terminal(pod)
    };
    let old = old.map(|(_, pod)| *pod).filter(goes);
    let budget = max_unavailable(set).saturating_sub(replicas.unavailable());
    let budget = usize::try_from(budget).unwrap_or(0);
    if world.is_ordered() {
        return old.take(budget).collect();
    }
    // An old pod that serves nobody is no loss, and without this a revision that never works would never go. Pods that
    // serve come after those, so that the budget is not spent on them alone.
    let (serving, mut broken): (Vec<&CachedPod>, Vec<&CachedPod>) =
        old.partition(|pod| replicas.is_available(pod));
    broken.extend(serving.into_iter().take(budget));
    broken
}

/// How many pods may be out of service while pods are replaced: at least one, or nothing could move.
fn max_unavailable(set: &Document) -> i64 {
    let limit = set.at(&["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"]);
    let limit = limit.and_then(IntOrString::from_document).unwrap_or(IntOrString::Int(1));
    limit.scaled(ordinal::replicas(set), Round::Down).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn the_limit_is_rounded_down_and_at_least_one() {
        let set = |limit: Document| doc!({"spec": {"replicas": 10, "updateStrategy": {"rollingUpdate": {"maxUnavailable": limit}}}});
        let cases =
            [(doc!(null), 1), (doc!(3), 3), (doc!("39%"), 3), (doc!("5%"), 1), (doc!("x"), 1), (doc!(0), 1)];
        for (limit, wanted) in cases {
            assert_eq!(max_unavailable(&set(limit)), wanted);
        }
    }
}

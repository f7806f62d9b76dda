//! What becomes of the pods that are there already when a namespace enforces more: they stay, and who
//! tightened the policy is warned of those that would be refused (upstream's `EvaluatePodsInNamespace`).

use super::checks::evaluate;
use super::pod::Pod;
use super::policy::LevelVersion;
use super::violation::forbidden_reason;
use skiff_apimachinery::Document;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many pods are looked at (upstream's `defaultNamespaceMaxPodsToCheck`).
pub const MAX_PODS: usize = 3000;

/// For how long pods are looked at (upstream's `defaultNamespacePodCheckTimeout`).
pub const TIMEOUT: Duration = Duration::from_secs(1);

/// Pods that break the same rules.
struct Group<'a> {
    /// The first of their names.
    name: &'a str,
    count: usize,
}

/// The warnings about pods of this namespace that break the policy; one line for those that break the same
/// rules.
pub fn warnings(
    namespace: &str,
    pods: &[Arc<Document>],
    enforce: LevelVersion,
    deadline: Instant,
) -> Vec<String> {
    let mut checked = 0;
    let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
    for pod in prioritized(pods).into_iter().take(MAX_PODS) {
        checked += 1;
        let violations = evaluate(enforce, Pod::new(pod));
        if !violations.is_empty() {
            let name = pod.name();
            let group = groups.entry(forbidden_reason(&violations)).or_insert(Group { name, count: 0 });
            group.name = group.name.min(name);
            group.count += 1;
        }
        if Instant::now() >= deadline {
            break;
        }
    }

    let mut out = Vec::new();
    if checked < pods.len() {
        let total = pods.len();
        out.push(format!(
            "new PodSecurity enforce level only checked against the first {checked} of {total} existing pods"
        ));
    }
    if !groups.is_empty() {
        out.push(format!(
            "existing pods in namespace {namespace:?} violate the new PodSecurity enforce level \"{enforce}\""
        ));
    }
    let mut lines: Vec<String> = groups.iter().map(|(reason, group)| group.line(reason)).collect();
    lines.sort_unstable();
    out.extend(lines);
    out
}

impl Group<'_> {
    fn line(&self, reason: &str) -> String {
        let name = self.name;
        match self.count {
            1 => format!("{name}: {reason}"),
            2 => format!("{name} (and 1 other pod): {reason}"),
            count => format!("{name} (and {} other pods): {reason}", count - 1),
        }
    }
}

/// Pods in the order in which they are looked at: further pods of the same controller come last, because they
/// tell nothing new.
fn prioritized(pods: &[Arc<Document>]) -> Vec<&Document> {
    let mut controllers = HashSet::new();
    let (mut first, replicas): (Vec<&Document>, Vec<&Document>) = pods
        .iter()
        .map(|pod| &**pod)
        .partition(|pod| pod.controller_ref().is_none_or(|owner| controllers.insert(owner.str_at(&["uid"]))));
    first.extend(replicas);
    first
}

#[cfg(test)]
mod tests {
    use super::super::policy::{Level, Version};
    use super::*;
    use skiff_apimachinery::doc;

    const BASELINE: LevelVersion = LevelVersion { level: Level::Baseline, version: Version::Latest };
    const VIOLATED: &str =
        "existing pods in namespace \"ns\" violate the new PodSecurity enforce level \"baseline:latest\"";

    fn pod(name: &str, spec: Document) -> Arc<Document> {
        Arc::new(doc!({"metadata": {"name": name}, "spec": spec}))
    }

    fn host(name: &str) -> Arc<Document> {
        pod(name, doc!({"hostNetwork": true}))
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    #[test]
    fn pods_that_break_the_same_rules_share_a_line() {
        let volume = doc!({"hostPID": true, "volumes": [{"name": "v", "hostPath": {"path": "/"}}]});
        let pods = [
            host("d"),
            pod("good", doc!({"containers": [{"name": "c"}]})),
            host("c"),
            pod("b", volume.clone()),
            pod("a", volume),
            host("e"),
            pod("z", doc!({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]})),
        ];
        assert_eq!(
            warnings("ns", &pods, BASELINE, later()),
            [
                VIOLATED,
                "a (and 1 other pod): host namespaces, hostPath volumes",
                "c (and 2 other pods): host namespaces",
                "z: hostPath volumes",
            ]
        );
    }

    #[test]
    fn good_pods_are_worth_no_word() {
        assert!(warnings("ns", &[pod("good", doc!({}))], BASELINE, later()).is_empty());
    }

    #[test]
    fn the_number_of_pods_and_the_time_are_bounded() {
        let many: Vec<Arc<Document>> = vec![pod("good", doc!({})); MAX_PODS + 1];
        assert_eq!(
            warnings("ns", &many, BASELINE, later()),
            ["new PodSecurity enforce level only checked against the first 3000 of 3001 existing pods"]
        );
        assert_eq!(
            warnings("ns", &[host("a"), host("b")], BASELINE, Instant::now()),
            [
                "new PodSecurity enforce level only checked against the first 1 of 2 existing pods",
                VIOLATED,
                "a: host namespaces",
            ]
        );
    }

    #[test]
    fn replicas_of_one_controller_wait_behind_other_pods() {
        let owned = |name: &str, uid: &str| {
            let owners = doc!([{"uid": uid, "controller": true}]);
            Arc::new(doc!({"metadata": {"name": name, "ownerReferences": owners}}))
        };
        let pods = [owned("a1", "a"), owned("a2", "a"), owned("b1", "b"), host("alone"), owned("b2", "b")];
        let order: Vec<&str> = prioritized(&pods).into_iter().map(Document::name).collect();
        assert_eq!(order, ["a1", "b1", "alone", "a2", "b2"]);
    }
}

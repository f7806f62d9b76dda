//! Tables for the status of PodDisruptionBudgets and for what pods are told.

use super::scale::Scales;
use super::*;
use crate::plan::{Action, Notice};
use skiff_apimachinery::doc;
use std::time::Duration;

const NOW: &str = "2026-01-01T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn with(mut object: Document, path: &[&str], value: impl Into<Document>) -> Document {
    object.set(path, value);
    object
}

fn budget(limits: Document) -> Document {
    let mut spec = limits;
    spec.insert("selector", doc!({"matchLabels": {"app": "web"}}));
    doc!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "b", "namespace": "n", "uid": "b", "generation": 1}, "spec": spec
    })
}

/// A ready pod of a workload.
fn pod(name: &str) -> Document {
    doc!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "n", "uid": name, "labels": {"app": "web"}, "generation": 3,
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "rs", "controller": true}]},
        "spec": {"containers": []},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    })
}

fn unready(name: &str) -> Document {
    with(pod(name), &["status", "conditions"], doc!([]))
}

fn leaving(name: &str) -> Document {
    with(pod(name), &["metadata", "deletionTimestamp"], NOW)
}

fn three() -> Vec<Document> {
    vec![pod("p"), pod("q"), pod("r")]
}

fn decoded(pods: Vec<Document>) -> Vec<CachedPod> {
    pods.into_iter().map(|pod| Arc::new(Cached::decode(Arc::new(pod)).unwrap())).collect()
}

/// A budget whose pods' workload is to have so many pods.
fn world(budget: Document, pods: Vec<Document>, replicas: i64) -> World {
    World::Budget(Box::new(Budget {
        budget: Arc::new(Cached::decode(Arc::new(budget)).unwrap()),
        pods: Ok(decoded(pods)),
        scales: Ok(Scales::from([("rs".to_owned(), replicas)])),
    }))
}

fn planned(world: &World) -> Plan {
    DisruptionController::plan(world, now())
}

fn status(plan: &Plan) -> Option<Document> {
    plan.writes().next().map(|write| write.call.body.as_ref().unwrap()["status"].clone())
}

fn told(plan: &Plan) -> Vec<&Notice> {
    let notices = plan.actions.iter().filter_map(|action| match action {
        Action::Tell(notice) => Some(notice),
        _ => None,
    });
    notices.collect()
}

#[test]
fn a_budget_allows_what_is_healthy_beyond_what_it_asks_for() {
    let one_short = || vec![pod("p"), pod("q"), unready("r")];
    // expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed
    let cases = [
        ("a number available", doc!({"minAvailable": 2}), three(), 3, [3, 3, 2, 1]),
        ("more than there are", doc!({"minAvailable": 5}), three(), 3, [3, 3, 5, 0]),
        ("a number counts pods, not replicas", doc!({"minAvailable": 2}), three(), 9, [3, 3, 2, 1]),
        ("a part available is rounded up", doc!({"minAvailable": "50%"}), three(), 3, [3, 3, 2, 1]),
        ("a part counts replicas", doc!({"minAvailable": "50%"}), three(), 10, [10, 3, 5, 0]),
        ("a number unavailable", doc!({"maxUnavailable": 1}), three(), 3, [3, 3, 2, 1]),
        ("a number counts replicas", doc!({"maxUnavailable": 1}), three(), 5, [5, 3, 4, 0]),
        ("a part unavailable is rounded up", doc!({"maxUnavailable": "10%"}), three(), 3, [3, 3, 2, 1]),
        ("more than all unavailable", doc!({"maxUnavailable": 7}), three(), 3, [3, 3, 0, 3]),
        ("an unready pod", doc!({"minAvailable": 2}), one_short(), 3, [3, 2, 2, 0]),
        ("a pod that is leaving", doc!({"minAvailable": 1}), vec![pod("p"), leaving("q")], 2, [2, 1, 1, 0]),
        ("no pods", doc!({"minAvailable": 0}), vec![], 0, [0, 0, 0, 0]),
        ("no limit", doc!({}), three(), 3, [0, 3, 0, 0]),
    ];
    for (case, limits, pods, replicas, counts) in cases {
        let status = status(&planned(&world(budget(limits), pods, replicas))).unwrap();
        let fields = ["expectedPods", "currentHealthy", "desiredHealthy", "disruptionsAllowed"];
        assert_eq!(fields.map(|field| status.i64_at(&[field]).unwrap()), counts, "{case}");
        let condition = &status.array_at(&["conditions"])[0];
        let allowed = if counts[3] > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        assert_eq!((condition.str_at(&["status"]), condition.str_at(&["reason"])), allowed, "{case}");
    }
}

#[test]
fn a_status_is_written_once() {
    let budget = budget(doc!({"minAvailable": 1}));
    let told = status(&planned(&world(budget.clone(), three(), 3))).unwrap();
    assert_eq!(
        told,
        doc!({"disruptionsAllowed": 2, "currentHealthy": 3, "desiredHealthy": 1, "expectedPods": 3,
            "observedGeneration": 1,
            "conditions": [{"type": "DisruptionAllowed", "status": "True", "observedGeneration": 1,
                "lastTransitionTime": NOW, "reason": "SufficientPods", "message": ""}]})
    );
    assert_eq!(planned(&world(with(budget, &["status"], told), three(), 3)), Plan::nothing());
}

#[test]
fn disrupted_pods_do_not_count_until_they_are_given_up() {
    let noted = |time: &str| {
        let budget = with(budget(doc!({"minAvailable": 1})), &["status", "disruptedPods", "p"], time);
        with(budget, &["status", "disruptedPods", "gone"], time)
    };
    let plan = planned(&world(noted("2026-01-01T11:59:00Z"), three(), 3));
    let status_now = status(&plan).unwrap();
    assert_eq!(status_now["disruptedPods"], doc!({"p": "2026-01-01T11:59:00Z"}));
    assert_eq!(status_now.i64_at(&["currentHealthy"]), Some(2));
    assert_eq!(plan.requeue_after, Some(Duration::from_millis(60_001)));

    let plan = planned(&world(noted("2026-01-01T11:57:00Z"), three(), 3));
    let status_now = status(&plan).unwrap();
    assert_eq!((status_now.get("disruptedPods"), status_now.i64_at(&["currentHealthy"])), (None, Some(3)));
    let notice = told(&plan)[0];
    assert_eq!((notice.about.name.as_str(), notice.reason), ("p", "NotDeleted"));
    assert_eq!(notice.message, "Pod was expected by PDB n/n to be deleted but it wasn't");
}

#[test]
fn what_hampers_a_budget_is_told() {
    let failing = |pods: Result<Vec<CachedPod>, String>, scales: Result<Scales, String>| {
        let object = with(budget(doc!({"maxUnavailable": 1})), &["status", "currentHealthy"], 3);
        let budget = Arc::new(Cached::decode(Arc::new(object)).unwrap());
        World::Budget(Box::new(Budget { budget, pods, scales }))
    };
    let unmanaged = {
        let mut pod = pod("p");
        pod.remove(&["metadata", "ownerReferences"]);
        world(budget(doc!({"maxUnavailable": 1})), vec![pod], 1)
    };
    let lost = "found no controllers for pod \"p\"";
    let cases = [
        (world(budget(doc!({"minAvailable": 1})), vec![], 0), "NoPods", "No matching pods found", ""),
        (
            unmanaged,
            "UnmanagedPods",
            "Pods selected by this PodDisruptionBudget (selector: &LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{},}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value.",
            "",
        ),
        (
            failing(Ok(decoded(vec![pod("p")])), Err(lost.to_owned())),
            "CalculateExpectedPodCountFailed",
            "Failed to calculate the number of expected pods: found no controllers for pod \"p\"",
            lost,
        ),
        (failing(Err("bad".to_owned()), Ok(Scales::new())), "NoPods", "Failed to get pods: bad", "bad"),
    ];
    for (world, reason, message, failure) in cases {
        let plan = planned(&world);
        let notices: Vec<(&str, &str)> =
            told(&plan).iter().map(|notice| (notice.reason, notice.message.as_str())).collect();
        assert_eq!(notices, [(reason, message)]);
        if !failure.is_empty() {
            let status = status(&plan).unwrap();
            assert_eq!(
                status,
                doc!({"currentHealthy": 3, "desiredHealthy": 0, "expectedPods": 0, "disruptionsAllowed": 0,
                    "conditions": [{"type": "DisruptionAllowed", "status": "False", "lastTransitionTime": NOW,
                        "reason": "SyncFailed", "message": failure}]})
            );
        }
    }
}

fn bystander(pod: Document, budgets: &[&str]) -> World {
    let budgets = budgets.iter().map(|&name| name.to_owned()).collect();
    World::Pod(Bystander { pod: decoded(vec![pod]).remove(0), budgets })
}

#[test]
fn an_announced_disruption_that_does_not_come_is_taken_back() {
    let announced = |reason: &str, since: &str| {
        let condition = doc!({"type": "DisruptionTarget", "status": "True", "reason": reason, "message": "m",
            "lastTransitionTime": since});
        with(pod("p"), &["status", "conditions"], vec![condition])
    };
    let (early, late) = ("2026-01-01T11:59:00Z", "2026-01-01T11:58:00Z");
    let plan = planned(&bystander(announced("EvictionByEvictionAPI", early), &[]));
    assert_eq!((status(&plan), plan.requeue_after), (None, Some(Duration::from_secs(60))));
    let plan = planned(&bystander(announced("EvictionByEvictionAPI", late), &[]));
    assert_eq!(
        status(&plan).unwrap()["conditions"],
        doc!([{"type": "DisruptionTarget", "status": "False", "lastProbeTime": null, "lastTransitionTime": NOW,
            "observedGeneration": 3}])
    );
    let left_alone = [
        ("a kubelet's", announced("TerminationByKubelet", late)),
        ("an ended pod", with(announced("x", late), &["status", "phase"], "Failed")),
        ("a pod that goes", with(announced("x", late), &["metadata", "deletionTimestamp"], NOW)),
        ("a pod without", pod("p")),
    ];
    for (case, pod) in left_alone {
        assert_eq!(planned(&bystander(pod, &["b"])), Plan::nothing(), "{case}");
    }
}

#[test]
fn a_pod_of_several_budgets_is_told() {
    let plan = planned(&bystander(pod("p"), &["a", "b"]));
    let notice = told(&plan)[0];
    assert_eq!(
        (notice.reason, notice.message.as_str()),
        (
            "MultiplePodDisruptionBudgets",
            "Pod \"n\"/\"p\" matches multiple PodDisruptionBudgets.  Chose \"a\" arbitrarily."
        )
    );
}

//! Tables for the life and death of nodes.

use super::*;
use skiff_apimachinery::doc;

fn at(second: i64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

fn node(ready: &str) -> Document {
    let mut node = doc!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "a", "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": {}, "status": {}});
    if !ready.is_empty() {
        let conditions: Vec<Document> = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"]
            .iter()
            .map(|kind| {
                let status = match (*kind, ready) {
                    ("Ready", ready) => ready,
                    (_, "Unknown") => "Unknown",
                    _ => "False",
                };
                doc!({"type": *kind, "status": status, "lastHeartbeatTime": "2026-01-01T00:00:00Z"})
            })
            .collect();
        node.set(&["status", "conditions"], conditions);
    }
    node
}

fn world(node: Document) -> World {
    World {
        config: Arc::default(),
        node: Arc::new(Cached::decode(Arc::new(node)).unwrap()),
        heard: at(0),
        is_new: false,
        any_ready: true,
        pods: Vec::new(),
    }
}

fn body(plan: &Plan) -> Document {
    plan.writes().next().and_then(|write| write.call.body.clone()).unwrap_or_default()
}

fn taints(document: &Document) -> Vec<String> {
    let text = |taint: &Document| format!("{}:{}", taint.str_at(&["key"]), taint.str_at(&["effect"]));
    document.array_at(&["spec", "taints"]).iter().map(text).collect()
}

#[test]
fn a_node_that_is_heard_is_left_alone_until_its_grace_ends() {
    let plan = plan(&world(node("True")), at(30));
    assert_eq!(plan.writes().count(), 0);
    assert_eq!(plan.requeue_after.map(|wait| wait.as_secs()), Some(20));
}

#[test]
fn a_silent_node_becomes_unknown() {
    let plan = plan(&world(node("True")), at(51));
    let changed = body(&plan);
    let ready = conditions::get(&changed, "Ready").unwrap();
    assert_eq!(ready.str_at(&["status"]), "Unknown");
    assert_eq!(ready.str_at(&["message"]), "Kubelet stopped posting node status.");
    let told = plan.writes().next().unwrap().success.as_ref().unwrap();
    assert_eq!(told.message, "Node a status is now: NodeNotReady");
}

#[test]
fn a_node_that_never_reported_has_a_longer_grace() {
    assert_eq!(plan(&world(node("")), at(55)).writes().count(), 0);
    let changed = body(&plan(&world(node("")), at(61)));
    assert_eq!(conditions::get(&changed, "Ready").unwrap().str_at(&["reason"]), "NodeStatusNeverUpdated");
}

#[test]
fn taints_follow_the_conditions() {
    let cordoned = {
        let mut node = node("True");
        node.set(&["spec", "unschedulable"], true);
        node
    };
    let healed = {
        let mut node = node("True");
        node.set(
            &["spec", "taints"],
            doc!([
            {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"},
            {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"},
            {"key": "mine", "effect": "NoSchedule"}]),
        );
        node
    };
    for (node, expected) in [
        (
            node("False"),
            vec!["node.kubernetes.io/not-ready:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"],
        ),
        (
            node("Unknown"),
            vec!["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"],
        ),
        (cordoned, vec!["node.kubernetes.io/unschedulable:NoSchedule"]),
        (healed, vec!["mine:NoSchedule"]),
    ] {
        assert_eq!(taints(&body(&plan(&world(node), at(1)))), expected);
    }
}

#[test]
fn nobody_is_driven_off_when_no_node_is_ready() {
    let world = World { any_ready: false, ..world(node("Unknown")) };
    assert_eq!(taints(&body(&plan(&world, at(99)))), ["node.kubernetes.io/unreachable:NoSchedule"]);
}

#[test]
fn pods_of_a_dead_node_are_not_ready() {
    let pod = doc!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    let mut dead = node("Unknown");
    dead.set(
        &["spec", "taints"],
        doc!([{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"},
        {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]),
    );
    let world = World { pods: vec![Arc::new(Cached::decode(Arc::new(pod)).unwrap())], ..world(dead) };
    let changed = body(&plan(&world, at(99)));
    assert_eq!(changed["status"]["conditions"].as_array().unwrap()[0].str_at(&["status"]), "False");
}

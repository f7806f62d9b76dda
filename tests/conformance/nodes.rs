//! [sig-architecture], [sig-node] and [sig-scheduling]: what needs nodes that pods are bound to, but no containers.

use crate::harness::Api;
use crate::resources::{RUNTIME_CLASSES, named, yaml};
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::{EVENTS, NODES, PODS};

const NODE_NAMES: [&str; 2] = ["node-a", "node-b"];

fn pod(name: &str) -> Document {
    named(name, yaml("spec: {containers: [{name: pause, image: 'example.test/pause:1'}]}"))
}

/// The pod once it has a node.
fn scheduled(api: &Api, name: &str) -> Document {
    api.eventually(&format!("{name} has a node"), || {
        let pod = api.of(&PODS).get(name);
        if pod.str_at(&["spec", "nodeName"]).is_empty() { Err(pod["status"].to_string()) } else { Ok(pod) }
    })
}

/// `Conformance Tests should have at least two untainted nodes`
#[test]
fn should_have_at_least_two_untainted_nodes() {
    let api = Api::with_nodes(&NODE_NAMES);
    let untainted = |node: &Document| {
        !node.bool_at(&["spec", "unschedulable"]).unwrap_or(false)
            && node.array_at(&["spec", "taints"]).is_empty()
    };
    assert!(api.of(&NODES).list("").iter().filter(|node| untainted(node)).count() >= 2);
}

/// `RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead`
#[test]
fn should_schedule_a_pod_requesting_a_runtime_class_without_pod_overhead() {
    let api = Api::with_nodes(&NODE_NAMES);
    api.of(&RUNTIME_CLASSES).create(named("preconfigured", doc!({"handler": "runc"})));
    let mut object = pod("test-runtimeclass");
    object.set(&["spec", "runtimeClassName"], "preconfigured");
    api.of(&PODS).create(object);
    assert!(scheduled(&api, "test-runtimeclass")["spec"]["overhead"].is_null());
}

/// `RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead`
#[test]
fn should_schedule_a_pod_requesting_a_runtime_class_and_initialize_its_overhead() {
    let api = Api::with_nodes(&NODE_NAMES);
    let class = yaml(
        "
handler: runc
overhead: {podFixed: {cpu: 10m, memory: 1Mi}}
",
    );
    api.of(&RUNTIME_CLASSES).create(named("preconfigured", class));
    let mut object = pod("test-runtimeclass");
    object.set(&["spec", "runtimeClassName"], "preconfigured");
    api.of(&PODS).create(object);
    let pod = scheduled(&api, "test-runtimeclass");
    assert_eq!(pod["spec"]["overhead"], doc!({"cpu": "10m", "memory": "1Mi"}));
}

/// `SchedulerPredicates [Serial] validates that NodeSelector is respected if not matching`
#[test]
fn validates_that_node_selector_is_respected_if_not_matching() {
    let api = Api::with_nodes(&NODE_NAMES);
    let mut object = pod("restricted-pod");
    object.set(&["spec", "nodeSelector", "label"], "nonempty");
    api.of(&PODS).create(object);
    let event = api.eventually("the scheduler says why", || {
        let events = api.of(&EVENTS).list_where("involvedObject.name=restricted-pod,reason=FailedScheduling");
        events.first().cloned().ok_or_else(|| "no event".to_owned())
    });
    let why = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.";
    assert!(event.str_at(&["message"]).starts_with(why), "{event}");
    let waiting = api.of(&PODS).get("restricted-pod");
    assert_eq!(waiting.str_at(&["spec", "nodeName"]), "");
    // It is the label that is missed.
    api.of(&NODES).mark(NODE_NAMES[1], "labels", "label", "nonempty");
    assert_eq!(scheduled(&api, "restricted-pod").str_at(&["spec", "nodeName"]), NODE_NAMES[1]);
}

//! Pods as the registry asks about them.

mod create;
mod resize;
mod status;
mod subresources;
mod update;

use super::{Pod, qos_class};
use crate::Strategy;
use skiff_apimachinery::{Document, FieldErrors, doc, json};

fn parse(text: &str) -> Document {
    json::decode(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A pod whose spec has these fields, as it was made.
fn pod(fields: &str) -> Document {
    let mut pod = doc!({
        "metadata": {"name": "p", "generation": 1},
        "spec": {"containers": [{"name": "c", "image": "i:1"}]}
    });
    for (field, value) in parse(fields).into_object() {
        pod.set(&["spec", &*field], value);
    }
    Pod.default(&mut pod);
    pod
}

fn texts(errors: &FieldErrors) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

fn class(resources: Document) -> &'static str {
    qos_class(&doc!({"spec": {"containers": [{"resources": resources}]}}))
}

#[test]
fn the_quality_of_service_follows_requests_and_limits() {
    assert_eq!(class(doc!({})), "BestEffort");
    assert_eq!(class(doc!({"requests": {"cpu": "1"}})), "Burstable");
    let full = doc!({"cpu": "1", "memory": "1Gi"});
    assert_eq!(class(doc!({"requests": full.clone(), "limits": full.clone()})), "Guaranteed");
    assert_eq!(class(doc!({"limits": full})), "Guaranteed");
}

#[test]
fn a_pod_without_a_node_is_deleted_at_once() {
    let mut pod = doc!({"spec": {"terminationGracePeriodSeconds": 20}});
    assert_eq!(Pod.grace_period(&pod, None), Some(0));
    pod.set(&["spec", "nodeName"], "n");
    assert_eq!(Pod.grace_period(&pod, None), Some(20));
    assert_eq!(Pod.grace_period(&pod, Some(0)), Some(0));
    pod.set(&["status", "phase"], "Succeeded");
    assert_eq!(Pod.grace_period(&pod, None), Some(0));
}

//! Tables for endpoints and slices.

use super::*;
use skiff_apimachinery::doc;
use skiff_client::Verb;

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn service() -> Document {
    doc!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "n", "uid": "s", "labels": {"team": "a"}},
        "spec": {"selector": {"app": "web"}, "clusterIP": "10.0.0.1", "ipFamilies": ["IPv4"],
            "ports": [{"name": "http", "port": 80, "targetPort": "web", "protocol": "TCP"}]}
    })
}

fn pod(number: usize) -> Document {
    doc!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("web-{number}"), "namespace": "n", "uid": format!("u{number}"), "labels": {"app": "web"}},
        "spec": {"nodeName": "node", "containers": [{"name": "c", "ports": [{"name": "web", "containerPort": 8080, "protocol": "TCP"}]}]},
        "status": {"phase": "Running", "podIP": format!("10.1.0.{number}"), "podIPs": [{"ip": format!("10.1.0.{number}")}, {"ip": format!("fd00::{number}")}],
            "conditions": [{"type": "Ready", "status": "True"}]}
    })
}

fn with(mut object: Document, path: &[&str], value: impl Into<Document>) -> Document {
    object.set(path, value);
    object
}

fn world(service: Document, pods: Vec<Document>, slices: Vec<Document>) -> World {
    World {
        service: Arc::new(Cached::decode(Arc::new(service)).unwrap()),
        pods: pods.into_iter().map(|pod| Arc::new(Cached::decode(Arc::new(pod)).unwrap())).collect(),
        zones: HashMap::from([("node".to_owned(), "zone-a".to_owned())]),
        slices: slices.into_iter().map(Arc::new).collect(),
        max_per_slice: 3,
    }
}

/// Carries out what is planned until nothing is; returns the slices and how many writes it took.
fn settle(service: &Document, pods: &[Document], mut slices: Vec<Document>) -> (Vec<Document>, usize) {
    let world = world(service.clone(), pods.to_vec(), slices.clone());
    let plan = EndpointSliceController::plan(&world, now());
    for write in plan.writes() {
        let body = write.call.body.clone().unwrap();
        match write.call.verb {
            Verb::Create => slices.push(with(body, &["metadata", "name"], format!("web-s{}", slices.len()))),
            Verb::Update => *slices.iter_mut().find(|slice| slice.name() == write.call.name).unwrap() = body,
            _ => slices.retain(|slice| slice.name() != write.call.name),
        }
    }
    let settled = super::World { slices: slices.iter().cloned().map(Arc::new).collect(), ..world };
    assert_eq!(
        EndpointSliceController::plan(&settled, now()),
        Plan::nothing(),
        "a second look changes nothing"
    );
    (slices, plan.writes().count())
}

fn sizes(slices: &[Document]) -> Vec<usize> {
    slices.iter().map(|slice| slice.array_at(&["endpoints"]).len()).collect()
}

#[test]
fn a_ready_pod_becomes_an_endpoint_with_its_port_by_number() {
    let (slices, _) = settle(&service(), &[pod(1)], vec![]);
    assert_eq!(
        slices,
        [doc!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"generateName": "web-", "namespace": "n", "name": "web-s0",
                "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": "web", "uid": "s", "controller": true, "blockOwnerDeletion": true}],
                "labels": {"team": "a", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io", "kubernetes.io/service-name": "web"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["10.1.0.1"], "conditions": {"ready": true, "serving": true, "terminating": false},
                "targetRef": {"kind": "Pod", "namespace": "n", "name": "web-1", "uid": "u1"}, "nodeName": "node", "zone": "zone-a"}],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]
        })]
    );
}

#[test]
fn conditions_follow_readiness_and_deletion() {
    let unready = with(pod(1), &["status", "conditions"], doc!([{"type": "Ready", "status": "False"}]));
    let leaving = with(pod(1), &["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z");
    let eager = with(service(), &["spec", "publishNotReadyAddresses"], true);
    let cases = [
        (service(), unready.clone(), doc!({"ready": false, "serving": false, "terminating": false})),
        (service(), leaving, doc!({"ready": false, "serving": true, "terminating": true})),
        (eager, unready, doc!({"ready": true, "serving": false, "terminating": false})),
    ];
    for (service, pod, conditions) in cases {
        let (slices, _) = settle(&service, &[pod], vec![]);
        assert_eq!(slices[0].array_at(&["endpoints"])[0]["conditions"], conditions);
    }
}

#[test]
fn ended_pods_and_pods_without_address_are_not_told() {
    let ended = with(pod(1), &["status", "phase"], "Succeeded");
    let starting = with(pod(2), &["status", "podIPs"], doc!([]));
    let (slices, _) = settle(&service(), &[ended, starting], vec![]);
    assert_eq!(sizes(&slices), [0]);
}

#[test]
fn two_families_have_slices_of_their_own() {
    let dual = with(service(), &["spec", "ipFamilies"], doc!(["IPv4", "IPv6"]));
    let (slices, _) = settle(&dual, &[pod(1)], vec![]);
    let addresses: Vec<&str> = slices
        .iter()
        .map(|slice| slice.array_at(&["endpoints"])[0].array_at(&["addresses"])[0].as_str().unwrap())
        .collect();
    assert_eq!(addresses, ["10.1.0.1", "fd00::1"]);
}

#[test]
fn endpoints_are_spread_with_few_writes() {
    let pods: Vec<Document> = (1..=7).map(pod).collect();
    let (slices, writes) = settle(&service(), &pods, vec![]);
    assert_eq!((sizes(&slices), writes), (vec![3, 3, 1], 3));
    // One pod goes: one write.
    let (slices, writes) = settle(&service(), &pods[1..], slices);
    assert_eq!((slices.len(), writes), (3, 1));
    // It comes back: it goes into the fullest slice that has room, one write.
    let (slices, writes) = settle(&service(), &pods, slices);
    assert_eq!((slices.len(), writes), (3, 1));
    // All go: one empty slice stays.
    let (slices, _) = settle(&service(), &[], slices);
    assert_eq!(sizes(&slices), [0]);
    // The empty slice is used again.
    let (slices, writes) = settle(&service(), &pods[..1], slices);
    assert_eq!((sizes(&slices), writes), (vec![1], 1));
}

#[test]
fn pods_with_other_ports_have_slices_of_their_own() {
    let other = with(
        pod(2),
        &["spec", "containers"],
        doc!([{"name": "c", "ports": [{"name": "web", "containerPort": 9090, "protocol": "TCP"}]}]),
    );
    let (slices, _) = settle(&service(), &[pod(1), other], vec![]);
    let ports: Vec<i64> =
        slices.iter().map(|slice| slice.array_at(&["ports"])[0].i64_at(&["port"]).unwrap()).collect();
    assert_eq!(ports, [8080, 9090]);
}

#[test]
fn headless_services_name_their_pods() {
    let headless = with(service(), &["spec", "clusterIP"], "None");
    let named = with(with(pod(1), &["spec", "hostname"], "db-0"), &["spec", "subdomain"], "web");
    let (slices, _) = settle(&headless, &[named], vec![]);
    assert_eq!(slices[0].label("service.kubernetes.io/headless"), Some(""));
    assert_eq!(slices[0].array_at(&["endpoints"])[0].str_at(&["hostname"]), "db-0");
}

#[test]
fn traffic_distribution_becomes_hints() {
    let near = with(service(), &["spec", "trafficDistribution"], "PreferSameNode");
    let (slices, _) = settle(&near, &[pod(1)], vec![]);
    assert_eq!(
        slices[0].array_at(&["endpoints"])[0]["hints"],
        doc!({"forZones": [{"name": "zone-a"}], "forNodes": [{"name": "node"}]})
    );
}

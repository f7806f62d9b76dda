//! Tables for mirrored slices.

use super::*;
use crate::plan::Action;
use skiff_apimachinery::doc;
use skiff_client::Verb;

fn with(mut object: Document, path: &[&str], value: impl Into<Document>) -> Document {
    object.set(path, value);
    object
}

fn endpoints(subsets: Document) -> Document {
    doc!({
        "apiVersion": "v1", "kind": "Endpoints",
        "metadata": {"name": "db", "namespace": "n", "uid": "e", "labels": {"team": "a"},
            "annotations": {"note": "x", "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:00Z"}},
        "subsets": subsets
    })
}

fn subset(ready: &[&str], unready: &[&str], ports: &[i64]) -> Document {
    let addresses = |ips: &[&str]| ips.iter().map(|&ip| doc!({"ip": ip})).collect::<Vec<Document>>();
    let ports = ports.iter().map(|&port| doc!({"port": port, "protocol": "TCP"})).collect::<Vec<Document>>();
    doc!({"addresses": addresses(ready), "notReadyAddresses": addresses(unready), "ports": ports})
}

fn world(endpoints: Option<Document>, slices: &[Document]) -> World {
    World {
        endpoints: endpoints.map(Arc::new),
        slices: slices.iter().cloned().map(Arc::new).collect(),
        max_per_subset: 3,
    }
}

/// Carries out what is planned; a second look must change nothing. Returns the slices and the verbs that it took.
fn settle(endpoints: Option<Document>, mut slices: Vec<Document>) -> (Vec<Document>, Vec<Verb>) {
    let plan = slices::reconcile(&world(endpoints.clone(), &slices));
    for write in plan.writes() {
        let body = write.call.body.clone().unwrap();
        match write.call.verb {
            Verb::Create => slices.push(with(body, &["metadata", "name"], format!("db-s{}", slices.len()))),
            Verb::Update => *slices.iter_mut().find(|slice| slice.name() == write.call.name).unwrap() = body,
            _ => slices.retain(|slice| slice.name() != write.call.name),
        }
    }
    let again = slices::reconcile(&world(endpoints, &slices));
    assert_eq!(again.writes().count(), 0, "a second look changes nothing");
    (slices, plan.writes().map(|write| write.call.verb).collect())
}

/// What slices say: family, ports, and addresses with a `!` before those that are not ready.
fn shown(slices: &[Document]) -> Vec<String> {
    let of_slice = |slice: &Document| {
        let ports: Vec<String> =
            slice.array_at(&["ports"]).iter().map(|port| port["port"].to_string()).collect();
        let addresses: Vec<String> = slice
            .array_at(&["endpoints"])
            .iter()
            .map(|endpoint| {
                let ready = endpoint.bool_at(&["conditions", "ready"]) == Some(true);
                let address = endpoint.array_at(&["addresses"])[0].as_str().unwrap();
                format!("{}{address}", if ready { "" } else { "!" })
            })
            .collect();
        format!("{} {} {}", slice.str_at(&["addressType"]), ports.join(","), addresses.join(","))
    };
    slices.iter().map(of_slice).collect()
}

#[test]
fn subsets_become_slices() {
    let cases = [
        (
            "one subset",
            doc!([subset(&["10.0.0.1"], &["10.0.0.2"], &[80])]),
            vec!["IPv4 80 10.0.0.1,!10.0.0.2"],
        ),
        (
            "a slice for each family",
            doc!([subset(&["10.0.0.1", "fd00::1"], &[], &[80])]),
            vec!["IPv4 80 10.0.0.1", "IPv6 80 fd00::1"],
        ),
        (
            "a slice for each set of ports",
            doc!([subset(&["10.0.0.1"], &[], &[80]), subset(&["10.0.0.2"], &[], &[81])]),
            vec!["IPv4 80 10.0.0.1", "IPv4 81 10.0.0.2"],
        ),
        (
            "subsets of the same addresses are one",
            doc!([subset(&["10.0.0.1"], &[], &[80]), subset(&["10.0.0.1"], &[], &[81])]),
            vec!["IPv4 80,81 10.0.0.1"],
        ),
        (
            "subsets of the same ports are one",
            doc!([subset(&["10.0.0.2"], &[], &[80]), subset(&["10.0.0.1"], &[], &[80])]),
            vec!["IPv4 80 10.0.0.1,10.0.0.2"],
        ),
        (
            "not ready once is not ready",
            doc!([subset(&["10.0.0.1"], &[], &[80]), subset(&[], &["10.0.0.1"], &[80])]),
            vec!["IPv4 80 !10.0.0.1"],
        ),
        ("without ports", doc!([subset(&["10.0.0.1"], &[], &[])]), vec!["IPv4  10.0.0.1"]),
        (
            "irregular addresses",
            doc!([subset(&["010.0.0.1", "::ffff:10.0.0.2"], &[], &[80])]),
            vec!["IPv4 80 10.0.0.1,10.0.0.2"],
        ),
        ("no subsets", doc!([]), vec![]),
        ("an empty subset", doc!([subset(&[], &[], &[80])]), vec![]),
    ];
    for (case, subsets, wanted) in cases {
        let (slices, _) = settle(Some(endpoints(subsets)), vec![]);
        assert_eq!(shown(&slices), wanted, "{case}");
    }
}

#[test]
fn a_slice_has_what_its_endpoints_have() {
    let address = doc!({"ip": "10.0.0.1", "hostname": "h", "nodeName": "node", "targetRef": {"kind": "Pod", "name": "p", "uid": "u"}});
    let port = doc!({"name": "sql", "port": 5432, "protocol": "TCP", "appProtocol": "postgres"});
    let subsets = doc!([{"addresses": [address], "ports": [port]}]);
    let (slices, _) = settle(Some(endpoints(subsets)), vec![]);
    assert_eq!(
        slices,
        [doc!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"generateName": "db-", "namespace": "n", "name": "db-s0",
                "ownerReferences": [{"apiVersion": "v1", "kind": "Endpoints", "name": "db", "uid": "e", "controller": true, "blockOwnerDeletion": true}],
                "labels": {"team": "a", "kubernetes.io/service-name": "db",
                    "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io"},
                "annotations": {"note": "x"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": true}, "hostname": "h", "nodeName": "node",
                "targetRef": {"kind": "Pod", "name": "p", "uid": "u"}}],
            "ports": [{"name": "sql", "port": 5432, "protocol": "TCP", "appProtocol": "postgres"}]
        })]
    );
}

#[test]
fn changes_cost_one_write_a_slice() {
    let of = |subsets: Document| Some(endpoints(subsets));
    let (slices, verbs) = settle(of(doc!([subset(&["10.0.0.1"], &[], &[80])])), vec![]);
    assert_eq!(verbs, [Verb::Create]);
    let relabelled =
        with(endpoints(doc!([subset(&["10.0.0.1"], &[], &[80])])), &["metadata", "labels", "team"], "b");
    let (slices, verbs) = settle(Some(relabelled), slices);
    assert_eq!((verbs, slices[0].label("team")), (vec![Verb::Update], Some("b")));
    let (slices, verbs) = settle(of(doc!([subset(&["10.0.0.1", "10.0.0.2"], &[], &[80])])), slices);
    assert_eq!(verbs, [Verb::Update]);
    // Other ports: the slice is used again; another family: it cannot be.
    let (slices, verbs) = settle(of(doc!([subset(&["10.0.0.1"], &[], &[81])])), slices);
    assert_eq!(verbs, [Verb::Update]);
    let (slices, verbs) = settle(of(doc!([subset(&["fd00::1"], &[], &[81])])), slices);
    assert_eq!(
        (verbs, shown(&slices)),
        (vec![Verb::Create, Verb::Delete], vec!["IPv6 81 fd00::1".to_owned()])
    );
    let (slices, verbs) = settle(None, slices);
    assert_eq!((verbs, slices.len()), (vec![Verb::Delete], 0));
}

#[test]
fn endpoints_that_are_being_deleted_get_no_new_slices() {
    let ending = with(
        endpoints(doc!([subset(&["10.0.0.1"], &[], &[80])])),
        &["metadata", "deletionTimestamp"],
        "2026-01-01T00:00:00Z",
    );
    assert_eq!(slices::reconcile(&world(Some(ending), &[])), Plan::nothing());
}

#[test]
fn addresses_that_are_not_mirrored_are_told() {
    let cases = [
        (
            "too many",
            subset(&["10.0.0.1", "10.0.0.2"], &["10.0.0.3", "10.0.0.4"], &[80]),
            vec!["IPv4 80 10.0.0.1,10.0.0.2,!10.0.0.3"],
            vec![(
                "TooManyAddressesToMirror",
                "A max of 3 addresses can be mirrored to EndpointSlices per Endpoints subset. 1 addresses were skipped",
            )],
        ),
        (
            "invalid",
            subset(&["10.0.0.1", "10.0.0.256"], &["x"], &[80]),
            vec!["IPv4 80 10.0.0.1"],
            vec![("InvalidIPAddress", "Skipped 2 invalid IP addresses when mirroring to EndpointSlices")],
        ),
    ];
    for (case, subset, slices, told) in cases {
        let endpoints = endpoints(doc!([subset]));
        let plan = slices::reconcile(&world(Some(endpoints.clone()), &[]));
        let notices = plan.actions.iter().filter_map(|action| match action {
            Action::Tell(notice) => Some((notice.reason, notice.message.as_str())),
            _ => None,
        });
        assert_eq!(notices.collect::<Vec<_>>(), told, "{case}");
        assert_eq!(shown(&settle(Some(endpoints), vec![]).0), slices, "{case}");
    }
}

#[test]
fn locks_and_marked_endpoints_are_not_mirrored() {
    let plain = endpoints(doc!([]));
    let cases = [
        ("plain", plain.clone(), true),
        ("marked", with(plain.clone(), &["metadata", "labels", SKIP], "true"), false),
        ("marked otherwise", with(plain.clone(), &["metadata", "labels", SKIP], "false"), true),
        ("a lock", with(plain, &["metadata", "annotations", LEADER], "{}"), false),
    ];
    for (case, endpoints, mirrored) in cases {
        assert_eq!(is_mirrored(&endpoints), mirrored, "{case}");
    }
}

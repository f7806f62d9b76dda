//! LimitRanges as upstream's conformance tests ask for them, on a control plane without a node.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

use skiff_apimachinery::{Document, Map, doc, json};
use skiff_testkit::{Options, Server, wait};
use std::collections::BTreeMap;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);
const PATH: &str = "/api/v1/namespaces/limits/limitranges";

/// A server whose kubectl works in a new namespace where pods can be created.
fn server() -> Server {
    let server = Server::start(Options::default());
    server.kubectl(&["create", "namespace", "limits"]);
    server.kubectl(&["config", "set-context", "--current", "--namespace=limits"]);
    server.until(&["get", "serviceaccount", "default"], SOON, |_| true);
    server
}

/// Writes an object to a file that kubectl can be given.
fn file(server: &Server, object: &Document) -> String {
    let path = server.path("object.json");
    std::fs::write(&path, json::encode(object)).unwrap();
    path.to_string_lossy().into_owned()
}

fn try_create(server: &Server, object: &Document) -> Result<String, String> {
    server.try_kubectl(&["create", "-f", &file(server, object)])
}

fn create(server: &Server, object: &Document) {
    try_create(server, object).unwrap();
}

/// An object that kubectl prints.
fn json_of(server: &Server, arguments: &[&str]) -> Document {
    json::decode(server.kubectl(arguments).as_bytes()).unwrap()
}

/// Amounts of CPU, memory and ephemeral storage; an empty text leaves one out.
fn amounts(cpu: &str, memory: &str, storage: &str) -> Document {
    let named = [("cpu", cpu), ("memory", memory), ("ephemeral-storage", storage)];
    named.into_iter().filter(|(_, amount)| !amount.is_empty()).collect()
}

/// Upstream's limits of containers.
fn limit_range(name: &str, labels: Document) -> Document {
    let limits = doc!([{
        "type": "Container",
        "min": amounts("50m", "100Mi", "100Gi"),
        "max": amounts("500m", "500Mi", "500Gi"),
        "default": amounts("500m", "500Mi", "500Gi"),
        "defaultRequest": amounts("100m", "200Mi", "200Gi")
    }]);
    let metadata = doc!({"name": name, "labels": labels});
    doc!({"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": limits}})
}

fn set_min(range: &mut Document, min: Document) {
    range.at_mut(&["spec", "limits"]).and_then(Document::as_array_mut).unwrap()[0].insert("min", min);
}

fn limits(range: &Document) -> &Document {
    &range.array_at(&["spec", "limits"])[0]
}

fn pod(name: &str, requests: Document, limits: Document) -> Document {
    doc!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [{
        "name": "pause", "image": "example.test/pause:1",
        "resources": {"requests": requests, "limits": limits}
    }]}})
}

/// Names and amounts, in order.
fn list(amounts: &Document) -> BTreeMap<&str, &str> {
    let amounts = amounts.as_object().into_iter().flat_map(Map::iter);
    amounts.filter_map(|(name, amount)| Some((name, amount.as_str()?))).collect()
}

/// Every container of a pod has exactly these requests and limits.
fn assert_resources(server: &Server, pod: &str, requests: &Document, limits: &Document) {
    let pod = json_of(server, &["get", "pod", pod, "-o", "json"]);
    for container in pod.array_at(&["spec", "containers"]) {
        let resources = &container["resources"];
        assert_eq!(list(&resources["requests"]), list(requests), "{pod}");
        assert_eq!(list(&resources["limits"]), list(limits), "{pod}");
    }
}

/// Waits until a watch from a version on has seen a LimitRange with a label come.
fn until_added(server: &Server, since: &str, selector: &str) {
    let path = format!("{PATH}?watch=true&timeoutSeconds=1&resourceVersion={since}&labelSelector={selector}");
    server.until(&["get", "--raw", &path], SOON, |events| {
        let first = events.lines().next().map(|event| json::decode(event.as_bytes()).unwrap());
        first.is_some_and(|event| event.str_at(&["type"]) == "ADDED")
    });
}

/// LimitRange should create a LimitRange with defaults and ensure pod has those defaults applied.
#[test]
fn limit_range_should_create_a_limit_range_with_defaults_and_ensure_pod_has_those_defaults_applied() {
    let server = server();
    let selector = "time%3Dnow";
    let before = json_of(&server, &["get", "--raw", &format!("{PATH}?labelSelector={selector}")]);
    assert!(before.items().is_empty(), "{before}");
    create(&server, &limit_range("limit-range", doc!({"time": "now"})));
    until_added(&server, before.resource_version(), selector);
    let get = ["get", "limitrange", "limit-range", "-o", "json"];
    let mut range = json_of(&server, &get);
    let (requests, most) = (amounts("100m", "200Mi", "200Gi"), amounts("500m", "500Mi", "500Gi"));
    assert_eq!(list(&limits(&range)["defaultRequest"]), list(&requests));
    assert_eq!(list(&limits(&range)["default"]), list(&most));

    create(&server, &pod("pod-no-resources", doc!({}), doc!({})));
    assert_resources(&server, "pod-no-resources", &requests, &most);
    let partial = pod("pod-partial-resources", amounts("", "150Mi", "150Gi"), amounts("300m", "", ""));
    create(&server, &partial);
    let (requests, merged) = (amounts("300m", "150Mi", "150Gi"), amounts("300m", "500Mi", "500Gi"));
    assert_resources(&server, "pod-partial-resources", &requests, &merged);

    let small = pod("pfpod", amounts("10m", "50Mi", "50Gi"), doc!({}));
    let refused = try_create(&server, &small).unwrap_err();
    for (name, least, asked) in
        [("cpu", "50m", "10m"), ("memory", "100Mi", "50Mi"), ("ephemeral-storage", "100Gi", "50Gi")]
    {
        let why = format!("minimum {name} usage per Container is {least}, but request is {asked}");
        assert!(refused.contains("pods \"pfpod\" is forbidden: [") && refused.contains(&why), "{refused}");
    }
    // The limit is filled in before the pod is looked at, so requests above it are invalid and never come to be
    // compared with the maximum.
    let large = |name: &str| pod(name, amounts("600m", "600Mi", "600Gi"), doc!({}));
    let refused = try_create(&server, &large("pfpod")).unwrap_err();
    assert!(refused.contains("must be less than or equal to cpu limit of 500m"), "{refused}");
    let unlimited = pod("pfpod", doc!({}), amounts("600m", "", ""));
    let refused = try_create(&server, &unlimited).unwrap_err();
    let why = "pods \"pfpod\" is forbidden: maximum cpu usage per Container is 500m, but limit is 600m";
    assert!(refused.ends_with(why), "{refused}");

    let least = amounts("9m", "49Mi", "49Gi");
    set_min(&mut range, least.clone());
    server.kubectl(&["replace", "-f", &file(&server, &range)]);
    assert_eq!(list(&limits(&json_of(&server, &get))["min"]), list(&least));
    wait::until("the new minimum counts", SOON, || try_create(&server, &small));
    let refused = try_create(&server, &large("other")).unwrap_err();
    assert!(refused.contains("must be less than or equal to cpu limit of 500m"), "{refused}");

    server.kubectl(&["delete", "limitrange", "limit-range", "--grace-period=30"]);
    server.until(&["get", "limitrange", "-o", "name"], SOON, str::is_empty);
    wait::until("nothing is limited", SOON, || try_create(&server, &large("pfpod2")));
    assert_resources(&server, "pfpod2", &amounts("600m", "600Mi", "600Gi"), &doc!({}));
}

/// LimitRange should list, patch and delete a LimitRange by collection
#[test]
fn limit_range_should_list_patch_and_delete_a_limit_range_by_collection() {
    let server = server();
    let name = "e2e-limitrange";
    let range = limit_range(name, doc!({"e2e-test": name, (name): "created"}));
    let created = json_of(&server, &["create", "-o", "json", "-f", &file(&server, &range)]);
    server.kubectl(&["create", "namespace", name]);
    server.kubectl(&["-n", name, "create", "-f", &file(&server, &range)]);
    let everywhere = "/api/v1/limitranges?labelSelector=e2e-test%3De2e-limitrange";
    let listed = json_of(&server, &["get", "--raw", everywhere]);
    assert_eq!(listed.items().len(), 2, "{listed}");

    let least = amounts("9m", "49Mi", "49Gi");
    let mut changed = created.clone();
    set_min(&mut changed, least.clone());
    let change = doc!({
        "metadata": {"creationTimestamp": created.creation_timestamp(), "labels": {(name): "patched"}},
        "spec": changed["spec"].clone()
    });
    let change = change.to_string();
    let patched =
        json_of(&server, &["patch", "limitrange", name, "--type=strategic", "-o", "json", "-p", &change]);
    assert_eq!(patched.label(name), Some("patched"));
    assert_eq!(patched.label("e2e-test"), Some(name));
    assert_eq!(patched.array_at(&["spec", "limits"]).len(), 1, "{patched}");
    assert_eq!(list(&limits(&patched)["min"]), list(&least));

    server.kubectl(&["delete", "--raw", &format!("{PATH}?labelSelector=e2e-limitrange%3Dpatched")]);
    server.until(&["get", "limitrange", "-l", "e2e-limitrange=patched", "-o", "name"], SOON, str::is_empty);
    let listed = json_of(&server, &["get", "--raw", everywhere]);
    assert_eq!(listed.items().len(), 1, "{listed}");
    assert_eq!(listed.items()[0].namespace(), name);
}

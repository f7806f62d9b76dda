//! [sig-network]: what needs no nodes.

use crate::api_operations::{Operations, StatusChanges, assert_contains, overlay, supports_api_operations};
use crate::harness::Api;
use crate::resources::{INGRESS_CLASSES, INGRESSES, IP_ADDRESSES, SERVICE_CIDRS, labelled, named, yaml};
use crate::watch::Change;
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::{ENDPOINT_SLICES, ENDPOINTS, SERVICES};

/// `API Server should provide secure master service` (also: `Services should provide secure master service`)
#[test]
fn should_provide_secure_master_service() {
    let api = Api::new();
    let service = api.of_namespace(&SERVICES, "default").get("kubernetes");
    let ports = service.array_at(&["spec", "ports"]);
    let https = |p: &Document| p.str_at(&["name"]) == "https" && p.i64_at(&["port"]) == Some(443);
    assert!(ports.iter().any(https), "{service}");
}

/// `Services should find a service from listing all namespaces`
#[test]
fn should_find_a_service_from_listing_all_namespaces() {
    let api = Api::new();
    let services = api.of(&SERVICES).everywhere().list("");
    assert!(services.iter().any(|s| s.name() == "kubernetes" && s.namespace() == "default"));
}

/// `Services should delete a collection of services`
#[test]
fn should_delete_a_collection_of_services() {
    let api = Api::new();
    let services = api.of(&SERVICES);
    for i in 1..=3 {
        let value = if i == 3 { "unlabelled" } else { "true" };
        let service = yaml("spec: {type: ClusterIP, ports: [{name: http, port: 80, targetPort: 80}]}");
        let name = format!("e2e-svc-{i}");
        services.create(labelled("e2e-collection", value, labelled("e2e", "all", named(&name, service))));
    }
    assert_eq!(services.list("e2e=all").len(), 3);
    services.delete_collection("e2e-collection=true");
    services.none("e2e-collection=true");
    assert_eq!(services.list("e2e=all").len(), 1);
}

/// `Services should complete a service status lifecycle`
#[test]
fn should_complete_a_service_status_lifecycle() {
    let api = Api::new();
    let services = api.of(&SERVICES);
    let name = "test-service-status";
    let mut watch = services.watch_from_now("test-service-static=true");
    let service =
        yaml("spec: {type: LoadBalancer, ports: [{name: http, port: 80, targetPort: 80, protocol: TCP}]}");
    services.create(labelled("test-service-static", "true", named(name, service)));
    watch.sees(Change::Added, name);
    let read = services.get_subresource(name, "status");
    assert_eq!(read.name(), name);

    let patch = doc!({
        "metadata": {"annotations": {"patchedstatus": "true"}},
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}
    });
    assert_contains(&services.patch_subresource(name, "status", patch.clone()), &patch);
    watch.until(Change::Modified, |o| o.annotation("patchedstatus") == Some("true"));

    let update = doc!({"status": {"conditions": [{
        "type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from e2e test",
        "lastTransitionTime": "2026-01-02T03:04:05Z"
    }]}});
    let updated = services.edit_subresource(name, "status", |object| overlay(object, &update));
    assert_contains(&updated, &update);
    watch.until(Change::Modified, |o| !o.array_at(&["status", "conditions"]).is_empty());

    services.mark(name, "labels", "test-service", "patched");
    watch.until(Change::Modified, |o| o.label("test-service") == Some("patched"));
    services.delete(name);
    watch.sees(Change::Deleted, name);
}

/// `Endpoints should test the lifecycle of an Endpoint`
#[test]
fn should_test_the_lifecycle_of_an_endpoint() {
    let api = Api::new();
    let endpoints = api.of(&ENDPOINTS);
    let (name, selector) = ("testservice", "test-endpoint-static=true");
    let mut watch = endpoints.watch_from_now(selector);
    let object =
        yaml("subsets: [{addresses: [{ip: 10.0.0.24}], ports: [{name: http, port: 80, protocol: TCP}]}]");
    endpoints.create(labelled("test-endpoint-static", "true", named(name, object)));
    watch.expect(Change::Added, name);
    assert_eq!(
        endpoints.everywhere().list(selector).iter().filter(|e| e.namespace() == api.namespace).count(),
        1
    );
    endpoints.edit(name, |o| o.set(&["metadata", "labels", "test-service"], "updated"));
    watch.until(Change::Modified, |o| o.label("test-service") == Some("updated"));

    let patch = yaml(
        "{metadata: {labels: {test-service: patched}},
        subsets: [{addresses: [{ip: 10.0.0.25}], ports: [{name: http-test, port: 8080, protocol: TCP}]}]}",
    );
    endpoints.strategic_patch(name, patch.clone());
    watch.until(Change::Modified, |o| o.label("test-service") == Some("patched"));
    assert_contains(&endpoints.get(name), &patch);
    endpoints.delete_collection(selector);
    watch.expect(Change::Deleted, name);
    endpoints.none(selector);
}

/// `EndpointSlice should support creating EndpointSlice API operations`
#[test]
fn should_support_creating_endpoint_slice_api_operations() {
    let object = |_: usize| {
        yaml(
            "
addressType: IPv4
endpoints: [{addresses: [10.1.2.3], conditions: {ready: true}}]
ports: [{name: http, port: 80, protocol: TCP}]
",
        )
    };
    supports_api_operations(&Operations { resource: ENDPOINT_SLICES, object: &object, status: None });
}

/// `Ingress API should support creating Ingress API operations`
#[test]
fn should_support_creating_ingress_api_operations() {
    let object = |_: usize| {
        yaml(
            "
spec:
  defaultBackend: {service: {name: default-backend, port: {name: http}}}
  rules:
  - host: foo.bar.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: test-backend, port: {number: 8080}}}}
",
        )
    };
    let patch = doc!({
        "metadata": {"annotations": {"patchedstatus": "true"}},
        "status": {"loadBalancer": {"ingress": [{"ip": "169.1.1.1"}]}}
    });
    let update = doc!({"status": {"loadBalancer": {"ingress": [{"ip": "169.1.1.2"}, {"ip": "169.1.1.3"}]}}});
    let status = Some(StatusChanges { patch, update });
    supports_api_operations(&Operations { resource: INGRESSES, object: &object, status });
}

/// `IngressClass API should support creating IngressClass API operations`
#[test]
fn should_support_creating_ingress_class_api_operations() {
    let object = |_: usize| doc!({"spec": {"controller": "example.com/controller"}});
    supports_api_operations(&Operations { resource: INGRESS_CLASSES, object: &object, status: None });
}

/// `ServiceCIDR and IPAddress API should support IPAddress API operations`
#[test]
fn should_support_ip_address_api_operations() {
    let object = |index: usize| {
        let parent = yaml("spec: {parentRef: {group: foo, resource: bars, namespace: fooz, name: baz}}");
        named(&format!("192.168.197.{}", index + 1), parent)
    };
    supports_api_operations(&Operations { resource: IP_ADDRESSES, object: &object, status: None });
}

/// `ServiceCIDR and IPAddress API should support ServiceCIDR API operations`
#[test]
fn should_support_service_cidr_api_operations() {
    let object = |index: usize| doc!({"spec": {"cidrs": [format!("10.{}.0.0/24", 230 + index)]}});
    let condition = |kind: &str| {
        doc!({"status": {"conditions": [{
            "type": kind, "status": "True", "reason": "E2E", "message": "Set from an e2e test",
            "lastTransitionTime": "2026-01-02T03:04:05Z"
        }]}})
    };
    let status = StatusChanges { patch: condition("StatusPatch"), update: condition("StatusUpdate") };
    let operations = Operations { resource: SERVICE_CIDRS, object: &object, status: Some(status) };
    let api = supports_api_operations(&operations);
    // What the tests did must not have touched the range that the cluster itself has.
    assert!(!api.of(&SERVICE_CIDRS).get("kubernetes").array_at(&["spec", "cidrs"]).is_empty());
}

/// `API Server should have Endpoints and EndpointSlices pointing to API Server`
#[test]
fn should_have_endpoints_and_endpoint_slices_pointing_to_api_server() {
    // A server that is only reached by the loopback would have none.
    let api = Api::apart(&["--advertise-address=192.0.2.10"]);
    let endpoints = api.of_namespace(&ENDPOINTS, "default").get("kubernetes");
    let subsets = endpoints.array_at(&["subsets"]);
    assert!(!subsets.is_empty(), "{endpoints}");
    let told = |subset: &Document| {
        let addresses = subset.array_at(&["addresses"]).len();
        addresses > 0 && subset.array_at(&["notReadyAddresses"]).is_empty()
    };
    assert!(subsets.iter().all(told), "{endpoints}");
    let slices = api.of_namespace(&ENDPOINT_SLICES, "default").list("kubernetes.io/service-name=kubernetes");
    assert!(!slices.is_empty());
    let count = |lists: Vec<usize>| lists.into_iter().sum::<usize>();
    let in_subsets = count(subsets.iter().map(|subset| subset.array_at(&["addresses"]).len()).collect());
    let in_slices = count(slices.iter().map(|slice| slice.array_at(&["endpoints"]).len()).collect());
    assert_eq!(in_subsets, in_slices);
}

/// A Service whose selector no pod matches.
fn service_without_pods(api: &Api, name: &str) {
    let service = yaml(
        "spec: {selector: {does-not-match-anything: endpoints-and-endpoint-slices}, ports: [{name: example, port: 80}]}",
    );
    api.of(&SERVICES).create(named(name, service));
}

/// `EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods`
#[test]
fn should_create_and_delete_endpoint_slices_for_a_service_with_a_selector_that_matches_no_pods() {
    let api = Api::new();
    let name = "example-empty-selector";
    service_without_pods(&api, name);
    let selector = format!("kubernetes.io/service-name={name}");
    let slices = api.of(&ENDPOINT_SLICES);
    api.eventually("a slice", || match slices.list(&selector).as_slice() {
        [slice] if slice.array_at(&["endpoints"]).is_empty() => Ok(()),
        other => Err(format!("{other:?}")),
    });
    api.of(&SERVICES).delete(name);
    slices.none(&selector);
}

/// `EndpointsController should create and delete Endpoints for a Service with a selector that matches no pods`
#[test]
fn should_create_and_delete_endpoints_for_a_service_with_a_selector_that_matches_no_pods() {
    let api = Api::new();
    let name = "example-empty-selector";
    service_without_pods(&api, name);
    let endpoints = api.of(&ENDPOINTS);
    let made = api.eventually("Endpoints", || endpoints.try_get(name).map_err(|status| status.to_string()));
    assert!(made.array_at(&["subsets"]).is_empty(), "{made}");
    api.of(&SERVICES).delete(name);
    endpoints.gone(name);
}

/// `EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete`
#[test]
fn should_mirror_a_custom_endpoints_resource_through_create_update_and_delete() {
    let api = Api::new();
    let name = "example-custom-endpoints";
    let service = yaml("spec: {ports: [{name: example, port: 80, protocol: TCP}]}");
    api.of(&SERVICES).create(named(name, service));
    let selector = format!("kubernetes.io/service-name={name}");
    let mirrored = |address: &str| {
        api.eventually(&format!("a mirror of {address}"), || {
            match api.of(&ENDPOINT_SLICES).list(&selector).as_slice() {
                [slice]
                    if slice.array_at(&["ports"])[0]["port"] == doc!(80)
                        && slice.array_at(&["ports"]).len() == 1
                        && slice.array_at(&["endpoints"]).len() == 1
                        && slice.array_at(&["endpoints"])[0]["addresses"] == doc!([address]) =>
                {
                    Ok(())
                }
                other => Err(format!("{other:?}")),
            }
        });
    };
    let endpoints = api.of(&ENDPOINTS);
    let subsets = |address: &str| doc!([{"ports": [{"port": 80}], "addresses": [{"ip": address}]}]);
    endpoints.create(named(name, doc!({"subsets": (subsets("10.1.2.3"))})));
    mirrored("10.1.2.3");
    endpoints.edit(name, |object| object.insert("subsets", subsets("10.2.3.4")));
    mirrored("10.2.3.4");
    endpoints.delete(name);
    api.of(&ENDPOINT_SLICES).none(&selector);
}

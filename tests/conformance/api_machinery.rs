//! [sig-api-machinery]: discovery, the server's version, chunked lists, tables.

use crate::crd::{any, definition, establish};
use crate::harness::Api;
use crate::resources::{POD_TEMPLATES, named, yaml};
use skiff_apimachinery::{Document, doc};

/// What the aggregated discovery tests look for.
const EXPECTED: [(&str, &str, &str); 19] = [
    ("", "v1", "namespaces"),
    ("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
    ("apiregistration.k8s.io", "v1", "apiservices"),
    ("apps", "v1", "deployments"),
    ("authentication.k8s.io", "v1", "tokenreviews"),
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews"),
    ("autoscaling", "v1", "horizontalpodautoscalers"),
    ("autoscaling", "v2", "horizontalpodautoscalers"),
    ("batch", "v1", "jobs"),
    ("certificates.k8s.io", "v1", "certificatesigningrequests"),
    ("coordination.k8s.io", "v1", "leases"),
    ("discovery.k8s.io", "v1", "endpointslices"),
    ("events.k8s.io", "v1", "events"),
    ("networking.k8s.io", "v1", "ingresses"),
    ("node.k8s.io", "v1", "runtimeclasses"),
    ("policy", "v1", "poddisruptionbudgets"),
    ("scheduling.k8s.io", "v1", "priorityclasses"),
    ("storage.k8s.io", "v1", "csinodes"),
];
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
/// What client-go asks for: the aggregated document, and the plain one where that is not served.
const CLIENT_GO: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                         application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

fn aggregated(api: &Api, path: &str, accept: &str) -> Document {
    let response = api.request("GET", path).header("Accept", accept).send();
    assert_eq!(response.code, 200, "{}", response.text());
    let document = response.document();
    assert_eq!(document.str_at(&["kind"]), "APIGroupDiscoveryList", "{document}");
    assert_eq!(document.str_at(&["apiVersion"]), "apidiscovery.k8s.io/v2");
    document
}

fn lists(document: &Document, (group, version, resource): (&str, &str, &str)) -> bool {
    let groups = document.items().iter().filter(|g| g.name() == group);
    let mut versions =
        groups.flat_map(|g| g.array_at(&["versions"])).filter(|v| v.str_at(&["version"]) == version);
    versions.any(|v| v.array_at(&["resources"]).iter().any(|r| r.str_at(&["resource"]) == resource))
}

fn check_expected(accept: &str) {
    let api = Api::new();
    let (core, groups) = (aggregated(&api, "/api", accept), aggregated(&api, "/apis", accept));
    for expected in EXPECTED {
        let document = if expected.0.is_empty() { &core } else { &groups };
        assert!(lists(document, expected), "{expected:?} is not in discovery");
    }
}

fn check_custom(accept: &str) {
    let api = Api::new();
    let resource = establish(&api, definition(&api, "testcrd", "Namespaced", any()));
    api.eventually("the custom resource is in discovery", || {
        let document = aggregated(&api, "/apis", accept);
        let found = lists(&document, (&*resource.group, &*resource.version, &*resource.plural));
        found.then_some(()).ok_or_else(|| "not yet".to_owned())
    });
}

/// `AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers`
#[test]
fn should_support_raw_aggregated_discovery_endpoint_accept_headers() {
    check_expected(AGGREGATED);
}

/// `AggregatedDiscovery should support raw aggregated discovery request for CRDs`
#[test]
fn should_support_raw_aggregated_discovery_request_for_crds() {
    check_custom(AGGREGATED);
}

/// `AggregatedDiscovery should support aggregated discovery interface`
#[test]
fn should_support_aggregated_discovery_interface() {
    check_expected(CLIENT_GO);
}

/// `AggregatedDiscovery should support aggregated discovery interface for CRDs`
#[test]
fn should_support_aggregated_discovery_interface_for_crds() {
    check_custom(CLIENT_GO);
}

/// The groups in `/apis` but those that other tests make and remove.
fn groups(api: &Api) -> Vec<Document> {
    let groups = api.path("/apis")["groups"].clone().into_array();
    groups.into_iter().filter(|g| !g.str_at(&["name"]).ends_with(".example.com")).collect()
}

/// `Discovery should validate PreferredVersion for each APIGroup`
#[test]
fn should_validate_preferred_version_for_each_api_group() {
    let api = Api::new();
    let groups = groups(&api);
    assert!(!groups.is_empty());
    for group in groups {
        let document = api.path(&format!("/apis/{}", group.str_at(&["name"])));
        let preferred = document.str_at(&["preferredVersion", "groupVersion"]);
        assert!(!preferred.is_empty(), "{document}");
        let versions = document.array_at(&["versions"]);
        assert!(versions.iter().any(|v| v.str_at(&["groupVersion"]) == preferred), "{document}");
        assert_eq!(group.str_at(&["preferredVersion", "groupVersion"]), preferred);
    }
}

/// `Discovery should locate the groupVersion and a resource within each APIGroup`
#[test]
fn should_locate_the_group_version_and_a_resource_within_each_api_group() {
    let api = Api::new();
    for group in groups(&api) {
        for version in group.array_at(&["versions"]) {
            let version = version.str_at(&["groupVersion"]);
            let list = api.path(&format!("/apis/{version}"));
            assert_eq!(list.str_at(&["kind"]), "APIResourceList");
            assert_eq!(list.str_at(&["groupVersion"]), version);
            assert!(!list.array_at(&["resources"]).is_empty(), "{version} has no resources");
        }
    }
    for (group, version, resource) in EXPECTED.into_iter().filter(|expected| !expected.0.is_empty()) {
        let list = api.path(&format!("/apis/{group}/{version}"));
        let found = list.array_at(&["resources"]).iter().any(|r| r.str_at(&["name"]) == resource);
        assert!(found, "{resource} is not in {group}/{version}");
    }
}

/// `server version should find the server version`
#[test]
fn should_find_the_server_version() {
    let version = Api::new().path("/version");
    assert!(version.str_at(&["major"]).parse::<u32>().is_ok(), "{version}");
    // Upstream lets a provider's suffix pass, such as `35+`.
    let minor = version.str_at(&["minor"]).trim_end_matches(|c: char| !c.is_ascii_digit());
    assert!(minor.parse::<u32>().is_ok(), "{version}");
}

const TEMPLATES: usize = 400;

/// `Servers with support for API chunking should return chunks of results for list calls`
#[test]
fn should_return_chunks_of_results_for_list_calls() {
    let api = Api::new();
    let templates = api.of(&POD_TEMPLATES);
    for i in 0..TEMPLATES {
        let object = yaml("template: {spec: {containers: [{name: test, image: test2}]}}");
        templates.create(named(&format!("template-{i:04}"), object));
    }
    let path = format!("/api/v1/namespaces/{}/podtemplates", api.namespace);
    for limits in [[1, 17, 40], [40, 39, 38], [7, 23, 11]] {
        check_pages(&api, &path, limits);
    }
    let whole = api.path(&format!("{path}?limit={}", TEMPLATES + 1));
    assert_eq!(whole.items().len(), TEMPLATES);
    assert_eq!(whole.str_at(&["metadata", "continue"]), "");
}

/// Reads all pages, with the limits in turn.
fn check_pages(api: &Api, path: &str, limits: [usize; 3]) {
    let (mut found, mut token, mut version) = (0, String::new(), String::new());
    for limit in limits.into_iter().cycle() {
        let page = api.path(&format!("{path}?limit={limit}&continue={token}"));
        assert!(page.items().len() <= limit);
        if version.is_empty() {
            page.resource_version().clone_into(&mut version);
        }
        assert_eq!(page.resource_version(), version);
        for item in page.items() {
            assert_eq!(item.name(), format!("template-{found:04}"));
            found += 1;
        }
        page.str_at(&["metadata", "continue"]).clone_into(&mut token);
        let remaining = page.i64_at(&["metadata", "remainingItemCount"]);
        if token.is_empty() {
            assert_eq!(remaining, None);
            break;
        }
        assert_eq!(remaining, Some((TEMPLATES - found) as i64));
    }
    assert_eq!(found, TEMPLATES);
}

/// `Servers with support for API chunking should support continue listing from the last key if the original version has been
/// compacted away, though the list is inconsistent`
#[test]
fn should_support_continue_listing_from_the_last_key_if_the_original_version_has_been_compacted_away() {
    const LIMIT: usize = 40;
    let api = Api::apart(&["--etcd-compaction-interval=1s"]);
    let templates = api.of(&POD_TEMPLATES);
    let create = |i: usize| {
        let object = yaml("template: {spec: {containers: [{name: test, image: test2}]}}");
        templates.create(named(&format!("template-{i:04}"), object));
    };
    (0..TEMPLATES).for_each(create);
    let path = format!("/api/v1/namespaces/{}/podtemplates", api.namespace);
    let first = api.path(&format!("{path}?limit={LIMIT}"));
    let token = first.str_at(&["metadata", "continue"]).to_owned();
    assert_eq!(first.items().len(), LIMIT);

    // Changes move the revision on, so that there is something to compact.
    let expired = api.eventually("the token expires", || {
        templates.mark("template-0000", "labels", "turn", "now");
        templates.patch("template-0000", doc!({"metadata": {"labels": {"turn": null}}}));
        let answer = api.request("GET", &format!("{path}?limit={LIMIT}&continue={token}")).send();
        if answer.code == 200 { Err("it is still good".to_owned()) } else { Ok(answer) }
    });
    assert_eq!(expired.code, 410, "{}", expired.text());
    let status = expired.document();
    assert_eq!(status.str_at(&["reason"]), "Expired");
    let why = "The provided continue parameter is too old to display a consistent list result. You can start a new list \
               without the continue parameter, or use the continue token in this response to retrieve the remainder of \
               the results. Continuing with the provided token results in an inconsistent list - objects that were \
               created, modified, or deleted between the time the first chunk was returned and now may show up in the \
               list.";
    assert_eq!(status.str_at(&["message"]), why);

    let mut token = status.str_at(&["metadata", "continue"]).to_owned();
    let second = api.path(&format!("{path}?limit={LIMIT}&continue={token}"));
    assert_ne!(second.resource_version(), first.resource_version());
    let mut found = LIMIT;
    let mut page = second;
    loop {
        for item in page.items() {
            assert_eq!(item.name(), format!("template-{found:04}"));
            found += 1;
        }
        page.str_at(&["metadata", "continue"]).clone_into(&mut token);
        if token.is_empty() {
            break;
        }
        // The rest may expire as well: upstream starts the page again with the token that is given then.
        let answer = api.request("GET", &format!("{path}?limit={LIMIT}&continue={token}")).send();
        page = answer.document();
        if answer.code == 410 {
            page.str_at(&["metadata", "continue"]).clone_into(&mut token);
            page = api.path(&format!("{path}?limit={LIMIT}&continue={token}"));
        }
    }
    assert_eq!(found, TEMPLATES);
}

/// `Servers with support for Table transformation should return a 406 for a backend which does not implement metadata`
#[test]
fn should_return_a_406_for_a_backend_which_does_not_implement_metadata() {
    let api = Api::new();
    let review = doc!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"namespace": "default", "resource": "pods", "verb": "get"}}
    });
    let request = api.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
    let request = request.header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
    let response = request.body("application/json", review.to_string()).send();
    assert_eq!(response.code, 406, "{}", response.text());
    assert_eq!(response.document().str_at(&["reason"]), "NotAcceptable");
}

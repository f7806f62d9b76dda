//! Requests, limits and claims.

use super::super::defaults::default_pod;
use super::{Case, check, of_container, of_old_spec, of_spec, parse};
use skiff_apimachinery::doc;

#[test]
fn requests_stay_below_limits_and_devices_equal_them() {
    const AT: &str = "spec.containers[0].resources";
    let at = |rest: &str| format!("{AT}{rest}");
    let above = at(r#".requests: Invalid value: "2": must be less than or equal to cpu limit of 1"#);
    let unequal = at(r#".requests: Invalid value: "1": must be equal to example.com/gpu limit of 2"#);
    let no_limit = at(".limits: Required value: Limit must be set for non overcommitable resources");
    let negative = at(r#".limits[cpu]: Invalid value: "-1": must be greater than or equal to 0"#);
    let negative_request = at(r#".requests[cpu]: Invalid value: "-1": must be greater than or equal to 0"#);
    let standard =
        at(r#".limits[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified"#);
    let of_container_only =
        at(r#".limits[gpu]: Invalid value: "gpu": must be a standard resource for containers"#);
    let parts = at(r#".limits[example.com/gpu]: Invalid value: "500m": must be an integer"#);
    let pages = at(
        r#".limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi"#,
    );
    let pages_request = at(
        r#".requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi"#,
    );
    let alone = at(": Forbidden: HugePages require cpu or memory");
    let cases: [(&str, &[&str]); 8] = [
        (r#"{"requests": {"cpu": "1"}, "limits": {"cpu": "1000m", "memory": "1Gi"}}"#, &[]),
        (r#"{"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}"#, &[&above]),
        (r#"{"requests": {"example.com/gpu": "1"}, "limits": {"example.com/gpu": "2"}}"#, &[&unequal]),
        (r#"{"requests": {"example.com/gpu": "1"}}"#, &[&no_limit]),
        (r#"{"limits": {"cpu": "-1"}, "requests": {"cpu": "-1"}}"#, &[&negative, &negative_request]),
        (r#"{"limits": {"gpu": "1"}, "requests": {}}"#, &[&standard, &of_container_only]),
        (r#"{"limits": {"hugepages-2Mi": "3Mi"}}"#, &[&pages, &pages_request, &alone]),
        (r#"{"limits": {"example.com/gpu": "500m"}}"#, &[&parts]),
    ];
    for (given, expected) in cases {
        let found = of_container(doc!({"resources": parse(given)}));
        // Requests that follow from limits are as wrong as these are.
        let found: Vec<String> = found
            .into_iter()
            .filter(|text| !text.contains("requests[gpu]") && !text.contains("requests[example.com"))
            .collect();
        assert_eq!(found, expected, "{given}");
    }
}

#[test]
fn pages_that_were_let_in_may_stay() {
    let spec = r#"{"containers": [{"name": "c", "image": "i", "resources": {"limits": {"cpu": "1", "hugepages-2Mi": "3Mi"}}}]}"#;
    assert_eq!(of_spec(parse(spec)).len(), 2);
    assert_eq!(of_old_spec(parse(spec)), [""; 0]);
}

#[test]
fn containers_use_claims_of_the_pod() {
    let with_claims = |claims: &str| {
        format!(
            r#"{{"resourceClaims": [{{"name": "a", "resourceClaimName": "x"}}, {{"name": "b", "resourceClaimTemplateName": "y"}}], "containers": [{{"name": "c", "image": "i", "resources": {{"claims": {claims}}}}}]}}"#
        )
    };
    const AT: &str = "spec.containers[0].resources.claims";
    let at = |rest: &str| format!("{AT}{rest}");
    let no_name = at("[0]: Required value");
    let twice = at(r#"[1]: Duplicate value: "a""#);
    let part_twice = at(r#"[1]: Duplicate value: "a/r""#);
    let unknown = at(r#"[0]: Not found: "z": must be one of the names in pod.spec.resourceClaims: a, b"#);
    let cases: [(&str, &[&str]); 6] = [
        (r#"[{"name": "a", "request": "r"}, {"name": "a", "request": "s"}, {"name": "b"}]"#, &[]),
        (r#"[{}]"#, &[&no_name]),
        (r#"[{"name": "a"}, {"name": "a", "request": "r"}]"#, &[&twice]),
        (r#"[{"name": "a", "request": "r"}, {"name": "a"}]"#, &[&twice]),
        (r#"[{"name": "a", "request": "r"}, {"name": "a", "request": "r"}]"#, &[&part_twice]),
        (r#"[{"name": "z"}]"#, &[&unknown]),
    ];
    for (given, expected) in cases {
        check(&[(given, &with_claims(given), expected)], of_spec);
    }
    assert_eq!(
        of_container(doc!({"resources": {"claims": [{"name": "z"}]}})),
        [at(r#"[0]: Not found: "z": must be one of the names in pod.spec.resourceClaims which is empty"#)]
    );
}

#[test]
fn claims_are_there_or_are_made() {
    let cases: [Case<'_>; 4] = [
        (
            "one name twice",
            r#"{"resourceClaims": [{"name": "a", "resourceClaimName": "x"}, {"name": "a", "resourceClaimName": "x"}]}"#,
            &[r#"spec.resourceClaims[1].name: Duplicate value: "a""#],
        ),
        (
            "no name",
            r#"{"resourceClaims": [{"resourceClaimName": "x"}]}"#,
            &["spec.resourceClaims[0].name: Required value"],
        ),
        (
            "neither",
            r#"{"resourceClaims": [{"name": "a"}]}"#,
            &[
                r#"spec.resourceClaims[0]: Invalid value: {"Name":"a","ResourceClaimName":null,"ResourceClaimTemplateName":null}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"#,
            ],
        ),
        (
            "both",
            r#"{"resourceClaims": [{"name": "a", "resourceClaimName": "x", "resourceClaimTemplateName": "y"}]}"#,
            &[
                r#"spec.resourceClaims[0]: Invalid value: {"Name":"a","ResourceClaimName":"x","ResourceClaimTemplateName":"y"}: at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"#,
            ],
        ),
    ];
    check(&cases, of_spec);
}

#[test]
fn a_pod_asks_for_no_less_than_its_containers() {
    let spec = |of_pod: &str| {
        format!(
            r#"{{"resources": {of_pod}, "containers": [{{"name": "c", "image": "i", "resources": {{"requests": {{"cpu": "1"}}, "limits": {{"cpu": "2"}}}}}}, {{"name": "d", "image": "i", "resources": {{"requests": {{"cpu": "1"}}}}}}]}}"#
        )
    };
    let names = ["limits", "requests"].map(|list| format!(r#"spec.resources.{list}[pods]: Unsupported value: "pods": supported values: "cpu", "hugepages-", "memory""#));
    let cases: [(&str, &[&str]); 5] = [
        (r#"{"requests": {"cpu": "2"}, "limits": {"cpu": "2"}}"#, &[]),
        (
            r#"{"requests": {"cpu": "1"}}"#,
            &[
                r#"spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2"#,
            ],
        ),
        (
            r#"{"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}"#,
            &[
                r#"spec.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1"#,
                r#"spec.resources.containers[0][cpu].limits: Invalid value: "2": must be less than or equal to pod limits of 1"#,
            ],
        ),
        (r#"{"requests": {"cpu": "2"}, "limits": {"pods": "1"}}"#, &[&names[0], &names[1]]),
        (
            r#"{"requests": {"cpu": "2"}, "claims": []}"#,
            &["spec.resources.claims: Forbidden: claims may not be set for Resources at pod-level"],
        ),
    ];
    for (given, expected) in cases {
        check(&[(given, &spec(given), expected)], of_spec);
    }
}

#[test]
fn what_a_pod_leaves_out_follows_from_its_containers() {
    let cases = [
        (r#"{"requests": {"cpu": "3"}}"#, r#"{"requests": {"cpu": "3"}}"#),
        (
            r#"{"limits": {"cpu": "3", "memory": "1Gi"}}"#,
            r#"{"limits": {"cpu": "3", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}"#,
        ),
        (r#"{"limits": {"pods": "3"}}"#, r#"{"limits": {"pods": "3"}}"#),
    ];
    for (given, expected) in cases {
        let mut spec = doc!({
            "resources": parse(given),
            "containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]
        });
        default_pod(&mut spec);
        assert_eq!(spec["resources"], parse(expected), "{given}");
    }
}

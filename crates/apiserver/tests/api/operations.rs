//! What operators see: health, paths, discovery of the issuer, metrics, limits, refusals in plain text.

use crate::https::{As, get, request, send};
use crate::support::Server;
use futures::future::BoxFuture;
use http::{Method, StatusCode, header};
use skiff_apimachinery::{Document, Status};
use skiff_apiserver::Cors;
use skiff_apiserver::admission::{Plugin, Request};
use skiff_apiserver::authentication::openid::OpenIdMetadata;
use skiff_pki::TokenKeys;
use std::sync::Arc;
use std::time::Duration;

const PLAIN: &str = "text/plain; charset=utf-8";

/// Takes longer over every object than any test waits.
struct Slow;

impl Plugin for Slow {
    fn name(&self) -> &'static str {
        "Slow"
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        _: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(async move {
            if request.is("", "configmaps") {
                tokio::time::sleep(Duration::from_secs(3_600)).await;
            }
            Ok(())
        })
    }
}

fn text(answer: &crate::https::Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test]
async fn checks_are_told_one_by_one() {
    let server = Server::start().await;
    let hold = server.api.hold_readiness("poststarthook/rbac/bootstrap-roles");
    let ready = get(&server, "/readyz?verbose", "*/*").await;
    assert_eq!(ready.status, 500);
    assert_eq!(ready.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    let told = text(&ready);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines[..5],
        ["[+]ping ok", "[+]log ok", "[+]etcd ok", "[+]etcd-readiness ok", "[+]informer-sync ok"]
    );
    assert!(lines.contains(&"[-]poststarthook/rbac/bootstrap-roles failed: reason withheld"), "{told}");
    assert_eq!(lines[lines.len() - 2..], ["[+]shutdown ok", "readyz check failed"]);

    let one = get(&server, "/readyz/poststarthook/rbac/bootstrap-roles", "*/*").await;
    assert_eq!((one.status.as_u16(), text(&one).as_str()), (500, "internal server error: not finished\n"));
    let path = "/readyz?exclude=poststarthook/rbac/bootstrap-roles&exclude=x&verbose";
    let excluded = text(&get(&server, path, "*/*").await);
    let warning = "warn: some health checks cannot be excluded: no matches for \"x\"\nreadyz check passed\n";
    assert!(excluded.ends_with(warning), "{excluded}");
    hold.pass();
    assert_eq!(text(&get(&server, "/readyz", "*/*").await), "ok");
    let unknown = get(&server, "/livez/nothing", "*/*").await;
    assert_eq!((unknown.status.as_u16(), text(&unknown).as_str()), (404, "404 page not found\n"));
    let slis = text(&get(&server, "/metrics/slis", "*/*").await);
    let line = r#"kubernetes_healthcheck{name="poststarthook/rbac/bootstrap-roles",type="readyz"} 1"#;
    assert!(slis.lines().any(|l| l == line), "{slis}");
}

#[tokio::test]
async fn a_young_server_is_alive_before_it_is_ready() {
    let server = Server::start_with(|config| config.livez_grace = Duration::from_secs(3_600)).await;
    let _hold = server.api.hold_readiness("poststarthook/bootstrap-controller");
    assert_eq!(text(&get(&server, "/livez", "*/*").await), "ok");
    assert_eq!(get(&server, "/healthz", "*/*").await.status, 500);
    assert_eq!(get(&server, "/readyz", "*/*").await.status, 500);
}

#[tokio::test]
async fn the_index_tells_of_every_path() {
    let server = Server::start().await;
    let index = get(&server, "/", "*/*").await;
    assert_eq!(index.header(header::CONTENT_TYPE), "application/json");
    assert!(text(&index).starts_with("{\n  \"paths\": [\n    \"/api\",\n    \"/api/v1\",\n    \"/apis\",\n"));
    let document = index.document();
    let paths: Vec<&str> = document.array_at(&["paths"]).iter().filter_map(Document::as_str).collect();
    for path in
        ["/apis/apps/v1", "/livez/ping", "/metrics/slis", "/openapi/v3", "/readyz/shutdown", "/version"]
    {
        assert!(paths.contains(&path), "{path}");
    }
    assert!(!paths.contains(&"/openid/v1/jwks"), "nobody said who issues tokens");
}

#[tokio::test]
async fn what_is_not_there_is_told_as_upstream_tells_it() {
    let server = Server::start().await;
    for path in ["/nothing", "/apis/made.up", "/apis/made.up/v1/things", "/openid/v1/jwks", "/configz"] {
        let answer = get(&server, path, "application/json").await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header(header::CONTENT_TYPE), PLAIN, "{path}");
        assert_eq!(text(&answer), "404 page not found\n", "{path}");
    }
    let answer = get(&server, "/apis/apps/v1/things", "application/json").await.document();
    assert_eq!(answer.str_at(&["message"]), "the server could not find the requested resource");
    for (method, path) in [
        (Method::PUT, "/api/v1/namespaces/default/configmaps"),
        (Method::HEAD, "/api/v1/namespaces/default/configmaps"),
        (Method::POST, "/version"),
    ] {
        let answer = send(&server, As::Admin, request(method.clone(), path, &[], "")).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        if method != Method::HEAD {
            let message = "the server does not allow this method on the requested resource";
            assert_eq!(answer.document().str_at(&["message"]), message);
        }
    }
}

#[tokio::test]
async fn the_issuer_of_tokens_is_discovered() {
    let mut expected = None;
    let server = Server::start_with(|config| {
        let dir = tempfile::tempdir().unwrap();
        let keys = TokenKeys::open(&dir.path().join("service-account.key")).unwrap();
        config.openid = OpenIdMetadata::new("https://issuer.test", None, "10.0.0.1:6443", &keys).ok();
        expected.clone_from(&config.openid);
    })
    .await;
    let expected = expected.unwrap();
    for (path, content_type, body) in [
        ("/.well-known/openid-configuration", "application/json", expected.configuration),
        ("/openid/v1/jwks", "application/jwk-set+json", expected.keys),
    ] {
        let answer = get(&server, path, "*/*").await;
        assert_eq!(answer.header(header::CONTENT_TYPE), content_type);
        assert_eq!(answer.header(header::CACHE_CONTROL), "public, max-age=3600");
        assert_eq!(text(&answer), body);
    }
}

#[tokio::test]
async fn browsers_of_allowed_origins_may_read() {
    let server = Server::start_with(|config| {
        config.cors = Cors::new(&["^https://console\\.test$".to_owned()]).unwrap();
        config.hsts = Some("max-age=60".parse().unwrap());
    })
    .await;
    let ask = async |method: Method, origin: &str| {
        send(&server, As::Nobody, request(method, "/version", &[("origin", origin)], "")).await
    };
    let preflight = ask(Method::OPTIONS, "https://console.test").await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert_eq!(preflight.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "https://console.test");
    let allowed = ask(Method::GET, "https://console.test").await;
    assert_eq!(allowed.header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), "true");
    assert_eq!(allowed.header(header::STRICT_TRANSPORT_SECURITY), "max-age=60");
    let foreign = ask(Method::GET, "https://evil.test").await;
    assert!(foreign.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).is_none());
}

#[tokio::test]
async fn a_request_is_over_when_its_time_is() {
    let server = Server::start_with(|config| config.admission.push(Arc::new(Slow))).await;
    let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#;
    let headers = [("content-type", "application/json")];
    let path = "/api/v1/namespaces/default/configmaps?timeout=50ms";
    let late = send(&server, As::Admin, request(Method::POST, path, &headers, body)).await;
    assert_eq!(late.status, 504);
    let status = late.document();
    assert_eq!(
        status.str_at(&["message"]),
        "Timeout: request did not complete within requested timeout - context deadline exceeded"
    );
    assert_eq!(status.str_at(&["reason"]), "Timeout");
    let wrong = get(&server, "/api/v1/namespaces?timeout=soon", "*/*").await;
    assert_eq!(wrong.status, 400);
    assert_eq!(
        wrong.document().str_at(&["message"]),
        "invalid timeout specified in the request URL - time: invalid duration \"soon\""
    );
    let metrics = text(&get(&server, "/metrics", "*/*").await);
    let terminated = metrics.lines().any(|line| {
        line.starts_with("apiserver_request_terminations_total{code=\"504\"") && line.ends_with(" 1")
    });
    assert!(terminated, "{metrics}");
}

#[tokio::test]
async fn too_many_requests_are_told_to_come_again() {
    let server = Server::start_with(|config| {
        config.max_in_flight = (0, 1);
        config.admission.push(Arc::new(Slow));
    })
    .await;
    let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#;
    // Administrators are never turned away.
    let headers = [("content-type", "application/json"), ("impersonate-user", "jane")];
    let path = "/api/v1/namespaces/default/configmaps";
    // What the server writes itself in the beginning is over.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !text(&get(&server, "/apis/networking.k8s.io/v1/servicecidrs/kubernetes", "*/*").await)
        .contains("Ready")
    {
        assert!(tokio::time::Instant::now() < deadline, "there is no range of addresses");
    }
    let turned_away = async {
        let running = r#"apiserver_current_inflight_requests{request_kind="mutating"} 1"#;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while !text(&get(&server, "/metrics", "*/*").await).lines().any(|line| line == running) {
            assert!(tokio::time::Instant::now() < deadline, "the first request does not run");
        }
        send(&server, As::Admin, request(Method::POST, path, &headers, body)).await
    };
    let answer = tokio::select! {
        answer = send(&server, As::Admin, request(Method::POST, path, &headers, body)) => {
            panic!("the first request was answered {}", answer.status)
        }
        answer = turned_away => answer,
    };
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header(header::RETRY_AFTER), "1");
    assert_eq!(answer.header(header::CONTENT_TYPE), PLAIN);
    assert_eq!(text(&answer), "Too many requests, please try again later.\n");
}

#[tokio::test]
async fn metrics_have_upstreams_names_and_labels() {
    let server = Server::start().await;
    server.make_config_map("a", "x").await;
    get(&server, "/api/v1/namespaces/default/configmaps/a", "application/json").await;
    get(&server, "/api/v1/namespaces/default/endpoints", "application/json").await;
    get(&server, "/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=1", "*/*").await;
    let metrics = text(&get(&server, "/metrics", "*/*").await);
    for line in [
        r##"# HELP apiserver_request_total [STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code."##,
        r#"apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="configmaps",scope="resource",subresource="",verb="GET",version="v1"} 1"#,
        r#"apiserver_response_sizes_count{component="apiserver",group="",resource="configmaps",scope="resource",subresource="",verb="GET",version="v1"} 1"#,
        r#"apiserver_watch_events_total{group="",resource="configmaps",version="v1"} 1"#,
        r#"apiserver_requested_deprecated_apis{group="",removed_release="",resource="endpoints",subresource="",version="v1"} 1"#,
        r#"apiserver_storage_objects{resource="configmaps"} 1"#,
        r#"apiserver_resource_objects{group="",resource="configmaps"} 1"#,
        r#"authenticated_user_requests{username="admin"} 4"#,
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line} is missing in\n{metrics}");
    }
    for name in [
        "apiserver_storage_size_bytes{storage_cluster_id=\"etcd-0\"} ",
        "process_start_time_seconds ",
        r#"apiserver_admission_step_admission_duration_seconds_count{operation="CREATE",rejected="false",type="admit"} "#,
    ] {
        assert!(metrics.lines().any(|l| l.starts_with(name)), "{name} is missing");
    }
}

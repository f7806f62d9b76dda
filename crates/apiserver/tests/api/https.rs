//! What clients see over HTTPS: media types, shapes, failures, headers.

use crate::support::Server;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use skiff_apimachinery::{Document, json, protobuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn document(&self) -> Document {
        json::decode(&self.body).unwrap_or_else(|e| panic!("{e}: {:?}", self.body))
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) enum As {
    Admin,
    Nobody,
    Stranger,
}

async fn connect(server: &Server, who: As) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in crate::support::certificates(server.pki.server_ca.certificate_pem()) {
        roots.add(certificate).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let authority = match who {
        As::Admin => Some(&server.pki.client_ca),
        As::Stranger => Some(&server.pki.server_ca),
        As::Nobody => None,
    };
    let config = match authority {
        Some(authority) => {
            let request = skiff_pki::CertificateRequest::client("admin", Some("system:masters"));
            let issued = authority.issue(&request).unwrap();
            let (chain, key) = skiff_pki::serving::parse(&issued).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::from(server.address.ip());
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

pub(crate) async fn send(server: &Server, who: As, request: Request<Full<Bytes>>) -> Answer {
    let stream = connect(server, who).await;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status, headers: head.headers, body }
}

pub(crate) fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()
}

pub(crate) async fn get(server: &Server, path: &str, accept: &str) -> Answer {
    send(server, As::Admin, request(Method::GET, path, &[("accept", accept)], "")).await
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test]
async fn answers_carry_upstreams_headers_and_a_lines_end() {
    let server = Server::start().await;
    server.make_config_map("a", "x").await;
    let answer = get(&server, &format!("{MAPS}/a"), "application/json").await;
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-cache, private");
    assert_eq!(answer.headers.get("audit-id").unwrap().len(), 36);
    assert!(answer.body.ends_with(b"}\n"));
    let list = get(&server, MAPS, "application/json").await;
    let text = String::from_utf8_lossy(&list.body).into_owned();
    assert!(
        text.starts_with(r#"{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":""#),
        "{text}"
    );
    let document = list.document();
    let item = &document.items()[0];
    assert_eq!((item.name(), item.get("kind")), ("a", None));
    assert_eq!(list.header(header::CONTENT_LENGTH), list.body.len().to_string());
}

#[tokio::test]
async fn failures_are_status_objects() {
    let server = Server::start().await;
    let missing = get(&server, &format!("{MAPS}/none"), "application/json").await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.document().str_at(&["message"]), r#"configmaps "none" not found"#);
    assert_eq!(get(&server, "/api/v1/nothing", "*/*").await.status, 404);
    assert_eq!(get(&server, MAPS, "text/html").await.status, 406);
    let post = request(Method::POST, "/api/v1/configmaps", &[], "{}");
    assert_eq!(send(&server, As::Admin, post).await.status, 405);
    let headers = [("content-type", "text/plain")];
    assert_eq!(send(&server, As::Admin, request(Method::POST, MAPS, &headers, "x")).await.status, 415);
    let headers = [("content-type", "application/json")];
    let broken = send(&server, As::Admin, request(Method::POST, MAPS, &headers, "{")).await;
    assert_eq!(broken.status, 400);
    let large = " ".repeat((3 << 20) + 1);
    assert_eq!(send(&server, As::Admin, request(Method::POST, MAPS, &headers, &large)).await.status, 413);
}

#[tokio::test]
async fn a_foreign_certificate_is_answered_401_and_none_is_anonymous() {
    let server = Server::start().await;
    let answer = send(&server, As::Stranger, request(Method::GET, "/version", &[], "")).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.document().str_at(&["reason"]), "Unauthorized");
    let answer = send(&server, As::Nobody, request(Method::GET, "/version", &[], "")).await;
    assert_eq!(answer.document().str_at(&["gitVersion"]), "v1.35.0");
}

#[tokio::test]
async fn unknown_fields_warn_or_fail() {
    let server = Server::start().await;
    let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"dta":{},"data":{"x":"1"},"data":{"y":"2"}}"#;
    let headers = [("content-type", "application/json")];
    let path = format!("{MAPS}?fieldValidation=Strict");
    let strict = send(&server, As::Admin, request(Method::POST, &path, &headers, body)).await;
    assert_eq!(strict.status, 400);
    let message = strict.document().str_at(&["message"]).to_owned();
    assert!(
        message.contains("strict decoding error") && message.contains(r#"unknown field "dta""#),
        "{message}"
    );
    assert!(message.contains(r#"duplicate field "data""#), "{message}");
    let warned = send(&server, As::Admin, request(Method::POST, MAPS, &headers, body)).await;
    assert_eq!(warned.status, 201);
    let warnings: Vec<_> = warned.headers.get_all(header::WARNING).iter().collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[tokio::test]
async fn tables_metadata_and_yaml_are_shapes_of_the_same_object() {
    let server = Server::start().await;
    server.make_config_map("a", "x").await;
    let table =
        get(&server, MAPS, "application/json;as=Table;v=v1;g=meta.k8s.io,application/json").await.document();
    assert_eq!(table.str_at(&["kind"]), "Table");
    assert_eq!(table.array_at(&["columnDefinitions"])[0].str_at(&["name"]), "Name");
    let row = &table.array_at(&["rows"])[0];
    assert_eq!(row.array_at(&["cells"])[0].as_str(), Some("a"));
    assert_eq!(row.str_at(&["object", "kind"]), "PartialObjectMetadata");
    let accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    let metadata = get(&server, MAPS, accept).await.document();
    assert_eq!(metadata.str_at(&["kind"]), "PartialObjectMetadataList");
    assert_eq!((metadata.items()[0].name(), metadata.items()[0].get("data")), ("a", None));
    let yaml = get(&server, &format!("{MAPS}/a"), "application/yaml").await;
    assert!(String::from_utf8_lossy(&yaml.body).contains("kind: ConfigMap\n"));
}

#[tokio::test]
async fn protobuf_is_read_and_written() {
    let server = Server::start().await;
    let gvk = skiff_apimachinery::GroupVersionKind::new("", "v1", "ConfigMap");
    let schema = skiff_api::schemas::lookup_kind(&gvk).unwrap();
    let bytes = protobuf::encode(&crate::config_map("a", "x"), schema.get());
    let media = "application/vnd.kubernetes.protobuf";
    let request = Request::builder()
        .method(Method::POST)
        .uri(MAPS)
        .header("host", "localhost")
        .header("content-type", media)
        .header("accept", media)
        .body(Full::new(Bytes::from(bytes)))
        .unwrap();
    let answer = send(&server, As::Admin, request).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    let made = protobuf::decode(&answer.body, None, &skiff_api::schemas::lookup_kind).unwrap();
    assert_eq!((made.name(), made.str_at(&["data", "a"])), ("a", "b"));
    let list = get(&server, MAPS, media).await;
    assert_eq!(protobuf::open(&list.body).unwrap().kind, "ConfigMapList");
}

#[tokio::test]
async fn discovery_and_openapi_have_tags() {
    let server = Server::start().await;
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let groups = get(&server, "/apis", accept).await;
    assert_eq!(groups.header(header::CONTENT_TYPE), accept);
    assert_eq!(groups.document().str_at(&["kind"]), "APIGroupDiscoveryList");
    let tag = groups.header(header::ETAG).to_owned();
    let headers = [("accept", accept), ("if-none-match", tag.as_str())];
    let again = send(&server, As::Admin, request(Method::GET, "/apis", &headers, "")).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let resources = get(&server, "/api/v1", "application/json").await.document();
    assert!(resources.array_at(&["resources"]).iter().any(|r| r.str_at(&["name"]) == "pods/exec"));
    let index = get(&server, "/openapi/v3", "application/json").await.document();
    let address = index.str_at(&["paths", "apis/apps/v1", "serverRelativeURL"]).to_owned();
    let apps = get(&server, &address, "application/json").await;
    assert_eq!(apps.document().str_at(&["openapi"]), "3.0.0");
    assert_eq!(get(&server, "/readyz", "*/*").await.body, "ok");
    assert_eq!(get(&server, "/readyz/etcd", "*/*").await.body, "ok");
    let verbose = get(&server, "/livez?verbose", "*/*").await;
    assert!(String::from_utf8_lossy(&verbose.body).ends_with("livez check passed\n"));
    let metrics = get(&server, "/metrics", "*/*").await;
    assert!(String::from_utf8_lossy(&metrics.body).contains("apiserver_request_total{"));
}

#[tokio::test]
async fn large_lists_are_compressed_when_asked() {
    let server = Server::start().await;
    for i in 0..20 {
        let mut object = crate::config_map(&format!("m{i}"), "x");
        object.set(&["data", "large"], "x".repeat(10_000));
        server.make("configmaps", object).await.unwrap();
    }
    let headers = [("accept-encoding", "gzip")];
    let answer = send(&server, As::Admin, request(Method::GET, MAPS, &headers, "")).await;
    assert_eq!(answer.header(header::CONTENT_ENCODING), "gzip");
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&answer.body[..]), &mut text).unwrap();
    assert_eq!(json::decode(&text).unwrap().items().len(), 20);
    let plain = send(&server, As::Admin, request(Method::GET, MAPS, &[], "")).await;
    assert_eq!(plain.body, text);
}

#[tokio::test]
async fn watch_events_are_lines() {
    let server = Server::start().await;
    server.make_config_map("a", "x").await;
    let answer = get(&server, &format!("{MAPS}?watch=1&timeoutSeconds=1"), "application/json").await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let event = json::decode(text.lines().next().unwrap().as_bytes()).unwrap();
    assert_eq!((event.str_at(&["type"]), event["object"].name()), ("ADDED", "a"));
    assert_eq!(event.str_at(&["object", "kind"]), "ConfigMap");
    let old = get(&server, &format!("{MAPS}?watch=1&resourceVersion=1"), "application/json").await;
    assert_eq!(old.status, 200);
    assert_eq!(old.document().i64_at(&["object", "code"]), Some(410));
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let table = get(&server, &format!("{MAPS}?watch=1&timeoutSeconds=1"), accept).await;
    assert_eq!(table.document().str_at(&["object", "kind"]), "Table");
}

#[tokio::test]
async fn a_watch_ends_when_its_client_is_gone() {
    let server = Server::start().await;
    let metrics = async || {
        let answer = send(&server, As::Admin, Request::get("/metrics").body(Full::default()).unwrap()).await;
        String::from_utf8(answer.body.to_vec()).unwrap()
    };
    let watches = |text: &str| {
        let line = text.lines().find(|line| {
            line.starts_with("apiserver_longrunning_requests")
                && line.contains(r#"resource="configmaps""#)
                && line.contains(r#"verb="WATCH""#)
        });
        line.map_or("0", |line| line.rsplit(' ').next().unwrap_or_default()).to_owned()
    };
    let mut client = connect(&server, As::Admin).await;
    let request =
        b"GET /api/v1/configmaps?watch=1&timeoutSeconds=9223372036854775807 HTTP/1.1\r\nhost: x\r\n\r\n";
    client.write_all(request).await.unwrap();
    let mut head = [0; 15];
    client.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    assert_eq!(watches(&metrics().await), "1");
    drop(client);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    while watches(&metrics().await) != "0" {
        assert!(tokio::time::Instant::now() < deadline, "the watch goes on");
    }
}

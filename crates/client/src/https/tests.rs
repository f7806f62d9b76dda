//! The transport against a small server in this process, over TLS and HTTP/1.1 or HTTP/2.

use super::*;
use crate::resources::PODS;
use crate::{Client, PatchKind, Selection, Shape, Verb, WatchEvent};
use futures::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use skiff_apimachinery::{doc, json};
use std::convert::Infallible;
use std::sync::Mutex;
use tokio::net::TcpListener;

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;

/// What the server saw: version, method, path and query, accept or content type, authorization, body.
type Seen = Arc<Mutex<Vec<String>>>;

fn answer(status: u16, body: &Document) -> Response<Body> {
    let bytes = Bytes::from(json::encode(body));
    Response::builder().status(status).body(Full::new(bytes).boxed_unsync()).unwrap()
}

fn watch() -> Response<Body> {
    let lines = [
        doc!({"type": "ADDED", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a", "resourceVersion": "5"}}}),
        doc!({"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": {"resourceVersion": "6"}}}),
        doc!({"type": "ERROR", "object": Status::expired("too old").to_document()}),
    ];
    let text: Vec<u8> = lines.iter().flat_map(|line| [json::encode(line), b"\n".to_vec()].concat()).collect();
    // Cut where it hurts: in the middle of lines.
    let chunks: Vec<Result<Frame<Bytes>, Infallible>> =
        text.chunks(37).map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk)))).collect();
    Response::new(BodyExt::boxed_unsync(StreamBody::new(futures::stream::iter(chunks))))
}

async fn serve(request: Request<Incoming>, seen: Seen) -> Result<Response<Body>, Infallible> {
    let header =
        |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
    let mut line =
        format!("{:?} {} {}", request.version(), request.method(), request.uri().path_and_query().unwrap());
    for name in ["content-type", "authorization"] {
        if !header(name).is_empty() {
            line = format!("{line} {}", header(name));
        }
    }
    let accept = header("accept");
    let path = request.uri().path().to_owned();
    let watches = request.uri().query().unwrap_or("").contains("watch=true");
    seen.lock().unwrap().push(line);
    let pod = doc!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a", "namespace": "n", "resourceVersion": "3"}});
    let response = match path.as_str() {
        _ if watches => watch(),
        "/api/v1/namespaces/n/pods/missing" => {
            answer(404, &Status::not_found(&PODS.group_resource(), "missing").to_document())
        }
        "/api/v1/namespaces/n/pods/broken" => {
            Response::builder().status(502).body(Full::from("bad gateway").boxed_unsync()).unwrap()
        }
        "/api/v1/pods" => {
            let kind = if accept.contains("PartialObjectMetadataList") {
                "PartialObjectMetadataList"
            } else {
                "PodList"
            };
            answer(
                200,
                &doc!({"kind": kind, "metadata": {"resourceVersion": "9"}, "items": [{"metadata": {"name": "a"}}]}),
            )
        }
        _ => answer(200, &pod),
    };
    Ok(response)
}

/// Starts a server that speaks these protocols; returns a transport to it and what it sees.
async fn server(alpn: &[&[u8]]) -> (HttpsTransport, Seen) {
    let certified = rcgen::generate_simple_self_signed(vec!["api.test".to_owned()]).unwrap();
    let certificate = certified.cert.pem();
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(certificate.as_bytes()).map(|c| c.unwrap()).collect();
    let key = PrivateKeyDer::from_pem_slice(certified.signing_key.serialize_pem().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let record = seen.clone();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, seen) = (acceptor.clone(), record.clone());
            tokio::spawn(async move {
                let Ok(tls) = acceptor.accept(tcp).await else { return };
                let service = service_fn(move |request| serve(request, seen.clone()));
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(tls), service)
                    .await;
            });
        }
    });
    let access = Access {
        server: format!("https://{address}"),
        certificate_authority: Some(certificate.into_bytes()),
        tls_server_name: Some("api.test".into()),
        token: Some("secret".into()),
        ..Access::default()
    };
    (HttpsTransport::new(access, "test").unwrap(), seen)
}

fn client(transport: HttpsTransport) -> Client {
    Client::new(Arc::new(transport))
}

#[tokio::test]
async fn calls_go_over_http2_where_it_is_offered_and_http1_else() {
    for (alpn, version) in
        [(&[&b"h2"[..], b"http/1.1"][..], "HTTP/2.0"), (&[&b"http/1.1"[..]][..], "HTTP/1.1")]
    {
        let (transport, seen) = server(alpn).await;
        let client = client(transport);
        assert_eq!(client.get(&PODS, "n", "a").await.unwrap().name(), "a");
        client.patch(&PODS, "n", "a", "status", PatchKind::Merge, doc!({"x": 1})).await.unwrap();
        assert_eq!(
            *seen.lock().unwrap(),
            [
                format!("{version} GET /api/v1/namespaces/n/pods/a Bearer secret"),
                format!(
                    "{version} PATCH /api/v1/namespaces/n/pods/a/status application/merge-patch+json Bearer secret"
                ),
            ]
        );
    }
}

#[tokio::test]
async fn failures_come_back_as_their_status() {
    let (transport, _) = server(&[b"h2"]).await;
    let client = client(transport);
    let missing = client.get(&PODS, "n", "missing").await.unwrap_err();
    assert_eq!(missing, Status::not_found(&PODS.group_resource(), "missing"));
    let broken = client.get(&PODS, "n", "broken").await.unwrap_err();
    assert_eq!((broken.code, broken.message.as_str()), (502, "bad gateway"));
}

#[tokio::test]
async fn listed_items_have_their_kind_also_when_only_metadata_is_asked_for() {
    let (transport, _) = server(&[b"h2"]).await;
    for shape in [Shape::Full, Shape::Metadata] {
        let list = transport.list(Call::new(Verb::List, &PODS, "", "").shape(shape)).await.unwrap();
        assert_eq!(list.resource_version, "9");
        assert_eq!((list.items[0].str_at(&["kind"]), list.items[0].str_at(&["apiVersion"])), ("Pod", "v1"));
    }
}

#[tokio::test]
async fn a_watch_is_decoded_line_by_line_and_ends_with_its_error() {
    let (transport, _) = server(&[b"h2"]).await;
    let mut events = client(transport).watch(&PODS, "", &Selection::default(), "4").await.unwrap();
    let Some(Ok(WatchEvent::Added(pod))) = events.next().await else { panic!("an object comes first") };
    assert_eq!(pod.name(), "a");
    let Some(Ok(WatchEvent::Bookmark(version))) = events.next().await else { panic!("then a bookmark") };
    assert_eq!(version, "6");
    assert!(events.next().await.unwrap().unwrap_err().is_gone());
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_server_without_the_right_certificate_is_refused() {
    let (transport, _) = server(&[b"h2"]).await;
    let access = Access {
        server: transport.server.to_string(),
        tls_server_name: Some("api.test".into()),
        ..Access::default()
    };
    let stranger = client(HttpsTransport::new(access.clone(), "test").unwrap());
    let refused = stranger.get(&PODS, "n", "a").await.unwrap_err();
    assert_eq!(refused.code, 503);
    assert!(refused.message.contains("certificate"), "{refused}");
    let careless = Access { insecure_skip_tls_verify: true, ..access };
    assert!(client(HttpsTransport::new(careless, "test").unwrap()).get(&PODS, "n", "a").await.is_ok());
}

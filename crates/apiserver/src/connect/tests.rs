//! Whole streams over connections in memory: a client, the API server's side, a kubelet.

use super::*;
use crate::request::Query;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use skiff_apimachinery::doc;
use std::convert::Infallible;
use std::io;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

const PIPE: usize = 64 << 10;

/// A cluster of one pod on one node.
struct Cluster;

impl Objects for Cluster {
    fn get(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Arc<Document>> {
        let pod = doc!({
            "metadata": {"name": "x", "namespace": "ns"}, "status": {"podIP": "10.1.0.7"},
            "spec": {"nodeName": "n", "containers": [{"name": "c"}]}
        });
        let node = doc!({
            "metadata": {"name": "n"}, "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}
        });
        match (&*resource.resource, namespace, name) {
            ("pods", "ns", "x") => Some(Arc::new(pod)),
            ("nodes", "", "n") => Some(Arc::new(node)),
            _ => None,
        }
    }

    fn list(&self, _: &GroupResource, _: &str) -> Vec<Arc<Document>> {
        Vec::new()
    }

    fn change_count(&self, _: &GroupResource) -> u64 {
        0
    }
}

/// A kubelet, or a pod, at the other end of a pipe; remembers what it was asked.
struct Server {
    authority: Arc<skiff_pki::Authority>,
    asked: Mutex<Vec<String>>,
}

struct ServerDial(Arc<Server>);

impl Dial for ServerDial {
    fn dial<'a>(&'a self, to: &'a Destination) -> BoxFuture<'a, io::Result<BoxedConnection>> {
        let (ours, theirs) = tokio::io::duplex(PIPE);
        let server = self.0.clone();
        let security = to.security;
        tokio::spawn(async move {
            match security {
                Security::Plain => server.serve(theirs).await,
                _ => server.clone().serve(server.acceptor().accept(theirs).await.unwrap()).await,
            }
        });
        Box::pin(async move { Ok(Box::new(ours) as BoxedConnection) })
    }
}

impl Server {
    fn new() -> Arc<Self> {
        let dir = tempfile::tempdir().unwrap();
        let authority = skiff_pki::Authority::open(dir.path(), "server-ca", "server-ca").unwrap();
        Arc::new(Self { authority: Arc::new(authority), asked: Mutex::default() })
    }

    /// TLS with a certificate for the node's address.
    fn acceptor(&self) -> tokio_rustls::TlsAcceptor {
        let request = skiff_pki::CertificateRequest::server("n", vec![], vec!["10.0.0.1".parse().unwrap()]);
        let certificate = skiff_pki::ServingCertificate::new(self.authority.clone(), request).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        Arc::new(builder.with_no_client_auth().with_cert_resolver(certificate)).into()
    }

    /// What the API server trusts kubelets by.
    fn trust(&self) -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let roots = skiff_pki::serving::roots(self.authority.certificate_pem()).unwrap();
        Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    }

    async fn serve(self: Arc<Self>, connection: impl Connection + 'static) {
        let service = service_fn(move |request| {
            let server = self.clone();
            async move { Ok::<_, Infallible>(server.answer(request)) }
        });
        let serving =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service);
        let _ = serving.with_upgrades().await;
    }

    fn answer(&self, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
        self.asked.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
        assert!(!request.headers().contains_key("authorization"));
        let path = request.uri().path().to_owned();
        if path.starts_with("/exec") {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(echo_in_capitals(upgrade));
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            response.headers_mut().insert("connection", HeaderValue::from_static("Upgrade"));
            response.headers_mut().insert("upgrade", request.headers()["upgrade"].clone());
            response
                .headers_mut()
                .insert("x-stream-protocol-version", HeaderValue::from_static("v4.channel.k8s.io"));
            return response;
        }
        let (code, text) = match path.as_str() {
            "/attach/ns/x/c" => (403, "no"),
            "/containerLogs/ns/x/c" => (200, "line\n"),
            _ => (200, "hello"),
        };
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = StatusCode::from_u16(code).unwrap();
        response
    }
}

async fn echo_in_capitals(upgrade: hyper::upgrade::OnUpgrade) {
    let mut stream = TokioIo::new(upgrade.await.unwrap());
    let mut heard = [0; 5];
    stream.read_exact(&mut heard).await.unwrap();
    stream.write_all(&heard.to_ascii_uppercase()).await.unwrap();
    stream.shutdown().await.unwrap();
}

/// Serves one connection as the API server does; everything is a request for `subresource` of the pod.
fn api_server(
    server: &Arc<Server>,
    name: &'static str,
    subresource: &'static str,
    rest: &'static str,
) -> DuplexStream {
    let kubelets = Arc::new(Kubelets::new(Arc::new(ServerDial(server.clone())), server.trust()));
    let (client, ours) = tokio::io::duplex(PIPE);
    tokio::spawn(async move {
        let service = service_fn(move |request: Request<Incoming>| {
            let kubelets = kubelets.clone();
            async move {
                let call = ConnectRequest {
                    resource: "pods".into(),
                    subresource: subresource.into(),
                    namespace: "ns".into(),
                    name: name.into(),
                    rest: rest.into(),
                    query: Query::parse(request.uri().query().unwrap_or("")),
                    request,
                    stop: CancellationToken::new(),
                };
                Ok::<_, Infallible>(kubelets.connect(&Cluster, call).await.unwrap_or_else(|status| {
                    let mut response = Response::new(ResponseBody::full(status.message.clone()));
                    *response.status_mut() = StatusCode::from_u16(status.code).unwrap();
                    response
                }))
            }
        });
        let serving =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(ours), service);
        let _ = serving.with_upgrades().await;
    });
    client
}

async fn send(
    stream: DuplexStream,
    uri: &str,
    headers: &[(&'static str, &'static str)],
) -> Response<Incoming> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    let mut request = Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    sender.send_request(request).await.unwrap()
}

async fn text(response: Response<Incoming>) -> (u16, String) {
    let code = response.status().as_u16();
    (code, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

const SPDY: [(&str, &str); 3] =
    [("connection", "Upgrade"), ("upgrade", "SPDY/3.1"), ("authorization", "Bearer secret")];

#[tokio::test]
async fn an_upgrade_passes_bytes_both_ways() {
    let server = Server::new();
    let stream = api_server(&server, "x", "exec", "");
    let response = send(stream, "/?command=cat&stdin=true&stdout=true", &SPDY).await;
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["upgrade"], "SPDY/3.1");
    assert_eq!(response.headers()["x-stream-protocol-version"], "v4.channel.k8s.io");
    let mut stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    stream.write_all(b"hello").await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "HELLO");
    assert_eq!(*server.asked.lock().unwrap(), ["GET /exec/ns/x/c?command=cat&input=1&output=1"]);
}

#[tokio::test]
async fn what_is_no_upgrade_is_refused() {
    let server = Server::new();
    let response = send(api_server(&server, "x", "exec", ""), "/?command=cat", &[]).await;
    assert_eq!(text(response).await, (400, "Upgrade request required".into()));
}

#[tokio::test]
async fn a_kubelets_refusal_of_an_upgrade_is_passed_back() {
    let server = Server::new();
    let response = send(api_server(&server, "x", "attach", ""), "/?stdout=1", &SPDY).await;
    assert_eq!(text(response).await, (403, "no".into()));
}

#[tokio::test]
async fn a_log_is_the_body() {
    let server = Server::new();
    let response = send(api_server(&server, "x", "log", ""), "/?tailLines=1", &[]).await;
    assert_eq!(response.headers()["content-type"], "text/plain");
    assert_eq!(text(response).await, (200, "line\n".into()));
    assert_eq!(*server.asked.lock().unwrap(), ["GET /containerLogs/ns/x/c?tailLines=1"]);
}

#[tokio::test]
async fn a_log_comes_as_frames_to_those_who_ask_for_a_websocket() {
    let server = Server::new();
    let headers = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "binary.k8s.io"),
    ];
    let response = send(api_server(&server, "x", "log", ""), "/", &headers).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["sec-websocket-protocol"]),
        (101, &HeaderValue::from_static("binary.k8s.io"))
    );
    let mut stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"\x82\x05line\n\x88\x02\x03\xe8");
}

#[tokio::test]
async fn an_absent_pod_is_not_found() {
    let server = Server::new();
    let response = send(api_server(&server, "y", "log", ""), "/", &[]).await;
    assert_eq!(text(response).await, (404, "pods \"y\" not found".into()));
}

#[tokio::test]
async fn a_kubelet_with_a_certificate_of_somebody_else_is_not_talked_to() {
    let (server, other) = (Server::new(), Server::new());
    let kubelets = Kubelets::new(Arc::new(ServerDial(server.clone())), other.trust());
    let destination = Found(&Cluster).kubelet("n").unwrap();
    let request = Request::new(Empty::<Bytes>::new());
    let refused = kubelets.relay.send(&destination, request, "error dialing backend: ").await.err().unwrap();
    assert!(refused.message.starts_with("error dialing backend: tls: "), "{}", refused.message);
    assert!(server.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_pod_is_proxied_to() {
    let server = Server::new();
    let stream = api_server(&server, "x:8080", "proxy", "a/b");
    let response = send(stream, "/api/v1/namespaces/ns/pods/x:8080/proxy/a/b?q=1", &[]).await;
    assert_eq!(text(response).await, (200, "hello".into()));
    assert_eq!(*server.asked.lock().unwrap(), ["GET /a/b?q=1"]);
}

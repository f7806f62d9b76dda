//! The node's HTTPS server, port 10250: what the API server asks for logs, exec, attach and port-forward.
//!
//! Input: connections with a client certificate or a bearer token. Every request goes the same way: identity, access,
//! route, handler. Nothing is answered before access is granted.

pub mod access;
mod container_logs;
mod info;
mod query;
mod route;
mod streams;

use crate::agent::Agent;
use crate::agent::pods::PodDirectory;
use access::{Access, Denied};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::server::{ResolvesServerCert, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Connections at once.
const MAX_CONNECTIONS: usize = 512;
const HANDSHAKE: Duration = Duration::from_secs(10);
const HEADERS: Duration = Duration::from_secs(30);

/// The body of every answer.
type Body = UnsyncBoxBody<Bytes, io::Error>;
/// Every answer.
type Answer = Response<Body>;

/// Keys of the node server.
pub struct ServerTls {
    /// Its certificate.
    pub certificate: Arc<dyn ResolvesServerCert>,
    /// Who signs the certificates of clients.
    pub client_roots: RootCertStore,
}

/// The node server.
#[derive(Clone)]
pub struct NodeServer {
    agent: Arc<Agent>,
    pods: PodDirectory,
    access: Arc<dyn Access>,
    tls: TlsAcceptor,
}

impl NodeServer {
    /// A server over an agent's pods.
    ///
    /// # Errors
    /// If there is no root for clients' certificates.
    pub fn new(
        agent: Arc<Agent>,
        pods: PodDirectory,
        access: Arc<dyn Access>,
        tls: ServerTls,
    ) -> Result<Self, rustls::server::VerifierBuilderError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // Clients without a certificate may still have a token.
        let verifier = WebPkiClientVerifier::builder_with_provider(tls.client_roots.into(), provider.clone())
            .allow_unauthenticated()
            .build()?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring offers the default protocol versions")
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(tls.certificate);
        // Upgrades need HTTP/1.1.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { agent, pods, access, tls: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Serves until `shutdown`; open streams are cut then.
    pub async fn run(self, listener: TcpListener, shutdown: CancellationToken) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = shutdown.cancelled() => return,
            };
            let Ok((stream, _)) = accepted else {
                // Out of descriptors: wait for some to be closed.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let Ok(place) = places.clone().try_acquire_owned() else { continue };
            let (server, shutdown) = (self.clone(), shutdown.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = server.serve(stream) => {}
                    () = shutdown.cancelled() => {}
                }
                drop(place);
            });
        }
    }

    async fn serve(self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, self.tls.accept(stream)).await else { return };
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).cloned();
        let identity = certificate.and_then(|der| access::identity(&der));
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let (server, identity) = (self.clone(), identity.clone());
            async move { Ok::<_, io::Error>(server.answer(request, identity).await) }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
        if let Err(error) = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await {
            tracing::debug!(%error, "node server connection ended");
        }
    }

    async fn answer(&self, request: Request<Incoming>, identity: Option<access::Identity>) -> Answer {
        let route = route::parse(request.uri().path());
        let bearer = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        let identity = match (identity, bearer.and_then(|value| value.strip_prefix("Bearer "))) {
            (Some(identity), _) => Some(identity),
            (None, Some(token)) => self.access.authenticate(token.to_owned()).await,
            (None, None) => None,
        };
        let Some(identity) = identity else { return text(StatusCode::UNAUTHORIZED, "Unauthorized") };
        let verb = access::verb(request.method());
        match self.access.authorize(&identity, verb, route.subresource()).await {
            Ok(()) => self.handle(route, request).await,
            Err(Denied::Forbidden(why)) => text(StatusCode::FORBIDDEN, why),
            Err(Denied::Unknown(why)) => text(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("Authorization error (user={}, verb={verb}): {why}", identity.user),
            ),
        }
    }
}

/// A plain-text answer.
fn text(status: StatusCode, body: impl Into<String>) -> Answer {
    let mut answer = Response::new(full(body.into()));
    *answer.status_mut() = status;
    let kind = http::HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    answer
}

fn json(document: &skiff_apimachinery::Document) -> Answer {
    let mut answer = Response::new(full(skiff_apimachinery::json::encode(document)));
    let kind = http::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    answer
}

fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

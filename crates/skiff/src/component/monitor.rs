//! What a component tells about itself over HTTP: health checks for probes, metrics for scrapes.
//!
//! Over TLS, health is told to everybody and the rest to those whom the API server allows the path (delegated
//! authentication and authorization, as upstream's components have it); over plain HTTP, which is for loopback, all is open.

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::server::{ResolvesServerCert, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use skiff_apimachinery::time::SystemClock;
use skiff_client::Client;
use skiff_client::delegated::{DelegatedAccess, Identity, Remembered, Wanted};
use skiff_telemetry::Registry;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Connections at once.
const MAX_CONNECTIONS: usize = 64;
/// How long a handshake or the headers of a request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Paths that are told to everybody.
const OPEN: [&str; 3] = ["/healthz", "/livez", "/readyz"];

/// Where a component tells about itself.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    /// Plain HTTP without.
    pub(crate) tls: Option<Tls>,
}

/// How it shows itself, and whom it believes.
pub(crate) struct Tls {
    pub(crate) certificate: Arc<dyn ResolvesServerCert>,
    /// Authorities of clients' certificates; without any, only tokens count.
    pub(crate) client_roots: RootCertStore,
}

/// What is told.
pub(crate) trait Pages: Send + Sync + 'static {
    /// The page at a path, if there is one.
    fn page(&self, path: &str) -> Option<Page>;
}

/// An answer.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) media_type: &'static str,
    pub(crate) body: String,
}

/// Health that is good while the process answers, and its metrics.
pub(crate) struct AliveWithMetrics(pub(crate) Registry);

struct Server {
    pages: Arc<dyn Pages>,
    tls: Option<TlsAcceptor>,
    access: DelegatedAccess,
}

/// Begins to tell: listens, and serves until the token is cancelled. The client asks the API server about those who ask.
pub(crate) async fn open(
    endpoint: Endpoint,
    pages: Arc<dyn Pages>,
    client: Client,
    shutdown: CancellationToken,
) -> Result<()> {
    let address = endpoint.address;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let tls = endpoint.tls.map(acceptor).transpose()?;
    let access = DelegatedAccess::new(client, Arc::new(SystemClock), Remembered::BY_COMPONENTS);
    tokio::spawn(accept(Arc::new(Server { pages, tls, access }), listener, shutdown));
    Ok(())
}

fn acceptor(tls: Tls) -> Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let builder = if tls.client_roots.is_empty() {
        builder.with_no_client_auth()
    } else {
        let verifier = WebPkiClientVerifier::builder_with_provider(tls.client_roots.into(), provider);
        builder.with_client_cert_verifier(verifier.allow_unauthenticated().build()?)
    };
    let mut config = builder.with_cert_resolver(tls.certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(server: Arc<Server>, listener: TcpListener, shutdown: CancellationToken) {
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
        let (server, shutdown) = (server.clone(), shutdown.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = server.connection(stream) => {}
                () = shutdown.cancelled() => {}
            }
            drop(place);
        });
    }
}

// === impl Server ===

impl Server {
    async fn connection(self: Arc<Self>, stream: TcpStream) {
        let Some(tls) = self.tls.clone() else {
            return self.serve(stream, None).await;
        };
        let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, tls.accept(stream)).await else { return };
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let identity = certificate.and_then(skiff_kubelet::server::access::identity);
        self.serve(stream, identity).await;
    }

    async fn serve<S>(self: Arc<Self>, stream: S, identity: Option<Identity>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let (server, identity) = (self.clone(), identity.clone());
            async move { Ok::<_, Infallible>(server.answer(&request, identity).await) }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
        builder.http2().timer(TokioTimer::new());
        // A connection that breaks is the other side's matter.
        drop(builder.serve_connection(TokioIo::new(stream), service).await);
    }

    async fn answer(&self, request: &Request<Incoming>, identity: Option<Identity>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return respond(Page::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"));
        }
        if let Err(refusal) = self.check(request, path, identity).await {
            return respond(refusal);
        }
        let page = self.pages.page(path);
        respond(page.unwrap_or_else(|| Page::text(StatusCode::NOT_FOUND, "404 page not found")))
    }

    /// Whether whoever sent the request may see the page.
    async fn check(
        &self,
        request: &Request<Incoming>,
        path: &str,
        identity: Option<Identity>,
    ) -> Result<(), Page> {
        if self.tls.is_none()
            || OPEN.iter().any(|open| path == *open || path.starts_with(&format!("{open}/")))
        {
            return Ok(());
        }
        let identity = match (identity, bearer(request)) {
            (Some(identity), _) => identity,
            (None, Some(token)) => {
                let known = self.access.authenticate(token).await;
                known.ok_or_else(|| Page::text(StatusCode::UNAUTHORIZED, "Unauthorized"))?
            }
            (None, None) => Identity {
                user: "system:anonymous".to_owned(),
                groups: vec!["system:unauthenticated".to_owned()],
            },
        };
        let verb = request.method().as_str().to_ascii_lowercase();
        let wanted = Wanted::Path { verb: verb.clone(), path: path.to_owned() };
        match self.access.allows(&identity, wanted).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                let text = format!("forbidden: User \"{}\" cannot {verb} path \"{path}\"", identity.user);
                Err(Page::text(StatusCode::FORBIDDEN, text))
            }
            Err(status) => {
                let text = format!("Internal Server Error: \"{path}\": {}", status.message);
                Err(Page::text(StatusCode::INTERNAL_SERVER_ERROR, text))
            }
        }
    }
}

impl Pages for AliveWithMetrics {
    fn page(&self, path: &str) -> Option<Page> {
        if path == "/metrics" {
            let media_type = "text/plain; version=0.0.4; charset=utf-8";
            return Some(Page { status: StatusCode::OK, media_type, body: self.0.render() });
        }
        OPEN.contains(&path).then(|| Page::text(StatusCode::OK, "ok"))
    }
}

impl Page {
    /// Plain text.
    pub(crate) fn text(status: StatusCode, body: impl Into<String>) -> Self {
        Self { status, media_type: "text/plain; charset=utf-8", body: body.into() }
    }
}

fn bearer(request: &Request<Incoming>) -> Option<String> {
    let (scheme, token) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

fn respond(page: Page) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(page.body.into()));
    *response.status_mut() = page.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static(page.media_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, http::HeaderValue::from_static("nosniff"));
    response
}

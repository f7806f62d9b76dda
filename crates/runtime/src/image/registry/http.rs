//! HTTP/1.1 requests over TCP or TLS, one connection each, with deadlines.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const CONNECT: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(60);
/// A transfer that brings nothing for so long has died.
pub const SILENCE: Duration = Duration::from_secs(60);

/// Where distributions keep trusted certificates.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Makes requests.
#[derive(Clone)]
pub struct Client {
    tls: TlsConnector,
}

/// A request to make.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub uri: Uri,
    /// Further headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
}

/// What went wrong on the way, in words.
pub type Attempt<T> = Result<T, String>;

impl Client {
    /// Trusts the system's certificates and those in `ca_file`.
    pub fn new(ca_file: Option<&Path>) -> Attempt<Self> {
        let mut roots = RootCertStore::empty();
        let from_environment = std::env::var_os("SSL_CERT_FILE");
        let system = from_environment
            .as_deref()
            .map(Path::new)
            .or_else(|| BUNDLES.iter().map(Path::new).find(|path| path.exists()));
        for path in system.into_iter().chain(ca_file) {
            let certificates = CertificateDer::pem_file_iter(path)
                .map_err(|error| format!("read certificates in {}: {error}", path.display()))?;
            // A bundle may hold certificates of kinds that are not supported.
            roots.add_parsable_certificates(certificates.filter_map(Result::ok));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Makes one request; returns as soon as the answer's head is there.
    pub async fn send(&self, ask: &Ask) -> Attempt<Response<Incoming>> {
        let host = ask.uri.host().ok_or("address without host")?.to_owned();
        let secure = ask.uri.scheme_str() == Some("https");
        let port = ask.uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let bare = host.trim_matches(['[', ']']);
        let stream = timeout(CONNECT, TcpStream::connect((bare, port)))
            .await
            .map_err(|_| format!("dial {host}:{port}: timeout"))?
            .map_err(|error| format!("dial {host}:{port}: {error}"))?;
        if !secure {
            return exchange(stream, ask).await;
        }
        let name = ServerName::try_from(bare.to_owned()).map_err(|error| error.to_string())?;
        let stream = timeout(CONNECT, self.tls.connect(name, stream))
            .await
            .map_err(|_| format!("TLS with {host}: timeout"))?
            .map_err(|error| format!("TLS with {host}: {error}"))?;
        exchange(stream, ask).await
    }
}

async fn exchange<S>(stream: S, ask: &Ask) -> Attempt<Response<Incoming>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    // Ends with the answer's body, or when that is dropped.
    tokio::spawn(connection);
    let path = ask.uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = ask.uri.authority().map_or("", |authority| authority.as_str());
    let mut request = Request::builder()
        .method(&ask.method)
        .uri(path)
        .header(HOST, authority)
        .header(USER_AGENT, concat!("skiff/", env!("CARGO_PKG_VERSION")));
    for (name, value) in &ask.headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(ask.body.clone())).map_err(|error| error.to_string())?;
    timeout(ANSWER, sender.send_request(request))
        .await
        .map_err(|_| "no answer in time".to_owned())?
        .map_err(|error| error.to_string())
}

/// Reads a body of at most `limit` bytes.
pub async fn collect(body: Incoming, limit: usize) -> Attempt<Bytes> {
    let limited = http_body_util::Limited::new(body, limit);
    let collected = timeout(ANSWER, limited.collect()).await.map_err(|_| "answer stalled".to_owned())?;
    Ok(collected.map_err(|error| error.to_string())?.to_bytes())
}

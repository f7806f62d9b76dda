//! HTTP/1.1 over TLS, byte by byte: what no client library would send.

use crate::support::Server;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An answer takes this long at most, and a stream lives this long after its client has left.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest head of an answer.
const HEAD: usize = 64 << 10;

/// A client that keeps its connection while the server does.
pub struct Client {
    server: std::net::SocketAddr,
    tls: TlsConnector,
    connection: Option<TlsStream<TcpStream>>,
    body: Vec<u8>,
}

/// The head of an answer.
struct Head {
    status: u16,
    text: String,
    /// What was read of what follows.
    rest: Vec<u8>,
}

impl Client {
    /// With an administrator's certificate, or without any.
    pub fn new(server: &Server, certificate: bool) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        for authority in crate::support::certificates(server.pki.server_ca.certificate_pem()) {
            roots.add(authority).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = if certificate {
            let request = skiff_pki::CertificateRequest::client("admin", Some("system:masters"));
            let issued = server.pki.client_ca.issue(&request).unwrap();
            let (chain, key) = skiff_pki::serving::parse(&issued).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        } else {
            builder.with_no_client_auth()
        };
        Self {
            server: server.address,
            tls: TlsConnector::from(Arc::new(config)),
            connection: None,
            body: Vec::new(),
        }
    }

    /// The body of the last answer, if it could be told where it ends.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The status of the answer to a request. A connection that the server has closed since is replaced once.
    pub async fn status(&mut self, request: &[u8]) -> io::Result<u16> {
        let kept = self.connection.is_some();
        match self.ask(request).await {
            Err(error) if kept && error.kind() != io::ErrorKind::TimedOut => self.ask(request).await,
            result => result,
        }
    }

    async fn ask(&mut self, request: &[u8]) -> io::Result<u16> {
        let mut connection = self.connect().await?;
        let (head, body) = within(async {
            // A server that refuses a request may stop reading it.
            let sent = connection.write_all(request).await;
            let head = Head::read(&mut connection).await.map_err(|error| sent.err().unwrap_or(error))?;
            let body = head.body(&mut connection).await;
            Ok((head, body))
        })
        .await?;
        self.connection = body.is_some().then_some(connection);
        self.body = body.unwrap_or_default();
        Ok(head.status)
    }

    /// Sends a request for an upgrade and, if it is granted, what is said afterwards; waits until the server hangs up.
    pub async fn session(&mut self, request: &[u8], said: &[u8]) -> io::Result<u16> {
        self.connection = None;
        let mut connection = self.connect().await?;
        within(async {
            connection.write_all(request).await?;
            let head = Head::read(&mut connection).await?;
            if head.status == 101 {
                // The other side may have enough before all is said.
                let _ = connection.write_all(said).await;
                let _ = connection.shutdown().await;
                let _ = tokio::io::copy(&mut connection, &mut tokio::io::sink()).await;
            }
            Ok(head.status)
        })
        .await
    }

    async fn connect(&mut self) -> io::Result<TlsStream<TcpStream>> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        self.tls.connect(ServerName::from(self.server.ip()), stream).await
    }
}

impl Head {
    async fn read(connection: &mut TlsStream<TcpStream>) -> io::Result<Self> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                let text = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
                let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
                let status = status.ok_or_else(|| io::Error::other(format!("no status: {text:?}")))?;
                return Ok(Self { status, text, rest: bytes.split_off(end + 4) });
            }
            let mut piece = [0; 4096];
            let length = connection.read(&mut piece).await?;
            if length == 0 || bytes.len() > HEAD {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes.extend_from_slice(&piece[..length]);
        }
    }

    /// The body, if the connection can be used again after it.
    async fn body(&self, connection: &mut TlsStream<TcpStream>) -> Option<Vec<u8>> {
        let closes = self.header("connection").is_some_and(|value| value.contains("close"));
        let length = self.header("content-length").and_then(|value| value.parse::<usize>().ok());
        let length = length.filter(|length| !closes && *length >= self.rest.len())?;
        let mut body = self.rest.clone();
        body.resize(length, 0);
        connection.read_exact(&mut body[self.rest.len()..]).await.ok()?;
        Some(body)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.text.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(known, _)| *known == name).map(|(_, value)| value.trim())
    }
}

async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PATIENCE, work).await?
}

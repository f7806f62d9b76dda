//! One HTTPS request over a connection of its own, with any header and any body: for what the client cannot say.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use skiff_apimachinery::{Document, json};
use skiff_client::kubeconfig::Access;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(60);

/// A request that is being put together.
pub struct Request<'a> {
    access: &'a Access,
    certificate: bool,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// What came back.
pub struct Response {
    /// HTTP status code.
    pub code: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl<'a> Request<'a> {
    pub fn new(access: &'a Access, method: &'static str, path: &str) -> Self {
        let (path, headers, body) = (path.to_owned(), Vec::new(), String::new());
        Self { access, certificate: true, method, path, headers, body }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// As whom a token names, instead of as the admin.
    #[must_use]
    pub fn bearer(mut self, token: &str) -> Self {
        self.certificate = false;
        self.header("Authorization", format!("Bearer {token}"))
    }

    #[must_use]
    pub fn body(mut self, media_type: &str, body: impl Into<String>) -> Self {
        self.body = body.into();
        self.header("Content-Type", media_type)
    }

    /// Sends the request and reads the answer.
    pub fn send(self) -> Response {
        let address = self.access.server.trim_start_matches("https://");
        let (host, _) = address.rsplit_once(':').unwrap();
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).unwrap();
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let connection = ClientConnection::new(self.config(), name).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        stream.write_all(self.text(address).as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A server may close the connection without a farewell; what came is what counts.
        drop(stream.read_to_end(&mut answer));
        Response::parse(&answer)
    }

    fn text(&self, host: &str) -> String {
        let mut text =
            format!("{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{}", self.body.len(), self.body));
        text
    }

    fn config(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        for certificate in chain(self.access.certificate_authority.as_deref().unwrap()) {
            roots.add(certificate).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        let mut config = match &self.access.client_certificate {
            Some((certificate, key)) if self.certificate => {
                let key = PrivateKeyDer::from_pem_slice(key).unwrap();
                builder.with_client_auth_cert(chain(certificate), key).unwrap()
            }
            _ => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

impl Response {
    fn parse(answer: &[u8]) -> Self {
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("the answer has a head");
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let code = head.split_whitespace().nth(1).unwrap().parse().unwrap();
        let body = &answer[end + 4..];
        let chunked = head.contains("transfer-encoding: chunked");
        Self { code, body: if chunked { joined(body) } else { body.to_vec() } }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as a document.
    pub fn document(&self) -> Document {
        json::decode(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// The content of a chunked body.
fn joined(mut body: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    loop {
        let end = body.windows(2).position(|bytes| bytes == b"\r\n").expect("a chunk has a length");
        let length = String::from_utf8_lossy(&body[..end]);
        let length = usize::from_str_radix(length.split(';').next().unwrap().trim(), 16).unwrap();
        if length == 0 {
            return content;
        }
        let start = end + 2;
        content.extend_from_slice(&body[start..start + length]);
        body = &body[start + length + 2..];
    }
}

fn chain(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().unwrap()
}

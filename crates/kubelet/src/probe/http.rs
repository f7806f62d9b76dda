//! An HTTP request: a status from 200 to 399 is success.
//!
//! Redirects to the same host are followed, ones to another host count as success, as upstream decided. Certificates
//! are not verified: a container's own certificate says nothing about its health.

use super::{go_error, host_port};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use skiff_pki::AnyCertificate;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::net::TcpStream;

const MAX_REDIRECTS: usize = 10;
/// What of a body is read at most.
const MAX_BODY: usize = 10 << 10;

/// Whom to ask for what.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// HTTPS instead of HTTP.
    pub tls: bool,
    /// Host to connect to.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path with query.
    pub path: String,
    /// Headers to send.
    pub headers: Vec<(String, String)>,
    /// Who asks.
    pub user_agent: &'static str,
}

/// What one request led to.
enum Answer {
    Status(u16),
    Redirect(String),
}

/// Asks within a timeout; returns the last status.
///
/// # Errors
/// Go's text of the failure, or `HTTP probe failed with statuscode: N`.
pub async fn get(request: &HttpRequest, timeout: Duration) -> Result<u16, String> {
    let url = request.url();
    match tokio::time::timeout(timeout, follow(request.clone())).await {
        Ok(Ok(status @ 200..400)) => Ok(status),
        Ok(Ok(status)) => Err(format!("HTTP probe failed with statuscode: {status}")),
        Ok(Err(text)) => Err(format!("Get {url:?}: {text}")),
        Err(_) => Err(format!(
            "Get {url:?}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        )),
    }
}

async fn follow(mut request: HttpRequest) -> Result<u16, String> {
    for _ in 0..MAX_REDIRECTS {
        match send(&request).await? {
            Answer::Status(status) => return Ok(status),
            Answer::Redirect(location) => match request.redirected(&location) {
                Some(next) => request = next,
                None => return Ok(302),
            },
        }
    }
    Err("stopped after 10 redirects".into())
}

impl HttpRequest {
    fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", host_port(&self.host, self.port), self.target())
    }

    fn target(&self) -> String {
        if self.path.starts_with('/') { self.path.clone() } else { format!("/{}", self.path) }
    }

    /// The request that a redirect asks for; `None` if it leads to another host.
    fn redirected(&self, location: &str) -> Option<Self> {
        let mut next = self.clone();
        let Ok(uri) = location.parse::<hyper::Uri>() else { return None };
        if let Some(host) = uri.host() {
            if host.trim_matches(['[', ']']) != self.host {
                return None;
            }
            next.tls = uri.scheme_str() == Some("https");
            next.port = uri.port_u16().unwrap_or(if next.tls { 443 } else { 80 });
        }
        next.path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Some(next)
    }
}

async fn send(request: &HttpRequest) -> Result<Answer, String> {
    let address = host_port(&request.host, request.port);
    let stream = TcpStream::connect(&address)
        .await
        .map_err(|error| format!("dial tcp {address}: {}", go_error(&error)))?;
    if request.tls {
        let name = ServerName::try_from(request.host.clone()).map_err(|error| error.to_string())?;
        let connector = tokio_rustls::TlsConnector::from(UNVERIFIED.clone());
        let stream = connector.connect(name, stream).await.map_err(|error| error.to_string())?;
        exchange(request, stream).await
    } else {
        exchange(request, stream).await
    }
}

async fn exchange<S>(request: &HttpRequest, stream: S) -> Result<Answer, String>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let text = |error: hyper::Error| {
        if error.is_incomplete_message() { "EOF".to_owned() } else { error.to_string() }
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(text)?;
    let mut builder = hyper::Request::get(request.target());
    let has = |name: &str| request.headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name));
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    for (name, value) in [
        ("host", host_port(&request.host, request.port)),
        ("user-agent", request.user_agent.to_owned()),
        ("accept", "*/*".to_owned()),
        ("connection", "close".to_owned()),
    ] {
        if !has(name) {
            builder = builder.header(name, value);
        }
    }
    let message = builder.body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
    // The connection lives no longer than the exchange: a probe that is dropped closes it.
    let exchange = async {
        let response = sender.send_request(message).await.map_err(text)?;
        let status = response.status();
        let location =
            response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let _ = Limited::new(response.into_body(), MAX_BODY).collect().await;
        Ok(match location {
            Some(location) if status.is_redirection() => Answer::Redirect(location),
            _ => Answer::Status(status.as_u16()),
        })
    };
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        _ = connection => exchange.await,
    }
}

static UNVERIFIED: LazyLock<Arc<rustls::ClientConfig>> = LazyLock::new(|| {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring offers the default protocol versions")
        .dangerous()
        .with_custom_certificate_verifier(AnyCertificate::verifier())
        .with_no_client_auth();
    Arc::new(config)
});

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn serve(answers: Vec<&'static str>) -> u16 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        port
    }

    fn request(port: u16) -> HttpRequest {
        let host = "127.0.0.1".to_owned();
        HttpRequest {
            tls: false,
            host,
            port,
            path: "/x".into(),
            headers: vec![],
            user_agent: "kube-probe/1.35",
        }
    }

    #[tokio::test]
    async fn statuses_decide() {
        let timeout = Duration::from_secs(5);
        let port = serve(vec![
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 302 Found\r\nlocation: /y\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 302 Found\r\nlocation: http://other.test/\r\ncontent-length: 0\r\n\r\n",
        ])
        .await;
        assert_eq!(get(&request(port), timeout).await, Ok(200));
        assert_eq!(get(&request(port), timeout).await, Err("HTTP probe failed with statuscode: 500".into()));
        assert_eq!(get(&request(port), timeout).await, Ok(204));
        assert_eq!(get(&request(port), timeout).await, Ok(302));
    }

    #[tokio::test]
    async fn a_refused_connection_is_told_in_go_s_words() {
        let port =
            { tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port() };
        let error = get(&request(port), Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(
            error,
            format!(
                "Get \"http://127.0.0.1:{port}/x\": dial tcp 127.0.0.1:{port}: connect: connection refused"
            )
        );
    }
}

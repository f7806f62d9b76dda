//! One kept-open connection to the API server, HTTP/1.1 over TLS, without retries: what is timed is what the server did.

use crate::target::Target;
use anyhow::{Context, Result, bail};
use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use skiff_apimachinery::{Document, json};
use tokio::net::TcpStream;

/// Media type of plain objects.
pub const JSON: &str = "application/json";
/// Of merge patches.
pub const MERGE_PATCH: &str = "application/merge-patch+json";
/// Of strategic merge patches.
pub const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";
/// Of JSON patches.
pub const JSON_PATCH: &str = "application/json-patch+json";
/// Of server-side apply.
pub const APPLY_PATCH: &str = "application/apply-patch+yaml";

/// A request that is ready to be sent.
#[derive(Debug, Clone)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Media type of the body.
    pub content_type: &'static str,
    /// Body.
    pub body: Bytes,
}

impl Call {
    /// A request without a body.
    pub fn bare(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), content_type: JSON, body: Bytes::new() }
    }

    /// A GET.
    pub fn get(path: impl Into<String>) -> Self {
        Self::bare(Method::GET, path)
    }

    /// A DELETE.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::bare(Method::DELETE, path)
    }

    /// A POST of an object.
    pub fn post(path: impl Into<String>, object: &Document) -> Self {
        Self { body: json::encode(object).into(), ..Self::bare(Method::POST, path) }
    }

    /// A PUT of an object.
    pub fn put(path: impl Into<String>, object: &Document) -> Self {
        Self { body: json::encode(object).into(), ..Self::bare(Method::PUT, path) }
    }

    /// A PATCH.
    pub fn patch(path: impl Into<String>, content_type: &'static str, patch: &Document) -> Self {
        Self { body: json::encode(patch).into(), content_type, ..Self::bare(Method::PATCH, path) }
    }
}

/// The connection.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    authority: String,
}

impl Connection {
    /// Opens one.
    ///
    /// # Errors
    /// If nobody listens, or TLS fails.
    pub async fn open(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(&*target.authority).await?;
        stream.set_nodelay(true)?;
        let stream = target.tls.connect(target.name.clone(), stream).await?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(Self { sender, authority: target.authority.to_string() })
    }

    /// Sends a request and returns the head of the answer.
    ///
    /// # Errors
    /// If the connection breaks.
    pub async fn send(&mut self, call: &Call) -> Result<Response<Incoming>> {
        let mut request = Request::builder()
            .method(&call.method)
            .uri(&call.path)
            .header(header::HOST, &self.authority)
            .header(header::ACCEPT, JSON);
        if !call.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, call.content_type);
        }
        self.sender.ready().await?;
        Ok(self.sender.send_request(request.body(Full::new(call.body.clone()))?).await?)
    }

    /// Sends a request and reads its answer to the last byte; returns how many there were.
    ///
    /// # Errors
    /// If the connection breaks or the server refuses.
    pub async fn drain(&mut self, call: &Call) -> Result<usize> {
        let mut body = self.accepted(call).await?;
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            bytes += frame?.data_ref().map_or(0, Bytes::len);
        }
        Ok(bytes)
    }

    /// Sends a request and returns its whole answer.
    ///
    /// # Errors
    /// If the connection breaks or the server refuses.
    pub async fn call(&mut self, call: &Call) -> Result<Bytes> {
        Ok(self.accepted(call).await?.collect().await?.to_bytes())
    }

    /// Sends a request and returns the object in its answer.
    ///
    /// # Errors
    /// If the connection breaks, the server refuses or the answer is no JSON.
    pub async fn object(&mut self, call: &Call) -> Result<Document> {
        let body = self.call(call).await?;
        json::decode(&body).with_context(|| format!("the answer to {} {}", call.method, call.path))
    }

    async fn accepted(&mut self, call: &Call) -> Result<Incoming> {
        let response = self.send(call).await?;
        let status = response.status();
        if !status.is_success() {
            let body = response.into_body().collect().await?.to_bytes();
            let why = String::from_utf8_lossy(&body);
            bail!("{} {}: {status}: {}", call.method, call.path, why.trim());
        }
        Ok(response.into_body())
    }

    /// Opens a watch; the connection is used up by it.
    ///
    /// # Errors
    /// If the connection breaks or the server refuses.
    pub async fn watch(mut self, path: &str) -> Result<Watch> {
        let body = self.accepted(&Call::get(path)).await?;
        Ok(Watch { body, pending: BytesMut::new(), _connection: self })
    }
}

/// The events of a watch.
pub struct Watch {
    body: Incoming,
    pending: BytesMut,
    /// The stream lives as long as its connection is held.
    _connection: Connection,
}

impl Watch {
    /// The next event's line.
    ///
    /// # Errors
    /// If the watch ends.
    pub async fn line(&mut self) -> Result<Bytes> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.pending) {
                return Ok(self.pending.split_to(end + 1).freeze());
            }
            let frame = self.body.frame().await.context("the server ended a watch")??;
            if let Some(data) = frame.data_ref() {
                self.pending.extend_from_slice(data);
            }
        }
    }

    /// Events until one holds what is looked for.
    ///
    /// # Errors
    /// If the watch ends.
    pub async fn until(&mut self, mut holds: impl FnMut(&str, &Document) -> bool) -> Result<()> {
        loop {
            let event = json::decode(&self.line().await?)?;
            if event.get("object").is_some_and(|object| holds(event.str_at(&["type"]), object)) {
                return Ok(());
            }
        }
    }
}

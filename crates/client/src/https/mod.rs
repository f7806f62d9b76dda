//! The API over HTTPS: HTTP/2 where the server offers it, HTTP/1.1 else, JSON in both directions.
//!
//! Connections are kept and shared. Every body is bounded, every call but a watch has a deadline. What the server answers
//! as a `Status` comes back as one; what fails on the way comes back as 503 with the cause, so that callers treat both
//! alike. A server that says when to come back (429 with Retry-After) is asked again a few times.

mod body;
mod connector;
mod credentials;
mod request;
mod tls;
mod watch;

use crate::Result;
use crate::kubeconfig::{Access, Kubeconfig, KubeconfigError};
use crate::transport::{Call, List, Object, Transport, WatchStream};
use bytes::Bytes;
use connector::Connector;
use credentials::Credentials;
pub use credentials::TokenSource;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use skiff_apimachinery::{Document, Status};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Deadline of a call, as kubectl's components have it.
const DEADLINE: Duration = Duration::from_secs(60);
/// Largest object that is read.
const MAX_OBJECT: usize = 32 << 20;
/// Largest list that is read.
const MAX_LIST: usize = 1 << 30;
/// How often a call is tried again when the server asks for patience.
const RETRIES: u32 = 5;
/// Longest pause that the server is granted.
const LONGEST_PAUSE: u32 = 30;
/// How often an idle HTTP/2 connection is tested, so that a dead one is noticed.
const PING: Duration = Duration::from_secs(30);

/// A connection to an API server cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum HttpsError {
    /// The kubeconfig cannot be used.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The server's address is no URL.
    #[error("server {0:?} is not an http or https address")]
    Server(String),
    /// Certificates or keys cannot be used.
    #[error("{what}: {why}")]
    Certificates {
        /// Which.
        what: &'static str,
        /// Why.
        why: String,
    },
}

/// Carries calls over HTTPS under one identity. Cheap to clone.
#[derive(Clone)]
pub struct HttpsTransport {
    http: HttpClient<Connector, Full<Bytes>>,
    server: Arc<str>,
    credentials: Arc<Credentials>,
    user_agent: Arc<str>,
}

impl HttpsTransport {
    /// From the current context of a kubeconfig file. The user agent names the component, such as `kubelet`; its first
    /// word is the field manager of what it writes.
    ///
    /// # Errors
    /// If the file cannot be read or used.
    pub fn from_kubeconfig(path: &Path, user_agent: &str) -> Result<Self, HttpsError> {
        Self::new(Kubeconfig::load(path)?.access(None)?, user_agent)
    }

    /// From what a kubeconfig would say.
    ///
    /// # Errors
    /// If the address or the certificates cannot be used.
    pub fn new(access: Access, user_agent: &str) -> Result<Self, HttpsError> {
        let uri: http::Uri = access.server.parse().map_err(|_| HttpsError::Server(access.server.clone()))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err(HttpsError::Server(access.server));
        }
        let connector = Connector::new(tls::config(&access)?, access.tls_server_name.clone());
        let http = HttpClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(90))
            .http2_keep_alive_interval(PING)
            .http2_keep_alive_timeout(Duration::from_secs(15))
            .http2_adaptive_window(true)
            .build(connector);
        Ok(Self {
            http,
            server: access.server.trim_end_matches('/').into(),
            credentials: Arc::new(Credentials::of(&access)),
            user_agent: user_agent.into(),
        })
    }

    /// The same server, but as whom the source's tokens name. The client's own certificate is not shown.
    ///
    /// # Errors
    /// If the address or the certificates cannot be used.
    pub fn with_tokens(
        mut access: Access,
        user_agent: &str,
        source: Arc<dyn TokenSource>,
    ) -> Result<Self, HttpsError> {
        access.client_certificate = None;
        let transport = Self::new(access, user_agent)?;
        Ok(Self { credentials: Arc::new(Credentials::Source(source)), ..transport })
    }

    async fn send(&self, request: &request::Prepared) -> Result<Response<Incoming>> {
        let mut builder = Request::builder()
            .method(request.method.clone())
            .uri(format!("{}{}", self.server, request.path_and_query))
            .header(http::header::USER_AGENT, &*self.user_agent)
            .header(http::header::ACCEPT, request.accept);
        if let Some(content_type) = request.content_type {
            builder = builder.header(http::header::CONTENT_TYPE, content_type);
        }
        if let Some(authorization) = self.credentials.header().await {
            builder = builder.header(http::header::AUTHORIZATION, authorization);
        }
        let built = builder.body(Full::new(request.body.clone()));
        let built =
            built.map_err(|error| Status::bad_request(format!("cannot build the request: {error}")))?;
        self.http.request(built).await.map_err(|error| failed(request, &error))
    }

    /// Sends until the server no longer asks for patience; a failure comes back as its Status.
    async fn answer(&self, request: &request::Prepared) -> Result<Response<Incoming>> {
        let mut tries = 0;
        loop {
            let response = self.send(request).await?;
            if response.status().is_success() {
                return Ok(response);
            }
            let status = body::failure(response).await;
            let pause = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
            if status.code != 429 || pause == 0 || tries == RETRIES {
                return Err(status);
            }
            tries += 1;
            sleep(Duration::from_secs(pause.min(LONGEST_PAUSE).into())).await;
        }
    }

    async fn document(&self, request: request::Prepared, limit: usize) -> Result<Document> {
        let answered = async {
            let response = self.answer(&request).await?;
            body::document(response, limit).await
        };
        match timeout(DEADLINE, answered).await {
            Ok(result) => result,
            Err(_) => {
                let what = format!(
                    "{} {}: no answer within {}s",
                    request.method,
                    request.path_and_query,
                    DEADLINE.as_secs()
                );
                Err(Status::timeout(what, 0))
            }
        }
    }
}

/// The Status of a call that did not reach the server or whose answer did not come back.
fn failed(request: &request::Prepared, error: &(dyn std::error::Error + 'static)) -> Status {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    Status::service_unavailable(format!("{} {}: {text}", request.method, request.path_and_query))
}

impl Transport for HttpsTransport {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Object>> {
        Box::pin(async move {
            let request = request::Prepared::of(&call, &self.user_agent);
            let mut object = self.document(request, MAX_OBJECT).await?;
            request::name_kind(&call, &mut object);
            Ok(Arc::new(object))
        })
    }

    fn list(&self, call: Call) -> BoxFuture<'_, Result<List>> {
        Box::pin(async move {
            let request = request::Prepared::of(&call, &self.user_agent);
            let mut list = self.document(request, MAX_LIST).await?;
            let resource_version = list.resource_version().to_owned();
            let continue_token = list.str_at(&["metadata", "continue"]).to_owned();
            let items = list.get_mut("items").map(Document::take).unwrap_or_default().into_array();
            let whole = |mut item: Document| {
                item.set_gvk(&call.resource.gvk());
                Arc::new(item)
            };
            Ok(List { items: items.into_iter().map(whole).collect(), resource_version, continue_token })
        })
    }

    fn watch(&self, call: Call) -> BoxFuture<'_, Result<WatchStream>> {
        Box::pin(async move {
            let call = watch::bounded(call);
            let request = request::Prepared::of(&call, &self.user_agent);
            let response = timeout(DEADLINE, self.answer(&request));
            let response = response.await.map_err(|_| Status::timeout("the watch was not answered", 0))??;
            Ok(watch::events(response.into_body(), call))
        })
    }

    fn get_path<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Object>> {
        Box::pin(async move { self.document(request::Prepared::get(path), MAX_OBJECT).await.map(Arc::new) })
    }
}

#[cfg(test)]
mod tests;

//! Passing requests on to another server: as they are, or as upgrades whose bytes are then copied both ways.

use super::dial::{BoxedConnection, Destination, Dial};
use super::headers;
use super::tls::Tls;
use crate::serve::body::{BodyError, ResponseBody};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, BodyStream, Empty, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use skiff_apimachinery::{Reason, Status};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Reaches servers, so many at once.
pub(super) struct Relay {
    dial: Arc<dyn Dial>,
    tls: Tls,
    places: Arc<Semaphore>,
}

/// An answer, and the place that its stream takes.
pub(super) struct Answer {
    pub(super) response: Response<Incoming>,
    pub(super) place: OwnedSemaphorePermit,
}

impl Relay {
    pub(super) fn new(dial: Arc<dyn Dial>, tls: Tls, places: usize) -> Self {
        Self { dial, tls, places: Arc::new(Semaphore::new(places)) }
    }

    /// Passes an upgrade on. If the server agrees, bytes are copied in the background until either side is through; if
    /// not, its answer is passed back.
    ///
    /// # Errors
    /// If the request is no upgrade or the server cannot be reached.
    pub(super) async fn upgrade(
        &self,
        destination: &Destination,
        path_and_query: &str,
        mut request: Request<Incoming>,
        stop: CancellationToken,
    ) -> Result<Response<ResponseBody>, Status> {
        if !headers::is_upgrade(request.headers()) {
            return Err(Status::bad_request("Upgrade request required"));
        }
        let mut onward = Request::new(Empty::<Bytes>::new());
        *onward.method_mut() = request.method().clone();
        *onward.uri_mut() = parse_uri(path_and_query)?;
        *onward.headers_mut() = headers::for_upgrade(request.headers(), &destination.authority());
        let client = hyper::upgrade::on(&mut request);
        let mut answer = self.send(destination, onward, "error dialing backend: ").await?;
        if answer.response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(answer.passed_back(stop));
        }
        let server = hyper::upgrade::on(&mut answer.response);
        let place = answer.place;
        tokio::spawn(async move {
            // Either side may leave before it has switched.
            if let (Ok(client), Ok(server)) = tokio::join!(client, server) {
                copy(TokioIo::new(client), TokioIo::new(server), stop).await;
            }
            drop(place);
        });
        Ok(answer.response.map(|_| ResponseBody::empty()))
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// 500 with `context` before the reason if the server cannot be reached; 429 if too many streams are open.
    pub(super) async fn send<B>(
        &self,
        destination: &Destination,
        request: Request<B>,
        context: &str,
    ) -> Result<Answer, Status>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let place =
            self.places.clone().try_acquire_owned().map_err(|_| {
                Status::too_many_requests("too many streams are open, please try again later", 1)
            })?;
        let failed =
            |why: &dyn std::fmt::Display| Status::new(500, Reason::Unknown, format!("{context}{why}"));
        let connection = self.dial.dial(destination).await.map_err(|error| failed(&error))?;
        let connection = self.tls.secure(destination, connection).await.map_err(|error| failed(&error))?;
        let response = exchange(connection, request).await.map_err(|error| failed(&error))?;
        Ok(Answer { response, place })
    }
}

impl Answer {
    /// The answer as the client gets it. Its place is free when the body is through.
    pub(super) fn passed_back(self, stop: CancellationToken) -> Response<ResponseBody> {
        let (mut head, body) = self.response.into_parts();
        head.headers = headers::for_answer(head.headers);
        head.extensions.clear();
        Response::from_parts(head, held(body, self.place, stop))
    }
}

/// A body that holds a place until it is through or the server stops.
pub(super) fn held(body: Incoming, place: OwnedSemaphorePermit, stop: CancellationToken) -> ResponseBody {
    let frames = BodyStream::new(body).take_until(stop.cancelled_owned()).map_err(move |error| {
        let _held = &place;
        BodyError::from(error)
    });
    ResponseBody::Passed(StreamBody::new(frames).boxed_unsync())
}

/// A path and query as the URI of a request.
pub(super) fn parse_uri(path_and_query: &str) -> Result<http::Uri, Status> {
    path_and_query.parse().map_err(|error: http::uri::InvalidUri| Status::bad_request(error.to_string()))
}

async fn exchange<B>(
    connection: BoxedConnection,
    request: Request<B>,
) -> Result<Response<Incoming>, hyper::Error>
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(connection)).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "connection to a proxied server ended");
        }
    });
    sender.send_request(request).await
}

/// Copies both ways until either side has nothing more to say, then closes both, as upstream does: a server that is through
/// does not wait for a client that never hangs up.
async fn copy<A, B>(client: A, server: B, stop: CancellationToken)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = tokio::io::split(server);
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
        () = stop.cancelled() => {}
    }
    // Who hung up already does not mind.
    let _ = tokio::join!(to_client.shutdown(), to_server.shutdown());
}

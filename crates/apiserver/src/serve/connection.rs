//! Connections: accept, handshake, HTTP/1.1 or HTTP/2 as negotiated, a clean end.

use super::TlsConfig;
use super::handler;
use super::tls::{ClientIdentity, Tls};
use crate::chain::Core;
use http::Version;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a handshake may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may take to send a request's head.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// Most connections at once.
const MAX_CONNECTIONS: usize = 16_384;
/// Requests at once on one HTTP/2 connection; upstream's default.
const MAX_STREAMS: u32 = 250;

/// The other end of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// What its certificate proves.
    pub identity: ClientIdentity,
}

/// Serves the listeners until the token is cancelled, then lets running requests finish for a while.
///
/// # Errors
/// If the TLS configuration is unusable.
pub async fn run(
    core: Arc<Core>,
    tls: &TlsConfig,
    listeners: Vec<TcpListener>,
    shutdown: CancellationToken,
) -> Result<(), rustls::Error> {
    let tls = Arc::new(Tls::new(tls)?);
    let connections = TaskTracker::new();
    let limit = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let accepting = listeners.into_iter().map(|listener| {
        accept(core.clone(), tls.clone(), listener, connections.clone(), limit.clone(), shutdown.clone())
    });
    futures::future::join_all(accepting).await;
    connections.close();
    if tokio::time::timeout(core.request_timeout, connections.wait()).await.is_err() {
        tracing::info!(open = connections.len(), "connections were still open when the server stopped");
    }
    Ok(())
}

async fn accept(
    core: Arc<Core>,
    tls: Arc<Tls>,
    listener: TcpListener,
    connections: TaskTracker,
    limit: Arc<Semaphore>,
    shutdown: CancellationToken,
) {
    loop {
        // Waiting for a free place leaves newcomers in the kernel's queue.
        let Ok(place) = limit.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors or a client that left; neither is helped by trying at once.
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (core, tls, shutdown) = (core.clone(), tls.clone(), shutdown.clone());
        connections.spawn(async move {
            serve(core, &tls, stream, address, shutdown).await;
            drop(place);
        });
    }
}

async fn serve(
    core: Arc<Core>,
    tls: &Tls,
    stream: TcpStream,
    address: SocketAddr,
    shutdown: CancellationToken,
) {
    // Small answers must not wait for more.
    let _ = stream.set_nodelay(true);
    let handshake = TlsAcceptor::from(tls.server.clone()).accept(stream);
    let stream = match tokio::time::timeout(HANDSHAKE_PATIENCE, handshake).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            core.metrics.handshake_failed();
            tracing::debug!(%address, %error, "TLS handshake failed");
            return;
        }
        Err(_) => return core.metrics.handshake_failed(),
    };
    let identity = tls.identify(stream.get_ref().1.peer_certificates());
    let peer = Arc::new(Peer { address, identity });
    let stop = shutdown.clone();
    // Cancelled when the client is to go elsewhere: also when it is to connect anew.
    let leaving = shutdown.child_token();
    let leave = leaving.clone();
    let service = service_fn(move |request: http::Request<Incoming>| {
        let chance = core.goaway_chance;
        if chance > 0.0 && request.version() == Version::HTTP_2 && rand::random::<f64>() < chance {
            leave.cancel();
        }
        let (core, peer, stop) = (core.clone(), peer.clone(), stop.clone());
        async move { Ok::<_, Infallible>(handler::handle(core, peer, stop, request).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // A client that closes its side has gone, as upstream sees it: its watch must not stay for hours.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE).half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(Duration::from_secs(30))
        .adaptive_window(false)
        .max_header_list_size(64 << 10);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = leaving.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%address, %error, "a connection ended");
    }
}

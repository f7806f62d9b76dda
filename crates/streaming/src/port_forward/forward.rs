//! One forwarded connection, whatever carries it.

use crate::streams::{Duplex, Reader, Writer};
use futures::future::{self, BoxFuture, Either};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, copy};

/// Connects to a port of the pod. An error is a text for the user, in upstream's words
/// `error forwarding port 80 to pod NAME_NAMESPACE, uid UID: ...`.
pub type Dial = Arc<dyn Fn(u16) -> BoxFuture<'static, Result<Duplex, String>> + Send + Sync>;

/// How long the client may go on writing after the pod has said all.
const HALF_CLOSED: Duration = Duration::from_secs(10);

/// The client's streams of one connection.
pub(super) struct Forward {
    pub(super) port: u16,
    pub(super) from_client: Reader,
    pub(super) to_client: Writer,
    pub(super) error: Writer,
}

impl Forward {
    /// Connects and copies both ways until both have ended.
    pub(super) async fn run(self, dial: Dial) {
        let Self { port, from_client, mut to_client, mut error } = self;
        match dial(port).await {
            Ok(pod) => exchange(from_client, &mut to_client, pod).await,
            Err(reason) => {
                // A client that is gone needs no reason.
                let _ = error.write_all(reason.as_bytes()).await;
            }
        }
        let _ = to_client.shutdown().await;
        let _ = error.shutdown().await;
    }
}

async fn exchange(mut from_client: Reader, to_client: &mut Writer, pod: Duplex) {
    let Duplex { reader: mut from_pod, writer: mut to_pod } = pod;
    // A side that breaks ends its direction like one that closes.
    let up = Box::pin(async {
        let _ = copy(&mut from_client, &mut to_pod).await;
        let _ = to_pod.shutdown().await;
    });
    let down = Box::pin(async {
        let _ = copy(&mut from_pod, to_client).await;
        let _ = to_client.shutdown().await;
    });
    match future::select(up, down).await {
        Either::Left(((), down)) => down.await,
        Either::Right(((), up)) => {
            let _ = tokio::time::timeout(HALF_CLOSED, up).await;
        }
    }
}

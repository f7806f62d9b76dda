//! A process that runs one thing until SIGTERM or SIGINT.

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Runs until the work ends by itself or, told to stop by a signal, has stopped.
pub(crate) fn run<W>(work: impl FnOnce(CancellationToken) -> W) -> Result<()>
where
    W: Future<Output = Result<()>>,
{
    // Fails only if one is installed already, which is this same one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let outcome = runtime.block_on(async {
        let shutdown = stop_on_signal()?;
        work(shutdown).await
    });
    runtime.shutdown_background();
    outcome
}

/// A token that is cancelled by the first SIGTERM or SIGINT.
fn stop_on_signal() -> Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        cancel.cancel();
    });
    Ok(token)
}

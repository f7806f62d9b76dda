//! Clients attached to a container's main process.

use super::pipes::Pipes;
use crate::embedded::Core;
use crate::error::{Outcome, RuntimeError};
use crate::shim::ShimConnection;
use skiff_cri::streams::{Session, TerminalSize};
use skiff_cri::v1::AttachRequest;
use skiff_cri::{CriError, CriResult};
use skiff_shim::protocol::spec::Streams;
use skiff_shim::protocol::{Answer, Call};
use tokio::sync::{mpsc, oneshot};

/// Sizes that wait to be set.
const SIZES: usize = 8;

impl Core {
    /// Connects to the streams of a container.
    pub async fn attach(&self, request: AttachRequest) -> Outcome<Session> {
        let container = self.running(&request.container_id)?;
        let sandbox = self.sandbox(&container.sandbox)?;
        let terminal = container.read(|record| record.config.tty);
        let streams = Streams {
            stdin: request.stdin,
            stdout: request.stdout,
            // A terminal's output is all one stream.
            stderr: request.stderr && !terminal,
        };
        let mut pipes = Pipes::new(streams)?;
        let mut connection = sandbox.shim.connect().await?;
        let call = Call::Attach { container: container.id.clone(), streams };
        connection.send(call, &pipes.theirs()).await?;
        pipes.hand_over();
        match connection.expect().await? {
            Answer::Done => {}
            other => return Err(RuntimeError::Internal(format!("shim answered {other:?} to an attach"))),
        }
        let (exit_sender, exit) = oneshot::channel();
        let (sizes_sender, sizes) = mpsc::channel(SIZES);
        tokio::spawn(follow(connection, sizes, exit_sender));
        Ok(Session {
            stdin: pipes.stdin.take(),
            stdout: pipes.stdout.take(),
            stderr: pipes.stderr.take(),
            resize: terminal.then_some(sizes_sender),
            exit: Box::pin(async { exit.await.map_err(|_| CriError::internal("the attachment ended"))? }),
        })
    }
}

/// Passes sizes on until the container ends, or the session is dropped.
async fn follow(
    mut connection: ShimConnection,
    mut sizes: mpsc::Receiver<TerminalSize>,
    mut exit: oneshot::Sender<CriResult<i32>>,
) {
    loop {
        let ended = tokio::select! {
            ended = connection.ended() => Some(ended),
            Some(size) = sizes.recv() => {
                let call = Call::Resize { width: size.width, height: size.height };
                connection.send(call, &[]).await.err().map(Err)
            }
            () = exit.closed() => return,
        };
        if let Some(ended) = ended {
            // Nobody may wait for it any more.
            let _ = exit.send(ended.map_err(CriError::from));
            return;
        }
    }
}

//! Commands whose output is collected: probes and hooks.

use crate::embedded::Core;
use crate::error::{Outcome, RuntimeError};
use skiff_cri::streams::Reader;
use skiff_cri::v1::{ExecSyncRequest, ExecSyncResponse};
use skiff_shim::protocol::spec::Streams;
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// CRI's limit; what comes after is read and dropped.
const MAX_OUTPUT: usize = 16 << 20;

impl Core {
    /// Runs a command to its end, or to its deadline, which kills it.
    pub async fn exec_sync(&self, request: ExecSyncRequest) -> Outcome<ExecSyncResponse> {
        let container = self.running(&request.container_id)?;
        let deadline = u64::try_from(request.timeout).ok().filter(|seconds| *seconds > 0);
        let work = async {
            let streams = Streams { stdin: false, stdout: true, stderr: true };
            let mut command = self.start_command(&container, request.cmd, false, streams).await?;
            let (stdout, stderr) = (command.pipes.stdout.take(), command.pipes.stderr.take());
            let (exit_code, stdout, stderr) =
                tokio::join!(command.connection.ended(), collect(stdout), collect(stderr));
            Ok(ExecSyncResponse { stdout, stderr, exit_code: exit_code? })
        };
        match deadline {
            None => work.await,
            Some(seconds) => {
                let result = tokio::time::timeout(Duration::from_secs(seconds), work).await;
                result.unwrap_or_else(|_| {
                    Err(RuntimeError::Deadline(format!(
                        "failed to exec in container: timeout {seconds}s exceeded: context deadline exceeded"
                    )))
                })
            }
        }
    }
}

async fn collect(stream: Option<Reader>) -> Vec<u8> {
    let Some(mut stream) = stream else { return Vec::new() };
    let mut collected = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    // A stream that breaks has ended.
    while let Ok(length @ 1..) = stream.read(&mut chunk).await {
        let room = MAX_OUTPUT - collected.len();
        collected.extend_from_slice(&chunk[..length.min(room)]);
    }
    collected
}

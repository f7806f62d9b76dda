//! A command in the container: its exit code decides.

use crate::worker::probes::ProbeOutcome;
use skiff_cri::v1::ExecSyncRequest;
use skiff_cri::{Code, Runtime};
use std::time::Duration;

/// What of a command's output an event shows at most.
const OUTPUT: usize = 10 << 10;

/// Runs a command.
pub async fn probe(
    runtime: &dyn Runtime,
    container: &str,
    command: Vec<String>,
    timeout: Duration,
) -> ProbeOutcome {
    let text = command.join(" ");
    let seconds = i64::try_from(timeout.as_secs()).unwrap_or(1);
    let request = ExecSyncRequest { container_id: container.to_owned(), cmd: command, timeout: seconds };
    match runtime.exec_sync(request).await {
        Ok(answer) if answer.exit_code == 0 => ProbeOutcome::Success,
        Ok(answer) => {
            let output = [answer.stdout, answer.stderr].concat();
            ProbeOutcome::Failure(String::from_utf8_lossy(&output[..output.len().min(OUTPUT)]).into_owned())
        }
        Err(error) if error.code == Code::DeadlineExceeded => {
            ProbeOutcome::Failure(format!("command timed out: {text:?} timed out after {seconds}s"))
        }
        Err(error) => ProbeOutcome::Error(error.message),
    }
}

//! Starts a shim for a sandbox whose folder and spec are there.

use crate::error::{At, Outcome, RuntimeError};
use std::fs::OpenOptions;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

/// Starts it and waits until it listens.
pub async fn launch(program: &Path, sandbox: &str, directory: &Path) -> Outcome<()> {
    let log_path = directory.join("shim.log");
    let log = OpenOptions::new().create(true).append(true).open(&log_path).at("open", &log_path)?;
    let mut child = Command::new(program)
        .arg(directory)
        .env_clear()
        // The server's working directory may be unmounted one day.
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        // A terminal's interrupt is meant for the server.
        .process_group(0)
        .spawn()
        .at("start", program)?;
    let mut word = String::new();
    if let Some(stdout) = child.stdout.take() {
        let mut stdout = BufReader::new(stdout.take(64 * 1024));
        stdout.read_line(&mut word).await.at("read the first word of", program)?;
    }
    if word.trim() == "ready" {
        // The shim outlives this process; until then somebody has to collect it.
        tokio::spawn(async move { child.wait().await });
        return Ok(());
    }
    // It has given its reason and ends by itself.
    let _ = child.wait().await;
    let reason = match word.trim() {
        "" => "it ended before it was ready".to_owned(),
        reason => reason.to_owned(),
    };
    Err(RuntimeError::ShimGone { sandbox: sandbox.to_owned(), reason })
}

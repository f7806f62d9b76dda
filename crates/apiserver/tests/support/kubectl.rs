//! Running the kubectls of the machine against a server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

use super::Server;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The kubectls beside the dispatcher, or the one on PATH.
pub fn kubectls() -> Vec<PathBuf> {
    let beside = std::fs::canonicalize("/usr/bin/kubectl").ok().and_then(|p| p.parent().map(Path::to_owned));
    let mut found: Vec<PathBuf> = beside
        .into_iter()
        .filter_map(|dir| std::fs::read_dir(dir).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| {
            path.file_name().and_then(|n| n.to_str()).is_some_and(|name| name.starts_with("kubectl.1."))
        })
        .collect();
    found.sort();
    if found.is_empty() { vec![PathBuf::from("kubectl")] } else { found }
}

/// Runs one kubectl; its output, or what it complains about.
pub async fn run(server: &Server, kubectl: &Path, arguments: &str, stdin: &str) -> Result<String, String> {
    use tokio::io::AsyncWriteExt;
    let mut child = Command::new(kubectl)
        .args(arguments.split_whitespace())
        .env("KUBECONFIG", &server.kubeconfig)
        .env("HOME", server.directory.path())
        .env("NO_PROXY", "*")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let mut input = child.stdin.take().unwrap();
    input.write_all(stdin.as_bytes()).await.unwrap();
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err(format!("{arguments}: {text}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

//! Every real kubectl on the machine creates, reads, applies and deletes.

mod support;

use std::path::{Path, PathBuf};
use support::Server;
use tokio::process::Command;

/// The kubectls beside the dispatcher, or the one on PATH.
fn kubectls() -> Vec<PathBuf> {
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

async fn run(server: &Server, kubectl: &Path, arguments: &str, stdin: &str) -> Result<String, String> {
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

const CONFIG_MAP: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: page, labels: {app: web}}
data: {a: b}
";

#[tokio::test(flavor = "multi_thread")]
async fn every_kubectl_works_with_config_maps() {
    let server = Server::start().await;
    for kubectl in kubectls() {
        let k = |arguments: &'static str, stdin: &'static str| {
            let (server, kubectl) = (&server, kubectl.clone());
            async move { run(server, &kubectl, arguments, stdin).await }
        };
        let check = async {
            k("create -f -", CONFIG_MAP).await?;
            let table = k("get configmap page", "").await?;
            assert!(table.contains("NAME") && table.contains("page"), "{table}");
            let applied = k("apply -f -", CONFIG_MAP).await?;
            assert!(applied.contains("configured") || applied.contains("unchanged"), "{applied}");
            let applied = k("apply -f -", CONFIG_MAP).await?;
            assert!(applied.contains("unchanged"), "{applied}");
            k("apply --server-side --force-conflicts -f -", CONFIG_MAP).await?;
            let value = k("get cm page -o jsonpath={.data.a}", "").await?;
            assert_eq!(value, "b");
            k("patch cm page --type=merge -p {\"data\":{\"a\":\"c\"}}", "").await?;
            k("label cm page tier=front", "").await?;
            let labelled = k("get cm -l tier=front -o name", "").await?;
            assert_eq!(labelled.trim(), "configmap/page");
            k("explain configmap.data", "").await?;
            k("delete cm page", "").await?;
            let gone = k("get cm page", "").await.unwrap_err();
            assert!(gone.contains("configmaps \"page\" not found"), "{gone}");
            Ok::<(), String>(())
        };
        check.await.unwrap_or_else(|error| panic!("{}: {error}", kubectl.display()));
    }
}

//! An etcd server of its own for a test, on free loopback ports with a directory that goes away.
//!
//! Tests that need it pass without it where no `etcd` is installed; `SKIFF_REQUIRE_ETCD=1` makes that a failure.

use skiff_storage::etcd::{EtcdOptions, EtcdStorage};
use skiff_storage::{Storage, StorageError};
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub struct EtcdServer {
    process: Child,
    endpoint: String,
    _dir: TempDir,
}

impl EtcdServer {
    /// Starts a server and waits until it serves; `None` if etcd is not installed.
    pub fn start() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let (client, peer) = (free_url(), free_url());
        let started = Command::new("etcd")
            .args(["--name", "test", "--logger", "zap", "--data-dir"])
            .arg(dir.path())
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .arg(format!("--initial-cluster=test={peer}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut process = match started {
            Ok(process) => process,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                assert!(std::env::var_os("SKIFF_REQUIRE_ETCD").is_none(), "etcd is not installed");
                eprintln!("skipped: etcd is not installed");
                return None;
            }
            Err(error) => panic!("etcd: {error}"),
        };
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let server = Self { process, endpoint: client, _dir: dir };
        let mut seen = Vec::new();
        loop {
            let line = log.next().unwrap_or_else(|| panic!("etcd ended: {seen:#?}")).unwrap();
            if line.contains("serving insecure client requests") || line.contains("serving client traffic") {
                break;
            }
            seen.push(line);
        }
        // A full pipe would stop the server.
        std::thread::spawn(move || log.for_each(drop));
        Some(server)
    }

    pub async fn connect(&self) -> EtcdStorage {
        let options = EtcdOptions { endpoints: vec![self.endpoint.clone()], tls: None };
        EtcdStorage::connect(options).await.unwrap()
    }
}

impl Drop for EtcdServer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn free_url() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}")
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_soon() {
    let options = EtcdOptions { endpoints: vec![free_url()], tls: None };
    match EtcdStorage::connect(options).await {
        Err(StorageError::Unavailable(_)) => {}
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("connected to nothing"),
    }
}

#[tokio::test]
async fn a_server_that_goes_away_ends_watches_and_refuses_writes() {
    let Some(server) = EtcdServer::start() else { return };
    let store = server.connect().await;
    let mut watcher = crate::steps::Watcher::start(&store, "/k", 0).await;
    crate::steps::create(&store, "/k", "x").await;
    watcher.event().await;
    drop(server);
    assert!(matches!(watcher.error().await, StorageError::Unavailable(_)));
    assert!(matches!(store.revision().await, Err(StorageError::Unavailable(_))));
}

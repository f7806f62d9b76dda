//! An etcd server of its own for a test or a measurement, on free loopback ports with a directory that goes away.
//!
//! Tests that need it pass without it where no `etcd` is installed; `SKIFF_REQUIRE_ETCD=1` makes that a failure.

use std::io::{BufRead, BufReader, ErrorKind};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running etcd, stopped when dropped.
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

    /// Where it serves clients, as a URL.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for EtcdServer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A loopback URL at which nothing listens.
pub fn free_url() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}")
}

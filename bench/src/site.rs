//! A server for one run: its own data directory and port and, with a node, its own host; nothing of it stays.

use crate::process;
use crate::row::Bench;
use crate::target::Target;
use anyhow::{Context, Result, bail, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use skiff_testkit::etcd::EtcdServer;
use skiff_testkit::host::Host;
use std::fs::File;
use std::future::Future;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The image of the pods that rows start.
pub const IMAGE: &str = "example.test/busybox:1";
/// The node's name.
pub const NODE: &str = "sail";
/// Longest that a server may take to start or stop, or a cluster to come to rest.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at a server that starts.
pub const PAUSE: Duration = Duration::from_millis(1);
/// A server is at rest when it uses less than this share of a core over [`REST_WINDOW`].
const REST: f64 = 0.05;
const REST_WINDOW: Duration = Duration::from_millis(400);

/// What a server has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// API server and store alone: what upstream's figures of the API server and etcd are compared with.
    ApiServer,
    /// Also controllers and scheduler.
    ControlPlane,
    /// Everything, with a node; needs root.
    Node,
}

/// Where a server keeps its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// In its own data directory.
    Embedded,
    /// In an etcd of this site.
    Etcd,
}

impl Store {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Embedded, Self::Etcd];

    /// What a figure's text begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Embedded => "",
            Self::Etcd => "on etcd: ",
        }
    }
}

/// The server and where it lives.
pub struct Site {
    dir: TempDir,
    host: Option<Host>,
    etcd: Option<EtcdServer>,
    binary: PathBuf,
    parts: Parts,
    port: u16,
    process: Option<Child>,
}

impl Site {
    /// Makes the place; nothing runs in it.
    ///
    /// # Errors
    /// If directories cannot be made.
    pub fn new(bench: &Bench, parts: Parts) -> Result<Self> {
        let host = (parts == Parts::Node).then(Host::new);
        let port = match &host {
            Some(_) => 6443,
            None => TcpListener::bind("127.0.0.1:0")?.local_addr()?.port(),
        };
        let (dir, binary) = (tempfile::tempdir()?, bench.binary.clone());
        Ok(Self { dir, host, etcd: None, binary, parts, port, process: None })
    }

    /// Makes the place and starts a server there that is ready.
    ///
    /// # Errors
    /// If the server does not start.
    pub fn started(bench: &Bench, parts: Parts) -> Result<Self> {
        Self::started_on(bench, parts, Store::Embedded)
    }

    /// The same, with a store.
    ///
    /// # Errors
    /// If the server does not start, or there is no etcd.
    pub fn started_on(bench: &Bench, parts: Parts, store: Store) -> Result<Self> {
        let mut site = Self::new(bench, parts)?;
        if store == Store::Etcd {
            site.etcd = Some(EtcdServer::start().context("etcd is not installed")?);
        }
        site.start()?;
        let target = site.target()?;
        site.run(async move { crate::rows::start::ready(&target).await })?;
        Ok(site)
    }

    /// Starts the server and returns when that was.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(&mut self) -> Result<Instant> {
        let log = File::create(self.path("log"))?;
        let mut command = self.command();
        command.arg("server").arg("--data-dir").arg(self.data());
        command.arg("--write-kubeconfig").arg(self.kubeconfig());
        command.args(["--https-listen-port", &self.port.to_string(), "--node-name", NODE]);
        if self.parts != Parts::Node {
            command.args(["--disable-agent", "--node-ip", "127.0.0.1", "--bind-address", "127.0.0.1"]);
            // Room for the pod networks of thousands of nodes.
            command.args(["--cluster-cidr", "100.64.0.0/10"]);
        }
        if self.parts == Parts::ApiServer {
            command.args(["--disable", "kube-scheduler,kube-controller-manager"]);
        }
        if let Some(etcd) = &self.etcd {
            command.args(["--datastore-endpoint", etcd.endpoint()]);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let start = Instant::now();
        self.process = Some(command.spawn().with_context(|| format!("start {}", self.binary.display()))?);
        Ok(start)
    }

    /// Puts an image with busybox where the server finds it.
    ///
    /// # Errors
    /// If it cannot be imported.
    pub fn import_image(&self) -> Result<()> {
        let archive = self.path("image.tar");
        skiff_testkit::image::write_busybox_image(&archive, IMAGE);
        let output =
            self.command().args(["image", "import", "--data-dir"]).arg(self.data()).arg(archive).output()?;
        ensure!(output.status.success(), "image import: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(())
    }

    /// Where the server listens and how to be let in; waits until it has written that.
    ///
    /// # Errors
    /// If the server ends or takes too long.
    pub fn target(&mut self) -> Result<Target> {
        let start = Instant::now();
        loop {
            if let Ok(target) = Target::load(&self.kubeconfig()) {
                return Ok(target);
            }
            let ended = self.process.as_mut().and_then(|process| process.try_wait().ok()).flatten();
            if ended.is_some() || start.elapsed() > PATIENCE {
                bail!("the server does not start: {}", self.log());
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Runs a client in the server's network, on a thread that ends with it.
    ///
    /// # Errors
    /// What the client says, with the end of the server's log.
    pub fn run<T: Send>(&self, client: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let network = self.host.as_ref().map(|host| File::open(format!("/proc/{}/ns/net", host.pid())));
        let network = network.transpose().context("the host's network")?;
        let work = move || {
            if let Some(network) = network {
                move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
            }
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(client)
        };
        let outcome = std::thread::scope(|scope| scope.spawn(work).join());
        match outcome {
            Ok(outcome) => outcome.with_context(|| format!("the server's log ends with:\n{}", self.log())),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// The server's process. With a node, the program that enters the host becomes the server.
    ///
    /// # Errors
    /// If none was started.
    pub fn pid(&self) -> Result<u32> {
        self.process.as_ref().map(Child::id).context("no server was started")
    }

    /// The process of its etcd, if it has one.
    pub fn etcd(&self) -> Option<u32> {
        self.etcd.as_ref().map(EtcdServer::pid)
    }

    /// The processes of the pods' shims.
    ///
    /// # Errors
    /// If no server was started.
    pub fn shims(&self) -> Result<Vec<u32>> {
        let server = self.pid()?;
        Ok(process::naming(&self.data()).into_iter().filter(|pid| *pid != server).collect())
    }

    /// Waits until the server does next to nothing.
    ///
    /// # Errors
    /// If it never comes to rest.
    pub async fn rest(server: u32) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let before = process::cpu(server)?;
            tokio::time::sleep(REST_WINDOW).await;
            if process::cpu(server)? - before < REST * REST_WINDOW.as_secs_f64() {
                return Ok(());
            }
        }
        bail!("the server does not come to rest")
    }

    /// The server's data directory.
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn kubeconfig(&self) -> PathBuf {
        self.path("kubeconfig")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self) -> Command {
        match &self.host {
            Some(host) => host.command(&self.binary),
            None => Command::new(&self.binary),
        }
    }

    fn log(&self) -> String {
        last_lines(&self.path("log"), 20)
    }

    fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let pid = rustix::process::Pid::from_child(&process);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let start = Instant::now();
        while start.elapsed() < PATIENCE && matches!(process.try_wait(), Ok(None)) {
            std::thread::sleep(PAUSE);
        }
        drop(process.kill());
        drop(process.wait());
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop();
        if self.host.is_some() {
            let cleaned = self.command().args(["cleanup", "--data-dir"]).arg(self.data()).output();
            if let Ok(output) = cleaned
                && !output.status.success()
            {
                eprintln!("cleanup: {}", String::from_utf8_lossy(&output.stderr).trim());
            }
        }
    }
}

fn last_lines(path: &Path, count: usize) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

//! A real `skiff server` for a test: its own data directory, port and, with a node, its own host.

use crate::host::Host;
use crate::wait;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long a server may take to be ready; far above what it takes.
const READY: Duration = Duration::from_secs(60);
/// How long a server may take to stop.
const STOP: Duration = Duration::from_secs(20);

/// What a test's server is like.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// With a node: needs root, and a host of its own.
    pub node: bool,
    /// Further flags.
    pub flags: Vec<String>,
}

/// A running server; dropping it stops it and removes what it left.
pub struct Server {
    dir: TempDir,
    host: Option<Host>,
    port: u16,
    options: Options,
    process: Option<Child>,
}

/// The binary under test: `SKIFF_BIN`, or what cargo built beside the test.
///
/// # Panics
/// If there is none.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("SKIFF_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a running program has a path");
    let path = test.ancestors().nth(2).expect("tests run from target/PROFILE/deps").join("skiff");
    assert!(path.exists(), "{} is not there: run `cargo build -p skiff` first", path.display());
    path
}

impl Server {
    /// Starts a server and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn start(options: Options) -> Self {
        let dir = tempfile::tempdir().expect("the machine has a temporary directory");
        let host = options.node.then(Host::new);
        // In a host of its own the port is free; else the kernel names a free one.
        let port = match &host {
            Some(_) => 6443,
            None => {
                TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port is free").port()
            }
        };
        let mut server = Self { dir, host, port, options, process: None };
        server.launch();
        server
    }

    /// Starts the server again after it was killed or stopped.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn launch(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .expect("the test's directory is writable");
        let mut command = self.command(binary());
        command
            .arg("server")
            .args(["--data-dir", &self.text("data"), "--write-kubeconfig", &self.text("kubeconfig")])
            .args(["--https-listen-port", &self.port.to_string(), "--node-name", "sail"])
            .args(&self.options.flags)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log);
        if !self.options.node {
            command.args(["--disable-agent", "--node-ip", "127.0.0.1", "--bind-address", "127.0.0.1"]);
        }
        self.process = Some(command.spawn().expect("the binary starts"));
        wait::until("the server is ready", READY, || self.check_ready());
    }

    fn check_ready(&mut self) -> Result<(), String> {
        let ended = self.process.as_mut().and_then(|process| process.try_wait().ok()).flatten();
        assert!(ended.is_none(), "the server ended: {}", self.log());
        if !self.path("kubeconfig").exists() {
            return Err("no kubeconfig yet".to_owned());
        }
        self.try_kubectl(&["get", "--raw", "/readyz"]).map(drop)
    }

    fn command(&self, program: PathBuf) -> Command {
        match &self.host {
            Some(host) => host.command(program),
            None => Command::new(program),
        }
    }

    /// A file or directory of the test.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    /// What the server logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The server's port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process id; 0 while it does not run. With a node it is that of the program that entered the host.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().map_or(0, Child::id)
    }

    /// Runs kubectl; its output, or what it complained about.
    ///
    /// # Errors
    /// What kubectl wrote to its error output.
    pub fn try_kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        self.try_kubectl_with(Path::new("kubectl"), arguments)
    }

    /// Runs one of several kubectls.
    ///
    /// # Errors
    /// What kubectl wrote to its error output.
    pub fn try_kubectl_with(&self, kubectl: &Path, arguments: &[&str]) -> Result<String, String> {
        let output = self.run(kubectl, arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(format!("{}{}", text(&output.stdout), text(&output.stderr)))
        }
    }

    fn run(&self, kubectl: &Path, arguments: &[&str]) -> Output {
        self.command(kubectl.to_owned())
            .args(["--kubeconfig", &self.text("kubeconfig"), "--request-timeout=30s"])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("kubectl is installed by `cargo xtask setup`")
    }

    /// Runs kubectl.
    ///
    /// # Panics
    /// If it fails.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.try_kubectl(arguments).unwrap_or_else(|error| panic!("kubectl {}: {error}", arguments.join(" ")))
    }

    /// Applies a manifest.
    ///
    /// # Panics
    /// If it is refused.
    pub fn apply(&self, manifest: &str) -> String {
        let path = self.path("manifest.yaml");
        std::fs::write(&path, manifest).expect("the test's directory is writable");
        self.kubectl(&["apply", "-f", &path.to_string_lossy()])
    }

    /// Waits until kubectl prints what a condition wants to see.
    ///
    /// # Panics
    /// When the deadline passes.
    pub fn until(&self, arguments: &[&str], deadline: Duration, holds: impl Fn(&str) -> bool) -> String {
        wait::until(&format!("kubectl {}", arguments.join(" ")), deadline, || {
            let output = self.try_kubectl(arguments)?;
            if holds(&output) { Ok(output) } else { Err(output) }
        })
    }

    /// Imports an image with busybox under a name.
    ///
    /// # Panics
    /// If it cannot be imported.
    pub fn import_busybox(&self, name: &str) {
        let archive = self.path("image.tar");
        crate::image::write_busybox_image(&archive, name);
        let output = self
            .command(binary())
            .args(["image", "import", "--data-dir", &self.text("data"), &archive.to_string_lossy()])
            .output()
            .expect("the binary starts");
        assert!(output.status.success(), "import: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Runs a program in the server's host and returns its output.
    ///
    /// # Errors
    /// What it wrote to its error output.
    pub fn in_host(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        let output = self.command(program.into()).args(arguments).output().map_err(|e| e.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Kills the server with SIGKILL.
    pub fn kill(&mut self) {
        self.signal("KILL");
    }

    /// Stops the server with SIGTERM.
    pub fn stop(&mut self) {
        self.signal("TERM");
    }

    fn signal(&mut self, name: &str) {
        let Some(mut process) = self.process.take() else { return };
        // nsenter replaces itself by the server, so the child's id is the server's.
        drop(Command::new("kill").args([&format!("-{name}"), &process.id().to_string()]).status());
        let start = std::time::Instant::now();
        while start.elapsed() < STOP && matches!(process.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(process.kill());
        drop(process.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("--- the server's log ends with:");
            for line in tail.iter().rev() {
                eprintln!("{line}");
            }
        }
        self.signal("TERM");
        if self.options.node {
            let cleaned = self.command(binary()).args(["cleanup", "--data-dir", &self.text("data")]).output();
            if let Ok(output) = cleaned
                && !output.status.success()
            {
                eprintln!("cleanup: {}", String::from_utf8_lossy(&output.stderr));
            }
        }
    }
}

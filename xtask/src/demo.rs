//! `cargo xtask demo`: from nothing to a running application, with a timeline.

use crate::root;
use anyhow::{Context, Result, bail, ensure};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const IMAGE: &str = "example.test/demo:1";
/// Longest that any step may take.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(10);

const MANIFEST: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: page}
data: {index.html: \"hello from skiff\\n\"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: httpd
        image: example.test/demo:1
        command: [httpd, -f, -p, \"8080\", -h, /www]
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /index.html, port: http}, periodSeconds: 1}
        volumeMounts: [{name: page, mountPath: /www}]
      volumes: [{name: page, configMap: {name: page}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
";

/// Builds, runs and shows.
pub fn run(arguments: &[String]) -> Result<()> {
    let keep = arguments.iter().any(|a| a == "--keep");
    ensure!(is_root(), "the demo runs containers: run it as root");
    crate::setup::run(&[])?;
    step("building the release binary");
    cargo(&["build", "--release", "--package", "skiff"])?;
    let binary = root().join("target/release/skiff");
    let dir = root().join("target/demo");
    clean(&binary, &dir)?;
    std::fs::create_dir_all(&dir)?;
    let archive = dir.join("image.tar");
    step("building the demo image");
    let example = ["run", "--quiet", "--package", "skiff-testkit", "--example", "busybox_image", "--"];
    cargo(&[&example[..], &[&archive.to_string_lossy(), IMAGE]].concat())?;
    let outcome = sail(&Demo { binary: binary.clone(), dir: dir.clone() }, &archive, keep);
    if !keep || outcome.is_err() {
        clean(&binary, &dir)?;
    }
    outcome
}

struct Demo {
    binary: PathBuf,
    dir: PathBuf,
}

fn sail(demo: &Demo, archive: &Path, keep: bool) -> Result<()> {
    step("starting the server");
    let start = Instant::now();
    let mut server = demo.start()?;
    let outcome = demo.show(start, archive, server.id());
    match (&outcome, keep) {
        (Ok(()), true) => {
            println!("\nThe server keeps running as process {}. Go on with:", server.id());
            println!("  export KUBECONFIG={}", demo.kubeconfig().display());
            println!("  kubectl get pods -o wide");
            println!(
                "  kill {}; {} cleanup --data-dir {}",
                server.id(),
                demo.binary.display(),
                demo.data().display()
            );
        }
        _ => {
            drop(Command::new("kill").arg(server.id().to_string()).status());
            drop(server.wait());
            if outcome.is_ok() {
                println!("\nThe demo is over and cleaned up. `cargo xtask demo --keep` leaves it running.");
            }
        }
    }
    outcome
}

impl Demo {
    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn kubeconfig(&self) -> PathBuf {
        self.dir.join("kubeconfig")
    }

    fn start(&self) -> Result<Child> {
        let log = std::fs::File::create(self.dir.join("log"))?;
        Command::new(&self.binary)
            .arg("server")
            .arg("--data-dir")
            .arg(self.data())
            .arg("--write-kubeconfig")
            .arg(self.kubeconfig())
            .args(["--https-listen-port", "16443", "--node-name", "demo"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start the server")
    }

    fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .context("kubectl is needed: `cargo xtask setup` installs it")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { bail!("{}", text(&output.stderr)) }
    }

    fn until(&self, what: &str, mut look: impl FnMut() -> Result<bool>) -> Result<Instant> {
        let start = Instant::now();
        loop {
            let last = match look() {
                Ok(true) => return Ok(Instant::now()),
                Ok(false) => String::new(),
                Err(error) => format!(": {error:#}"),
            };
            if start.elapsed() > PATIENCE {
                bail!(
                    "{what} did not happen in {PATIENCE:?}{last}; the log is {}",
                    self.dir.join("log").display()
                );
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn show(&self, start: Instant, archive: &Path, pid: u32) -> Result<()> {
        let ready = self.until("ready", || {
            Ok(self.kubeconfig().exists() && self.kubectl(&["get", "--raw", "/readyz"]).is_ok())
        })?;
        let condition = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
        let node_ready = self
            .until("node Ready", || Ok(self.kubectl(&["get", "node", "demo", "-o", condition])? == "True"))?;
        step("importing the image and applying the manifest");
        let imported = Command::new(&self.binary)
            .args(["image", "import", "--data-dir"])
            .arg(self.data())
            .arg(archive)
            .output()?;
        ensure!(imported.status.success(), "import: {}", String::from_utf8_lossy(&imported.stderr).trim());
        let applied = Instant::now();
        self.apply()?;
        self.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"])?;
        let running = Instant::now();
        let address = self.kubectl(&["get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"])?;
        let mut answer = String::new();
        let answered = self.until("an answer on the cluster IP", || {
            answer = fetch(&address)?;
            Ok(answer.contains("hello"))
        })?;
        let pod =
            self.kubectl(&["get", "pod", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}"])?;
        let name = "http://web.default.svc.cluster.local/";
        let by_name = self.kubectl(&["exec", &pod, "--", "wget", "-qO-", name])?;
        let memory = memory_of(pid);

        let row = |what: &str, from: Instant, to: Instant| {
            println!("  {what:<44}{:>8} ms", to.duration_since(from).as_millis());
        };
        println!("\ntimeline");
        row("start to ready", start, ready);
        row("start to node Ready", start, node_ready);
        row("apply to 3 pods ready", applied, running);
        row("apply to first answer on the cluster IP", applied, answered);
        if let Some(mebibytes) = memory {
            println!("  {:<44}{mebibytes:>8.1} MiB", "server memory (PSS)");
        }
        println!("\n$ curl http://{address}/\n{}", answer.lines().last().unwrap_or_default());
        println!("$ kubectl exec {pod} -- wget -qO- {name}\n{by_name}");
        Ok(())
    }

    fn apply(&self) -> Result<()> {
        let mut child = Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            .args(["apply", "-f", "-"])
            .stdin(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(MANIFEST.as_bytes())?;
        }
        ensure!(child.wait()?.success(), "apply failed");
        Ok(())
    }
}

/// The body of `GET /` at an address.
fn fetch(address: &str) -> Result<String> {
    use std::io::Read;
    let socket = format!("{address}:80").parse()?;
    let mut stream = std::net::TcpStream::connect_timeout(&socket, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(stream, "GET / HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

fn memory_of(pid: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find(|line| line.starts_with("Pss:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kibibytes| kibibytes / 1024.0)
}

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status.lines().any(|l| l.starts_with("Uid:") && l.split_whitespace().nth(2) == Some("0"))
    })
}

fn clean(binary: &Path, dir: &Path) -> Result<()> {
    let data = dir.join("data");
    if data.exists() && binary.exists() {
        let status = Command::new(binary).args(["cleanup", "--data-dir"]).arg(&data).status()?;
        ensure!(status.success(), "an earlier demo still runs: stop its server first");
    }
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn cargo(arguments: &[&str]) -> Result<()> {
    let status = Command::new(env!("CARGO")).args(arguments).current_dir(root()).status()?;
    ensure!(status.success(), "cargo {} failed", arguments.first().unwrap_or(&""));
    Ok(())
}

fn step(what: &str) {
    println!("==> {what}");
}

//! The components as processes of their own, with upstream's flags, on etcd: together they are a cluster.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

use skiff_pki::{CertificateRequest, Issued, Pki};
use skiff_testkit::host::Host;
use skiff_testkit::server::binary;
use skiff_testkit::wait;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);
/// The test host's own address.
const NODE_IP: &str = "192.0.2.2";
const SERVER: &str = "https://192.0.2.2:6443";

const WEB: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: httpd
        image: example.test/busybox:1
        command: [sh, -c, "mkdir /www; echo hello > /www/index.html; trap 'exit 1' TERM; httpd -f -p 8080 -h /www & wait"]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"#;

/// A host with processes; dropping it stops them and removes what the node left.
struct Cluster {
    dir: tempfile::TempDir,
    host: Host,
    pki: Pki,
    running: BTreeMap<String, Child>,
}

impl Cluster {
    /// etcd and the API server.
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::open(&dir.path().join("pki")).unwrap();
        let mut cluster = Self { dir, host: Host::new(), pki, running: BTreeMap::new() };
        cluster.write("client-ca.crt", cluster.pki.client_ca.certificate_pem());
        cluster.write("server-ca.crt", cluster.pki.server_ca.certificate_pem());
        let addresses =
            vec![NODE_IP.parse().unwrap(), "127.0.0.1".parse().unwrap(), "10.43.0.1".parse().unwrap()];
        let names = vec!["kubernetes.default.svc".to_owned()];
        cluster.serving("apiserver", names.clone(), addresses.clone());
        cluster.serving("kubelet", names, addresses);
        for (file, user, group) in [
            ("admin", "system:admin", Some("system:masters")),
            ("kubelet-client", "kube-apiserver-kubelet-client", Some("system:masters")),
            ("scheduler", "system:kube-scheduler", None),
            ("controller-manager", "system:kube-controller-manager", None),
            ("node", "system:node:sail", Some("system:nodes")),
            ("proxy", "system:kube-proxy", None),
        ] {
            let issued = cluster.pki.client_ca.issue(&CertificateRequest::client(user, group)).unwrap();
            let text = skiff_pki::kubeconfig::with_certificate(
                SERVER,
                cluster.pki.server_ca.certificate_pem(),
                &issued,
            );
            cluster.write(&format!("{file}.kubeconfig"), &text);
            cluster.pair(file, &issued);
        }
        // A key as kubeadm makes it, and its public half in a file of its own.
        cluster.run("openssl", &["genrsa", "-traditional", "-out", &cluster.text("sa.key"), "2048"]);
        cluster.run(
            "openssl",
            &["rsa", "-in", &cluster.text("sa.key"), "-pubout", "-out", &cluster.text("sa.pub")],
        );

        let data = cluster.text("etcd");
        cluster.spawn("etcd", Path::new("etcd"), &["--data-dir", &data]);
        cluster.component(
            "kube-apiserver",
            "kube-apiserver",
            &[
                ("etcd-servers", "http://127.0.0.1:2379"),
                ("tls-cert-file", "=apiserver.crt"),
                ("tls-private-key-file", "=apiserver.key"),
                ("client-ca-file", "=client-ca.crt"),
                ("service-account-issuer", "https://kubernetes.default.svc"),
                ("service-account-key-file", "=sa.pub"),
                ("service-account-signing-key-file", "=sa.key"),
                ("service-cluster-ip-range", "10.43.0.0/16"),
                ("authorization-mode", "Node,RBAC"),
                ("enable-admission-plugins", "NodeRestriction"),
                ("kubelet-client-certificate", "=kubelet-client.crt"),
                ("kubelet-client-key", "=kubelet-client.key"),
                ("kubelet-certificate-authority", "=server-ca.crt"),
                ("advertise-address", NODE_IP),
            ],
        );
        wait::until("the API server is ready", SOON, || cluster.try_kubectl(&["get", "--raw", "/readyz"]));
        cluster
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn pair(&self, name: &str, issued: &Issued) {
        self.write(&format!("{name}.crt"), &issued.certificate_pem);
        self.write(&format!("{name}.key"), &issued.key_pem);
    }

    fn serving(&self, name: &str, names: Vec<String>, addresses: Vec<std::net::IpAddr>) {
        let request = CertificateRequest::server(name, names, addresses);
        self.pair(name, &self.pki.server_ca.issue(&request).unwrap());
    }

    /// Starts `skiff COMMAND` under a name; a value that begins with `=` is a file of the test.
    fn component(&mut self, name: &str, command: &str, flags: &[(&str, &str)]) {
        let mut arguments = vec![command.to_owned()];
        for (flag, value) in flags {
            let value = value.strip_prefix('=').map_or_else(|| (*value).to_owned(), |file| self.text(file));
            arguments.push(format!("--{flag}={value}"));
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.spawn(name, &binary(), &arguments);
    }

    fn spawn(&mut self, name: &str, program: &Path, arguments: &[&str]) {
        let log = std::fs::File::create(self.path(&format!("{name}.log"))).unwrap();
        let child = self
            .host
            .command(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.running.insert(name.to_owned(), child);
    }

    fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(&format!("{name}.log"))).unwrap_or_default()
    }

    /// Kills a process of the test.
    fn kill(&mut self, name: &str) {
        let mut child = self.running.remove(name).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Stops a process by SIGTERM; whether it ended well.
    fn stop(&mut self, name: &str) -> bool {
        let mut child = self.running.remove(name).unwrap();
        self.run("kill", &["-TERM", &child.id().to_string()]);
        child.wait().unwrap().success()
    }

    fn try_run(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        let output = self.host.command(program).args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        self.try_run(program, arguments).unwrap_or_else(|e| panic!("{program} {arguments:?}: {e}"))
    }

    fn try_kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        let kubeconfig = self.text("admin.kubeconfig");
        let mut all = vec!["--kubeconfig", kubeconfig.as_str(), "--request-timeout=30s"];
        all.extend(arguments);
        self.try_run("kubectl", &all)
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        self.try_kubectl(arguments).unwrap_or_else(|e| panic!("kubectl {arguments:?}: {e}"))
    }

    fn until(&self, arguments: &[&str], holds: impl Fn(&str) -> bool) -> String {
        wait::until(&format!("kubectl {}", arguments.join(" ")), SOON, || {
            let output = self.try_kubectl(arguments)?;
            if holds(&output) { Ok(output) } else { Err(output) }
        })
    }

    fn controllers(&mut self) {
        self.component(
            "kube-controller-manager",
            "kube-controller-manager",
            &[
                ("kubeconfig", "=controller-manager.kubeconfig"),
                ("root-ca-file", "=server-ca.crt"),
                ("use-service-account-credentials", "true"),
                ("allocate-node-cidrs", "true"),
                ("cluster-cidr", "10.42.0.0/16"),
            ],
        );
    }

    fn scheduler(&mut self, name: &str, port: &str) {
        self.component(
            name,
            "kube-scheduler",
            &[
                ("kubeconfig", "=scheduler.kubeconfig"),
                ("secure-port", port),
                ("client-ca-file", "=client-ca.crt"),
                ("leader-elect-lease-duration", "3s"),
                ("leader-elect-renew-deadline", "2s"),
                ("leader-elect-retry-period", "500ms"),
            ],
        );
    }

    fn holder(&self) -> String {
        let path =
            ["get", "lease", "-n", "kube-system", "kube-scheduler", "-o", "jsonpath={.spec.holderIdentity}"];
        self.try_kubectl(&path).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in self.running.keys().filter(|name| *name != "etcd") {
                let log = self.log(name);
                let tail: Vec<&str> = log.lines().rev().take(25).collect();
                eprintln!("--- {name}:");
                tail.iter().rev().for_each(|line| eprintln!("{line}"));
            }
        }
        for child in self.running.values_mut() {
            drop(child.kill());
            drop(child.wait());
        }
        if self.path("data").exists() {
            let (data, root) = (self.text("data"), self.text("kubelet"));
            let cleaned = self
                .try_run(&binary().to_string_lossy(), &["cleanup", "--data-dir", &data, "--root-dir", &root]);
            if let Err(error) = cleaned {
                eprintln!("cleanup: {error}");
            }
        }
    }
}

#[test]
fn five_processes_are_a_cluster() {
    let mut cluster = Cluster::start();
    cluster.controllers();
    cluster.scheduler("kube-scheduler", "10259");
    cluster.component(
        "kubelet",
        "kubelet",
        &[
            ("kubeconfig", "=node.kubeconfig"),
            ("root-dir", "=kubelet"),
            ("data-dir", "=data"),
            ("hostname-override", "sail"),
            ("node-ip", NODE_IP),
            ("cluster-cidr", "10.42.0.0/16"),
            ("tls-cert-file", "=kubelet.crt"),
            ("tls-private-key-file", "=kubelet.key"),
            ("client-ca-file", "=client-ca.crt"),
            ("node-labels", "color=blue"),
        ],
    );
    cluster.component(
        "kube-proxy",
        "kube-proxy",
        &[
            ("kubeconfig", "=proxy.kubeconfig"),
            ("hostname-override", "sail"),
            ("cluster-cidr", "10.42.0.0/16"),
        ],
    );
    cluster.until(&["get", "nodes", "-l", "color=blue", "-o", "name"], |out| out == "node/sail");
    cluster.kubectl(&["wait", "--for=condition=Ready", "node/sail", "--timeout=60s"]);

    let archive = cluster.path("image.tar");
    skiff_testkit::image::write_busybox_image(&archive, "example.test/busybox:1");
    let skiff = binary().to_string_lossy().into_owned();
    cluster
        .run(&skiff, &["image", "import", "--data-dir", &cluster.text("data"), &cluster.text("image.tar")]);
    cluster.write("web.yaml", WEB);
    cluster.kubectl(&["apply", "-f", &cluster.text("web.yaml")]);
    cluster.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    let address = cluster.kubectl(&["get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"]);
    wait::until("the Service answers", SOON, || {
        let answer = cluster.try_run("curl", &["-s", "--max-time", "2", &format!("http://{address}/")])?;
        if answer == "hello" { Ok(()) } else { Err(answer) }
    });
    let pod = cluster.kubectl(&["get", "pod", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}"]);
    assert_eq!(cluster.kubectl(&["exec", &pod, "--", "cat", "/www/index.html"]), "hello");
    // The token in the pod was signed with the RSA key.
    let token =
        cluster.kubectl(&["exec", &pod, "--", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token"]);
    let who = cluster.try_run(
        "curl",
        &[
            "-sk",
            "-H",
            &format!("Authorization: Bearer {token}"),
            &format!("{SERVER}/api/v1/namespaces/default/secrets"),
        ],
    );
    assert!(who.unwrap().contains("system:serviceaccount:default:default"));

    for (component, url) in [
        ("kube-scheduler", "https://127.0.0.1:10259/healthz"),
        ("kube-controller-manager", "https://127.0.0.1:10257/healthz"),
        ("kubelet", "http://127.0.0.1:10248/healthz"),
    ] {
        assert_eq!(cluster.run("curl", &["-sk", url]), "ok", "{component}");
    }
    let health = cluster.run("curl", &["-s", "-w", "%{http_code}", "http://127.0.0.1:10256/healthz"]);
    assert!(health.contains("lastUpdated") && health.ends_with("200"), "{health}");
    let metrics = cluster.run("curl", &["-s", "http://127.0.0.1:10249/metrics"]);
    assert!(metrics.contains("kubeproxy_sync_proxy_rules_duration_seconds_count"), "{metrics}");
    let metrics = "https://127.0.0.1:10259/metrics";
    assert!(
        cluster
            .run("curl", &["-sk", metrics])
            .contains("forbidden: User \"system:anonymous\" cannot get path")
    );
    let (certificate, key) = (cluster.text("admin.crt"), cluster.text("admin.key"));
    let scraped = cluster.run("curl", &["-sk", "--cert", &certificate, "--key", &key, metrics]);
    assert!(scraped.contains("scheduler_scheduling_attempt_duration_seconds"), "{scraped}");

    cluster.kubectl(&["delete", "-f", &cluster.text("web.yaml"), "--timeout=60s"]);
    cluster.until(&["get", "pods", "-o", "name"], str::is_empty);
    for name in ["kube-proxy", "kubelet", "kube-scheduler", "kube-controller-manager", "kube-apiserver"] {
        assert!(cluster.stop(name), "{name}: {}", cluster.log(name));
    }
}

#[test]
fn another_scheduler_takes_over_when_the_leader_dies() {
    let mut cluster = Cluster::start();
    cluster.scheduler("first", "10259");
    let first =
        wait::until("a leader", SOON, || Some(cluster.holder()).filter(|h| !h.is_empty()).ok_or("none"));
    cluster.scheduler("second", "11259");
    wait::until("the second waits", SOON, || {
        if cluster.log("second").contains("attempting to acquire leader lease") {
            Ok(())
        } else {
            Err("not yet")
        }
    });
    assert_eq!(cluster.holder(), first);
    cluster.kill("first");
    let second = wait::until("another leader", SOON, || {
        let holder = cluster.holder();
        if holder.is_empty() || holder == first { Err(holder) } else { Ok(holder) }
    });
    // One that is told to stop gives the lease up.
    assert!(cluster.stop("second"), "{}", cluster.log("second"));
    assert_eq!(cluster.holder(), "", "{second} gave it up");
    let events =
        cluster.kubectl(&["get", "events", "-n", "kube-system", "-o", "jsonpath={.items[*].message}"]);
    assert!(events.contains("became leader"), "{events}");
}

#[test]
fn wrong_settings_are_told_in_one_line() {
    for (arguments, told) in [
        ("kube-scheduler", "--kubeconfig is required"),
        ("kube-scheduler --kubeconfig /nowhere", "/nowhere"),
        ("kube-scheduler --leader-elect-lease-duration 5", "missing unit in duration"),
        ("kube-controller-manager --allocate-node-cidrs", "--cluster-cidr is required"),
        ("kube-apiserver", "--etcd-servers"),
        ("kube-proxy --proxy-mode userspace --kubeconfig /nowhere", "--proxy-mode userspace"),
        ("kubelet --kubeconfig /nowhere --client-ca-file /nowhere", "/nowhere"),
        ("kubelet --kubeconfig /x --container-runtime-endpoint unix:///run/x.sock", "only the embedded"),
    ] {
        let output = Command::new(binary()).args(arguments.split(' ')).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments}: {errors}");
        let lines: Vec<&str> = errors.lines().filter(|line| line.starts_with("skiff: ")).collect();
        assert!(lines.len() == 1 && lines[0].contains(told), "{arguments}: {errors}");
    }
}

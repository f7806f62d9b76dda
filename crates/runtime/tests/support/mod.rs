//! A node for one test: a data directory with a busybox image, and the runtime over it. Gone without a trace when dropped.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]
#![allow(dead_code, reason = "each test file uses its own part")]

use futures::future::BoxFuture;
use skiff_cri::network::{SandboxNetwork, SandboxNetworkRequest};
use skiff_cri::{CriResult, Runtime, v1};
use skiff_runtime::{EmbeddedRuntime, ImageStore, RuntimeConfig};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The image that every node has.
pub const IMAGE: &str = "example.test/busybox:1";
/// Nothing in a test takes longer.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A pod network that is nothing but each pod's loopback interface.
pub struct LoopbackOnly;

impl SandboxNetwork for LoopbackOnly {
    fn configure(&self, _: Vec<String>) -> BoxFuture<'_, CriResult<()>> {
        Box::pin(async { Ok(()) })
    }
    fn not_ready(&self) -> Option<String> {
        None
    }
    fn setup(&self, _: SandboxNetworkRequest) -> BoxFuture<'_, CriResult<Vec<IpAddr>>> {
        Box::pin(async { Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]) })
    }
    fn teardown(&self, _: String) -> BoxFuture<'_, CriResult<()>> {
        Box::pin(async { Ok(()) })
    }
    fn collect(&self, _: Vec<String>) -> BoxFuture<'_, CriResult<()>> {
        Box::pin(async { Ok(()) })
    }
}

/// A node.
pub struct Node {
    pub directory: tempfile::TempDir,
    pub runtime: Server,
    pub cgroup: String,
    below: String,
}

/// The runtime of a node; none while its server is down.
pub struct Server(Option<Arc<EmbeddedRuntime>>);

impl std::ops::Deref for Server {
    type Target = Arc<EmbeddedRuntime>;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("the server is up")
    }
}

/// A container in words of the test.
pub struct Job {
    pub command: Vec<String>,
    pub config: v1::ContainerConfig,
}

impl Node {
    /// A fresh one.
    pub async fn new() -> Self {
        Self::below("data".to_owned(), None).await
    }

    /// One with this cgroup.
    pub async fn in_cgroup(cgroup: &str) -> Self {
        Self::below("data".to_owned(), Some(cgroup.to_owned())).await
    }

    /// One whose data directory's path is at least so long.
    pub async fn deep(length: usize) -> Self {
        Self::below("d".repeat(length), None).await
    }

    async fn below(below: String, cgroup: Option<String>) -> Self {
        let directory = tempfile::Builder::new().prefix("skiff-runtime-").tempdir().unwrap();
        let unique = directory.path().file_name().unwrap().to_str().unwrap().to_owned();
        let mut node =
            Self { directory, runtime: Server(None), cgroup: cgroup.unwrap_or(format!("/{unique}")), below };
        let store = ImageStore::open(&node.data_dir()).unwrap();
        assert_eq!(store.import(&*busybox_archive()).unwrap(), [IMAGE]);
        node.restart().await;
        node
    }

    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join(&self.below)
    }

    /// The server is killed and started again.
    pub async fn restart(&mut self) {
        self.kill_server().await;
        self.runtime = Server(Some(self.open_again().await.unwrap()));
    }

    /// The server is killed.
    pub async fn kill_server(&mut self) {
        self.runtime = Server(None);
    }

    /// Opens the data directory once more.
    pub async fn open_again(&self) -> Result<Arc<EmbeddedRuntime>, skiff_runtime::RuntimeError> {
        open_in(&self.data_dir(), &self.cgroup).await
    }

    /// Process id of a sandbox's shim.
    pub fn shim_pid(&self, sandbox: &str) -> i32 {
        self.first_process(sandbox)
    }

    /// Process id of a container's main process.
    pub fn process_of(&self, container: &str) -> i32 {
        self.first_process(container)
    }

    fn first_process(&self, group: &str) -> i32 {
        let path = format!("/sys/fs/cgroup/pids{}/pod/{group}/cgroup.procs", self.cgroup);
        std::fs::read_to_string(path).unwrap().lines().next().unwrap().parse().unwrap()
    }

    pub fn pod_config(&self) -> v1::PodSandboxConfig {
        pod_config(&self.cgroup, self.directory.path())
    }

    pub async fn sandbox(&self) -> String {
        self.sandbox_with(self.pod_config()).await
    }

    pub async fn sandbox_with(&self, config: v1::PodSandboxConfig) -> String {
        let request = v1::RunPodSandboxRequest { config: Some(config), runtime_handler: String::new() };
        self.runtime.run_pod_sandbox(request).await.unwrap()
    }

    pub async fn create(&self, sandbox: &str, config: v1::ContainerConfig) -> String {
        let request = v1::CreateContainerRequest {
            pod_sandbox_id: sandbox.to_owned(),
            config: Some(config),
            sandbox_config: Some(self.pod_config()),
        };
        self.runtime.create_container(request).await.unwrap()
    }

    /// Makes a container and starts it.
    pub async fn start(&self, sandbox: &str, config: v1::ContainerConfig) -> String {
        let id = self.create(sandbox, config).await;
        self.runtime.start_container(id.clone()).await.unwrap();
        id
    }

    pub async fn status(&self, id: &str) -> v1::ContainerStatus {
        self.runtime.container_status(id.to_owned()).await.unwrap()
    }

    /// Waits until a container has ended.
    pub async fn ended(&self, id: &str) -> v1::ContainerStatus {
        let mut events = self.runtime.container_events();
        let wait = async {
            loop {
                let status = self.status(id).await;
                if status.state() == v1::ContainerState::ContainerExited {
                    return status;
                }
                events.recv().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the container did not end")
    }

    /// Runs a container to its end; returns its status and its log without times.
    pub async fn run(&self, mut config: v1::ContainerConfig) -> (v1::ContainerStatus, String) {
        let sandbox = self.sandbox().await;
        // Logs are appended to; each pod has its own.
        config.log_path = format!("{sandbox}.log");
        let id = self.start(&sandbox, config).await;
        let status = self.ended(&id).await;
        let log = self.log(&status);
        self.runtime.remove_pod_sandbox(sandbox).await.unwrap();
        (status, log)
    }

    /// What a shell script says in a container.
    pub async fn says(&self, script: &str) -> String {
        let (status, log) = self.run(shell(script)).await;
        assert_eq!(status.exit_code, 0, "{log}");
        log
    }

    /// A container's log without times and tags.
    pub fn log(&self, status: &v1::ContainerStatus) -> String {
        let text = std::fs::read_to_string(&status.log_path).unwrap();
        let lines = text.lines().map(|line| line.splitn(4, ' ').nth(3).unwrap().to_owned() + "\n");
        lines.collect()
    }

    /// Waits until a condition holds.
    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let wait = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("not in time: {what}"));
    }

    /// Waits until a container has logged a text.
    pub async fn says_in_log(&self, id: &str, text: &str) {
        let path = self.status(id).await.log_path;
        self.until(text, || std::fs::read_to_string(&path).is_ok_and(|log| log.contains(text))).await;
    }

    pub async fn exec(&self, id: &str, script: &str) -> v1::ExecSyncResponse {
        let cmd = ["sh", "-c", script].map(str::to_owned).to_vec();
        let request = v1::ExecSyncRequest { container_id: id.to_owned(), cmd, timeout: 20 };
        self.runtime.exec_sync(request).await.unwrap()
    }

    /// Everything on this machine that belongs to the node.
    pub fn traces(&self) -> Vec<String> {
        let name = self.directory.path().file_name().unwrap().to_str().unwrap().to_owned();
        let mut traces = Vec::new();
        for line in
            std::fs::read_to_string("/proc/mounts").unwrap().lines().filter(|line| line.contains(&name))
        {
            traces.push(format!("mount {line}"));
        }
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&command).contains(&name) {
                traces.push(format!("process {}", String::from_utf8_lossy(&command)));
            }
        }
        for controller in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
            let group = controller.path().join(self.cgroup.trim_start_matches('/'));
            if group.exists() {
                traces.push(format!("cgroup {}", group.display()));
            }
        }
        traces
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Err(error) = skiff_runtime::cleanup(&self.data_dir()) {
            eprintln!("clean-up: {error}");
        }
        let traces = self.traces();
        if !std::thread::panicking() {
            assert!(traces.is_empty(), "left behind: {traces:#?}");
        }
    }
}

/// Opens the runtime of a data directory.
pub async fn open_in(
    data_dir: &Path,
    cgroup: &str,
) -> Result<Arc<EmbeddedRuntime>, skiff_runtime::RuntimeError> {
    let mut config = RuntimeConfig::new(data_dir, Arc::new(LoopbackOnly));
    config.cgroup_root = cgroup.to_owned();
    EmbeddedRuntime::open(config).await
}

/// A pod that logs below a directory.
pub fn pod_config(cgroup: &str, directory: &Path) -> v1::PodSandboxConfig {
    v1::PodSandboxConfig {
        metadata: Some(v1::PodSandboxMetadata {
            name: "pod".to_owned(),
            namespace: "default".to_owned(),
            uid: "uid".to_owned(),
            attempt: 0,
        }),
        hostname: "podhost".to_owned(),
        log_directory: directory.join("logs").display().to_string(),
        linux: Some(v1::LinuxPodSandboxConfig {
            cgroup_parent: format!("{cgroup}/pod"),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// A container that runs a shell script.
pub fn shell(script: &str) -> v1::ContainerConfig {
    v1::ContainerConfig {
        metadata: Some(v1::ContainerMetadata { name: "main".to_owned(), attempt: 0 }),
        image: Some(v1::ImageSpec { image: IMAGE.to_owned(), ..Default::default() }),
        command: ["sh", "-c", script].map(str::to_owned).to_vec(),
        log_path: "main/0.log".to_owned(),
        linux: Some(v1::LinuxContainerConfig {
            resources: Some(v1::LinuxContainerResources::default()),
            security_context: Some(default_security()),
        }),
        labels: HashMap::from([("app".to_owned(), "test".to_owned())]),
        ..Default::default()
    }
}

/// What the kubelet asks for by default.
pub fn default_security() -> v1::LinuxContainerSecurityContext {
    let list = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
    v1::LinuxContainerSecurityContext {
        namespace_options: Some(v1::NamespaceOption {
            pid: v1::NamespaceMode::Container.into(),
            ..Default::default()
        }),
        masked_paths: list(&["/proc/kcore", "/proc/keys", "/proc/scsi", "/sys/firmware"]),
        readonly_paths: list(&["/proc/bus", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]),
        ..Default::default()
    }
}

/// Changes the security context of a container.
pub fn secured(
    mut config: v1::ContainerConfig,
    change: impl FnOnce(&mut v1::LinuxContainerSecurityContext),
) -> v1::ContainerConfig {
    change(config.linux.as_mut().unwrap().security_context.as_mut().unwrap());
    config
}

/// An image archive as `docker save` makes it, with busybox and its links.
pub fn busybox_archive() -> Vec<u8> {
    archive(IMAGE, &busybox_layer(), r#"{"Env":["PATH=/bin"],"Cmd":["/bin/sh"]}"#)
}

/// A layer with busybox.
pub fn busybox_layer() -> Vec<u8> {
    let busybox = ["/usr/bin/busybox", "/bin/busybox"].iter().find_map(|path| std::fs::read(path).ok());
    let busybox = busybox.expect("busybox-static is installed");
    let mut layer = tar::Builder::new(Vec::new());
    let mut add = |path: &str, mode: u32, content: &[u8]| {
        let mut header = header();
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        layer.append_data(&mut header, path, content).unwrap();
    };
    add("bin/busybox", 0o755, &busybox);
    add("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\nweb:x:33:33:web:/home/web:/bin/sh\n");
    add("etc/group", 0o644, b"root:x:0:\nweb:x:33:\nextra:x:44:web\n");
    for tool in
        "sh cat echo ls rm id sleep mount env hostname kill grep dd stty head true httpd wget ps touch mknod readlink stat tr unshare"
            .split(' ')
    {
        let mut header = header();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        layer.append_link(&mut header, format!("bin/{tool}"), "busybox").unwrap();
    }
    let mut header = header();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(0o1777);
    header.set_size(0);
    layer.append_data(&mut header, "tmp", &[][..]).unwrap();
    layer.into_inner().unwrap()
}

fn header() -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_mode(0o755);
    header
}

/// An archive of an image with one layer.
pub fn archive(name: &str, layer: &[u8], config: &str) -> Vec<u8> {
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{config},"rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
        digest(layer)
    );
    let manifest = format!(r#"[{{"Config":"config.json","RepoTags":["{name}"],"Layers":["layer.tar"]}}]"#);
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in
        [("manifest.json", manifest.as_bytes()), ("config.json", config.as_bytes()), ("layer.tar", layer)]
    {
        let mut header = header();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content).unwrap();
    }
    archive.into_inner().unwrap()
}

pub fn digest(bytes: &[u8]) -> String {
    use sha2::Digest;
    let digits: String = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

//! A machine for one test: a data directory, the real runtime over it, and a kubelet that can be restarted.

use crate::api::Api;
use crate::image;
use crate::node_client::NodeClient;
use futures::future::BoxFuture;
use skiff_apimachinery::Document;
use skiff_client::informer::{SharedInformers, Untyped};
use skiff_client::resources::{NODES, PODS};
use skiff_client::{Object, Selection};
use skiff_cri::network::{SandboxNetwork, SandboxNetworkRequest};
use skiff_cri::v1::ExecSyncRequest;
use skiff_cri::{CriResult, Runtime};
use skiff_kubelet::{Kubelet, KubeletConfig, ServerTls};
use skiff_pki::serving::roots;
use skiff_pki::{Authority, CertificateRequest, ServingCertificate};
use skiff_runtime::{EmbeddedRuntime, ImageStore, RuntimeConfig};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Nothing in a test takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A pod network that is nothing but each pod's loopback interface; ready once it knows its CIDR.
#[derive(Default)]
struct LoopbackOnly(std::sync::atomic::AtomicBool);

impl SandboxNetwork for LoopbackOnly {
    fn configure(&self, _: Vec<String>) -> BoxFuture<'_, CriResult<()>> {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }
    fn not_ready(&self) -> Option<String> {
        (!self.0.load(std::sync::atomic::Ordering::Relaxed)).then(|| "no pod CIDR".to_owned())
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

pub struct Machine {
    directory: tempfile::TempDir,
    cgroup: String,
    running: Option<Running>,
}

struct Running {
    runtime: Arc<EmbeddedRuntime>,
    informers: SharedInformers,
    stop: CancellationToken,
    kubelet: JoinHandle<()>,
    address: SocketAddr,
    authority: Arc<Authority>,
}

impl Machine {
    pub async fn new(api: &Api) -> Self {
        let directory = tempfile::Builder::new().prefix("skiff-kubelet-").tempdir().unwrap();
        let store = ImageStore::open(&directory.path().join("data")).unwrap();
        store.import(&*image::archive()).unwrap();
        let cgroup = format!("/{}", directory.path().file_name().unwrap().to_str().unwrap());
        let mut machine = Self { directory, cgroup, running: None };
        machine.start(api).await;
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn config(&self) -> KubeletConfig {
        KubeletConfig {
            node_name: "sail".into(),
            node_ips: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            root_dir: self.path("kubelet"),
            pod_logs_dir: self.path("logs"),
            container_logs_dir: Some(self.path("links")),
            cgroup_root: self.cgroup.clone(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            ..KubeletConfig::default()
        }
    }

    async fn start(&mut self, api: &Api) {
        let mut config = RuntimeConfig::new(self.path("data"), Arc::new(LoopbackOnly::default()));
        config.cgroup_root = self.cgroup.clone();
        let runtime = EmbeddedRuntime::open(config).await.unwrap();
        let informers = SharedInformers::new(api.client());
        std::fs::create_dir_all(self.path("pki")).unwrap();
        let authority = Arc::new(Authority::open(&self.path("pki"), "ca", "test-ca").unwrap());
        let client_roots = roots(authority.certificate_pem()).unwrap();
        let request = CertificateRequest::server("sail", vec!["sail".into()], vec![]);
        let tls = ServerTls {
            certificate: ServingCertificate::new(authority.clone(), request).unwrap(),
            client_roots,
        };
        let kubelet = Kubelet::new(self.config(), runtime.clone(), informers.clone(), tls).await.unwrap();
        let address = kubelet.address().unwrap();
        let stop = CancellationToken::new();
        let token = stop.clone();
        let kubelet = tokio::spawn(async move { kubelet.run(token).await.unwrap() });
        self.running = Some(Running { runtime, informers, stop, kubelet, address, authority });
    }

    /// Stops kubelet and runtime and starts new ones over the same directory.
    pub async fn restart(&mut self, api: &Api) {
        let running = self.running.take().unwrap();
        running.stop.cancel();
        running.kubelet.await.unwrap();
        drop(running.runtime);
        self.start(api).await;
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// A client that the node server knows.
    pub fn node_client(&self) -> NodeClient {
        let running = self.running();
        let own = running
            .authority
            .issue(&CertificateRequest::client("kube-apiserver", Some("system:masters")))
            .unwrap();
        NodeClient::new(running.address, &running.authority, Some(&own))
    }

    /// A client without a certificate.
    pub fn stranger(&self) -> NodeClient {
        NodeClient::new(self.running().address, &self.running().authority, None)
    }

    pub async fn node_is_ready(&self) {
        let nodes = self.running().informers.of::<Untyped>(&NODES, Selection::default());
        let mut changes = nodes.subscribe();
        let ready = async { while condition(&changes.next().await.object().object, "Ready") != "True" {} };
        tokio::time::timeout(PATIENCE, ready).await.expect("the node did not become ready");
    }

    /// Waits until a pod is as it should be.
    pub async fn pod_until(&self, name: &str, test: impl Fn(&Document) -> bool) -> Object {
        let pods = self.running().informers.of::<Untyped>(&PODS, Selection::default());
        let mut changes = pods.subscribe();
        let mut last = None;
        let found = async {
            loop {
                let event = changes.next().await;
                let object = event.object().object.clone();
                if object.name() == name && test(&object) {
                    return object;
                }
                last = Some(object);
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(pod) => pod,
            Err(_) => panic!("the pod stayed {last:?}"),
        }
    }

    pub async fn pod_gone(&self, name: &str) {
        let pods = self.running().informers.of::<Untyped>(&PODS, Selection::default());
        let mut changes = pods.subscribe();
        pods.synced().await;
        let gone = async {
            while pods.get("default", name).is_some() {
                changes.next().await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.expect("the pod did not go");
    }

    /// A container's log without times.
    pub fn log(&self, pod: &Document, container: &str, run: u32) -> String {
        let dir = format!("{}_{}_{}", pod.namespace(), pod.name(), pod.uid());
        let path = self.path("logs").join(dir).join(container).join(format!("{run}.log"));
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| line.splitn(4, ' ').nth(3).unwrap().to_owned() + "\n").collect()
    }

    /// Ends a container from outside.
    pub async fn kill(&self, container_id: &str) {
        let id = container_id.trim_start_matches("skiff://").to_owned();
        self.running().runtime.stop_container(id, 5).await.unwrap();
    }

    /// Runs a command in a container until it says what it should.
    pub async fn exec_until(&self, container_id: &str, command: &[&str], want: &str) {
        let id = container_id.trim_start_matches("skiff://").to_owned();
        let cmd: Vec<String> = command.iter().map(|part| (*part).to_owned()).collect();
        let said = async {
            loop {
                let request = ExecSyncRequest { container_id: id.clone(), cmd: cmd.clone(), timeout: 10 };
                let answer = self.running().runtime.exec_sync(request).await.unwrap();
                if answer.stdout == want.as_bytes() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, said).await.expect("the container did not say it");
    }

    /// Checks that no pod left anything.
    pub async fn leaves_nothing(mut self) {
        let running = self.running.take().unwrap();
        running.stop.cancel();
        running.kubelet.await.unwrap();
        let names = |dir: &str| -> Vec<_> {
            let entries = std::fs::read_dir(self.path(dir)).into_iter().flatten().flatten();
            entries.map(|entry| entry.file_name()).collect()
        };
        assert!(names("kubelet/pods").is_empty(), "{:?}", names("kubelet/pods"));
        assert!(names("logs").is_empty(), "{:?}", names("logs"));
        assert!(names("links").is_empty(), "{:?}", names("links"));
        drop(running.runtime);
        skiff_runtime::cleanup(&self.path("data")).unwrap();
        skiff_kubelet::cleanup(&self.config()).unwrap();
        let own = self.directory.path().to_str().unwrap().to_owned();
        let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
        assert!(!mounts.contains(&own), "mounts are left");
        for controller in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
            let left = controller.path().join(self.cgroup.trim_start_matches('/')).join("kubepods");
            assert!(!left.exists(), "{} is left", left.display());
            let _ = std::fs::remove_dir(left.parent().unwrap());
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop.cancel();
            let _ = skiff_runtime::cleanup(&self.path("data"));
            let _ = skiff_kubelet::cleanup(&self.config());
        }
    }
}

/// The status of a condition of a pod or node.
pub fn condition<'a>(object: &'a Document, name: &str) -> &'a str {
    let conditions = object.array_at(&["status", "conditions"]);
    conditions.iter().find(|c| c.str_at(&["type"]) == name).map_or("", |c| c.str_at(&["status"]))
}

/// The status of a container.
pub fn container_status<'a>(pod: &'a Document, name: &str) -> &'a Document {
    static NONE: Document = Document::NULL;
    let statuses = pod.array_at(&["status", "containerStatuses"]);
    statuses.iter().find(|status| status.str_at(&["name"]) == name).unwrap_or(&NONE)
}

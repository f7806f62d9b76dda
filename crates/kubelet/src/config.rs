//! What the kubelet is told at its start. The binary fills it from flags; the defaults are upstream's.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

/// Settings of one node agent.
#[derive(Debug, Clone)]
pub struct KubeletConfig {
    /// Name of the Node object.
    pub node_name: String,
    /// Addresses of this node, the primary one first; at most one per IP family.
    pub node_ips: Vec<IpAddr>,
    /// Labels to put on the Node at registration, beside the well-known ones.
    pub node_labels: BTreeMap<String, String>,
    /// Taints to put on the Node at registration, `key=value:Effect`.
    pub register_with_taints: Vec<String>,
    /// `spec.providerID` of the Node; empty for none.
    pub provider_id: String,
    /// Pod directories, volumes and termination messages.
    pub root_dir: PathBuf,
    /// Container logs: `<namespace>_<name>_<uid>/<container>/<n>.log`.
    pub pod_logs_dir: PathBuf,
    /// Where log shippers find one link per container; `None` makes none.
    pub container_logs_dir: Option<PathBuf>,
    /// The cgroup under which `kubepods` is made.
    pub cgroup_root: String,
    /// Resolvers of pods with DNS policy ClusterFirst.
    pub cluster_dns: Vec<IpAddr>,
    /// Domain of the cluster.
    pub cluster_domain: String,
    /// The node's resolver file, for DNS policy Default.
    pub resolver_config: PathBuf,
    /// Address that the node server listens on.
    pub address: IpAddr,
    /// Port of the node server.
    pub port: u16,
    /// How many pods fit.
    pub max_pods: u32,
    /// How many processes a pod may have; `None` for no limit.
    pub pod_pids_limit: Option<u64>,
    /// Whether containers without a seccomp profile get the runtime's default one.
    pub seccomp_default: bool,
    /// Size at which a container's log is rotated.
    pub container_log_max_size: u64,
    /// How many files of a container's log are kept, the current one included.
    pub container_log_max_files: u32,
    /// How often an unchanged node status is sent.
    pub node_status_report_frequency: Duration,
    /// How long the node's lease is valid; it is renewed four times as often.
    pub lease_duration: Duration,
    /// Version that the node reports.
    pub kubelet_version: String,
}

impl Default for KubeletConfig {
    fn default() -> Self {
        Self {
            node_name: String::new(),
            node_ips: Vec::new(),
            node_labels: BTreeMap::new(),
            register_with_taints: Vec::new(),
            provider_id: String::new(),
            root_dir: PathBuf::from("/var/lib/kubelet"),
            pod_logs_dir: PathBuf::from("/var/log/pods"),
            container_logs_dir: Some(PathBuf::from("/var/log/containers")),
            cgroup_root: "/".into(),
            cluster_dns: Vec::new(),
            cluster_domain: "cluster.local".into(),
            resolver_config: PathBuf::from("/etc/resolv.conf"),
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            port: 10250,
            max_pods: 110,
            pod_pids_limit: None,
            seccomp_default: false,
            container_log_max_size: 10 << 20,
            container_log_max_files: 5,
            node_status_report_frequency: Duration::from_secs(300),
            lease_duration: Duration::from_secs(40),
            kubelet_version: "v1.35.0".into(),
        }
    }
}

impl KubeletConfig {
    /// Directory of one pod.
    pub fn pod_dir(&self, uid: &str) -> PathBuf {
        self.root_dir.join("pods").join(uid)
    }

    /// Directory of one pod's logs.
    pub fn pod_log_dir(&self, namespace: &str, name: &str, uid: &str) -> PathBuf {
        self.pod_logs_dir.join(format!("{namespace}_{name}_{uid}"))
    }
}

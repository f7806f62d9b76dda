//! Makes a sandbox: record, cgroup, shim, network, in this order; undone in the other when a step fails.

use super::{Sandbox, SandboxRecord, SandboxStage, files, network_mode};
use crate::embedded::Core;
use crate::error::{At, Outcome, RuntimeError};
use crate::events::EventKind;
use crate::{identifier, record, shim};
use skiff_cri::network::{HostPort, Protocol, SandboxNetworkRequest};
use skiff_cri::v1::{self, NamespaceMode, RunPodSandboxRequest};
use skiff_shim::protocol::spec::{NamespaceSource, SandboxSpec};
use skiff_shim::protocol::{SPEC, VERSION};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Size of a pod's /dev/shm, like the container runtimes have it.
const SHARED_MEMORY_BYTES: u64 = 64 << 20;

impl Core {
    /// Makes a sandbox and returns its id.
    pub async fn run_sandbox(self: Arc<Self>, request: RunPodSandboxRequest) -> Outcome<String> {
        let record = self.new_record(request)?;
        let directory = self.layout.sandbox(&record.id);
        std::fs::create_dir(&directory).at("create", &directory)?;
        let sandbox = Arc::new(Sandbox::new(record, directory));
        sandbox.update(|_| {})?;
        self.insert_sandbox(sandbox.clone());
        match self.make_sandbox(&sandbox).await {
            Ok(()) => {
                self.announce_sandbox(&sandbox, EventKind::ContainerCreatedEvent);
                self.announce_sandbox(&sandbox, EventKind::ContainerStartedEvent);
                Ok(sandbox.id.clone())
            }
            Err(error) => {
                // What cannot be undone now is found again through its record.
                if let Err(undoing) = self.clone().remove_sandbox(&sandbox.id).await {
                    tracing::warn!(sandbox = %sandbox.id, error = %undoing, "could not undo a failed sandbox");
                }
                Err(error)
            }
        }
    }

    fn new_record(&self, request: RunPodSandboxRequest) -> Outcome<SandboxRecord> {
        let invalid = |text: &str| RuntimeError::Invalid(text.to_owned());
        let config = request.config.ok_or_else(|| invalid("sandbox config is not set"))?;
        if config.metadata.is_none() {
            return Err(invalid("sandbox config must include metadata"));
        }
        if !matches!(request.runtime_handler.as_str(), "" | crate::NAME) {
            return Err(RuntimeError::Invalid(format!(
                "no runtime for {:?} is configured",
                request.runtime_handler
            )));
        }
        let id = identifier::new();
        let asked = config.linux.as_ref().map(|linux| linux.cgroup_parent.as_str()).unwrap_or_default();
        let cgroup_parent = match asked {
            "" => format!("{}/skiff", self.config.cgroup_root.trim_end_matches('/')),
            parent => format!("/{}", parent.trim_matches('/')),
        };
        if cgroup_parent.split('/').any(|part| part == "..") {
            return Err(invalid("cgroup parent leads out of the hierarchy"));
        }
        Ok(SandboxRecord {
            cgroup: format!("{cgroup_parent}/{id}"),
            cgroup_parent,
            id,
            runtime_handler: request.runtime_handler,
            created_at: crate::embedded::now(),
            stage: SandboxStage::Starting,
            addresses: Vec::new(),
            // Said before it is done, so that it is undone whatever happens.
            networked: network_mode(&config) != NamespaceMode::Node,
            config,
            shim_pid: None,
        })
    }

    async fn make_sandbox(self: &Arc<Self>, sandbox: &Arc<Sandbox>) -> Outcome<()> {
        let record = sandbox.record();
        self.remember_cgroup_parent(&record.cgroup_parent)?;
        self.cgroups.create(&record.cgroup)?;
        files::write(&record, &sandbox.directory)?;
        record::write(&sandbox.directory.join(SPEC), &self.sandbox_spec(&record))?;
        shim::launch(&self.shim_program, &sandbox.id, &sandbox.directory).await?;
        let (_, pid) = sandbox.shim.hello().await?;
        let addresses = match record.networked {
            true => self.connect_network(&record, pid).await?,
            false => Vec::new(),
        };
        // Ready first, so that a shim that dies from here on is noticed.
        sandbox.update(|record| {
            record.shim_pid = Some(pid);
            record.addresses = addresses;
            record.stage = SandboxStage::Ready;
        })?;
        self.clone().watch_sandbox(sandbox.clone()).await
    }

    async fn connect_network(&self, record: &SandboxRecord, pid: i32) -> Outcome<Vec<IpAddr>> {
        let metadata = record.config.metadata.clone().unwrap_or_default();
        let request = SandboxNetworkRequest {
            sandbox_id: record.id.clone(),
            namespace: metadata.namespace,
            name: metadata.name,
            netns: PathBuf::from(format!("/proc/{pid}/ns/net")),
            host_ports: record.config.port_mappings.iter().filter_map(host_port).collect(),
        };
        let connected = self.config.network.setup(request).await;
        connected.map_err(|source| RuntimeError::Network { sandbox: record.id.clone(), source })
    }

    fn sandbox_spec(&self, record: &SandboxRecord) -> SandboxSpec {
        let namespaces = record.namespaces();
        let source = |mode: NamespaceMode| match mode {
            NamespaceMode::Node => NamespaceSource::Host,
            _ => NamespaceSource::Pod,
        };
        let sysctls = record.config.linux.as_ref().map(|linux| linux.sysctls.clone()).unwrap_or_default();
        SandboxSpec {
            version: VERSION,
            id: record.id.clone(),
            hostname: record.has_network().then(|| record.hostname()),
            network: source(namespaces.network()),
            ipc: source(namespaces.ipc()),
            shared_pid: namespaces.pid() == NamespaceMode::Pod,
            sysctls: sysctls.into_iter().collect(),
            cgroup: self.cgroups.spec(&record.cgroup),
            shm_size: SHARED_MEMORY_BYTES,
        }
    }
}

fn host_port(mapping: &v1::PortMapping) -> Option<HostPort> {
    let port = |number: i32| u16::try_from(number).ok().filter(|number| *number > 0);
    Some(HostPort {
        host_ip: mapping.host_ip.parse().ok().filter(|ip: &IpAddr| !ip.is_unspecified()),
        host_port: port(mapping.host_port)?,
        container_port: port(mapping.container_port)?,
        protocol: match mapping.protocol() {
            v1::Protocol::Tcp => Protocol::Tcp,
            v1::Protocol::Udp => Protocol::Udp,
            v1::Protocol::Sctp => Protocol::Sctp,
        },
    })
}

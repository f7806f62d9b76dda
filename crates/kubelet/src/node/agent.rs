//! Registers the Node, tells the runtime its pod CIDRs, and keeps the Node's status current.
//!
//! A change is reported as soon as it is seen: when the Node object changes, when the runtime becomes ready, and at a
//! look every ten seconds; without a change, the status is reported every five minutes.

use super::status::{self, NodeInput, Pressure, RuntimeReport};
use crate::agent::Agent;
use jiff::Timestamp;
use skiff_apimachinery::{Document, Status};
use skiff_client::events::{EventType, ObjectReference};
use skiff_client::informer::{Informer, Untyped};
use skiff_client::resources::NODES;
use skiff_client::{Object, PatchKind, Selection};
use skiff_cri::v1::{NetworkConfig, RuntimeConfig};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often conditions are looked at.
const LOOK: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Thresholds of upstream's default hard eviction.
const LEAST_MEMORY: i64 = 100 << 20;
const LEAST_DISK_PERCENT: u64 = 10;
const LEAST_INODES_PERCENT: u64 = 5;

/// The node's loop.
pub struct NodeAgent {
    agent: Arc<Agent>,
    informer: Informer<Untyped>,
    uid: watch::Sender<String>,
    pod_cidrs: Vec<String>,
    /// What the API is known to have.
    known: Option<Object>,
    reported_at: Timestamp,
    /// Whether the API was last told that the node is ready.
    ready: Option<bool>,
}

impl NodeAgent {
    /// The node's loop, and the Node's UID as soon as it is known.
    pub fn new(agent: Arc<Agent>) -> (Self, watch::Receiver<String>) {
        let selection =
            Selection { fields: format!("metadata.name={}", agent.config.node_name), ..Selection::default() };
        let informer = agent.informers.of(&NODES, selection);
        let (uid, receiver) = watch::channel(String::new());
        let reported_at = Timestamp::MIN;
        (
            Self { agent, informer, uid, pod_cidrs: Vec::new(), known: None, reported_at, ready: None },
            receiver,
        )
    }

    /// Registers the Node and keeps it current until dropped.
    pub async fn run(mut self) {
        self.register().await;
        let mut changes = self.informer.subscribe();
        let mut pause = FIRST_PAUSE;
        loop {
            let ready = self.look().await;
            let sleep = if ready {
                pause = FIRST_PAUSE;
                LOOK
            } else {
                pause = (pause * 2).min(LONGEST_PAUSE);
                pause
            };
            tokio::select! {
                event = changes.next() => {
                    if let skiff_client::informer::Event::Deleted(gone) = &event {
                        tracing::warn!(node = gone.name(), "the Node was deleted, registering it again");
                        self.known = None;
                        self.register().await;
                    } else {
                        self.see(event.object().object.clone()).await;
                    }
                }
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }

    async fn register(&mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.try_register().await {
                Ok(node) => {
                    self.ready = Some(is_ready(&node["status"]));
                    self.see(node).await;
                    return;
                }
                Err(error) => tracing::warn!(%error, "cannot register node"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn try_register(&mut self) -> Result<Object, Status> {
        let node = self.with_input(&Document::NULL, &runtime_report(&self.agent).await, status::node).await;
        let client = &self.agent.client;
        match client.create(&NODES, "", node.clone()).await {
            Ok(created) => {
                self.tell(&created, "Starting", "Starting kubelet.");
                for (kind, text) in [
                    ("NodeHasSufficientMemory", "NodeHasSufficientMemory"),
                    ("NodeHasNoDiskPressure", "NodeHasNoDiskPressure"),
                    ("NodeHasSufficientPID", "NodeHasSufficientPID"),
                ] {
                    let text = format!("Node {} status is now: {text}", self.agent.config.node_name);
                    self.tell(&created, kind, &text);
                }
                Ok(created)
            }
            Err(status) if status.is_already_exists() => {
                let existing = client.get(&NODES, "", &self.agent.config.node_name).await?;
                self.tell(&existing, "Starting", "Starting kubelet.");
                let labels = &node["metadata"]["labels"];
                let missing: Document = labels
                    .as_object()
                    .into_iter()
                    .flat_map(|map| map.iter())
                    .filter(|(key, value)| existing.at(&["metadata", "labels", key]) != Some(value))
                    .map(|(key, value)| (key, value.clone()))
                    .collect();
                if missing.is_empty() {
                    return Ok(existing);
                }
                let patch = skiff_apimachinery::doc!({"metadata": {"labels": missing}});
                client.patch(&NODES, "", &self.agent.config.node_name, "", PatchKind::Merge, patch).await
            }
            Err(status) => Err(status),
        }
    }

    /// Takes in the Node as the API has it; new pod CIDRs go to the runtime.
    async fn see(&mut self, node: Object) {
        self.uid.send_if_modified(|uid| {
            let changed = *uid != node.uid();
            node.uid().clone_into(uid);
            changed
        });
        let mut cidrs: Vec<String> = node
            .array_at(&["spec", "podCIDRs"])
            .iter()
            .filter_map(|c| c.as_str().map(str::to_owned))
            .collect();
        if cidrs.is_empty() && !node.str_at(&["spec", "podCIDR"]).is_empty() {
            cidrs.push(node.str_at(&["spec", "podCIDR"]).to_owned());
        }
        self.known = Some(match self.known.take() {
            Some(known) => crate::agent::report::newer(known, node),
            None => node,
        });
        if cidrs.is_empty() || cidrs == self.pod_cidrs {
            return;
        }
        let config = RuntimeConfig { network_config: Some(NetworkConfig { pod_cidr: cidrs.join(",") }) };
        match self.agent.runtime.update_runtime_config(config).await {
            Ok(()) => self.pod_cidrs = cidrs,
            Err(error) => tracing::warn!(%error, "cannot tell the runtime its pod CIDRs"),
        }
    }

    /// Looks at everything that the status tells and reports it if it changed or is due. Returns whether the node is
    /// ready.
    async fn look(&mut self) -> bool {
        // CIDRs that the runtime refused are told again.
        if let Some(known) = self.known.clone().filter(|_| self.pod_cidrs.is_empty()) {
            self.see(known).await;
        }
        let Some(known) = self.known.clone() else { return false };
        let runtime = runtime_report(&self.agent).await;
        let problem = runtime.network_problem.clone();
        self.agent.network_problem.send_if_modified(|old| std::mem::replace(old, problem.clone()) != problem);
        let new = self.with_input(&known["status"], &runtime, status::status).await;
        let ready = is_ready(&new);
        let now = self.agent.clock.now();
        let frequency = self.agent.config.node_status_report_frequency;
        let due = now.duration_since(self.reported_at).unsigned_abs() >= frequency;
        if due || status::differs(&known["status"], &new) {
            let patch = status::patch(&known["status"], &new);
            let name = &self.agent.config.node_name;
            match self.agent.client.patch(&NODES, "", name, "status", PatchKind::Strategic, patch).await {
                Ok(node) => {
                    self.reported_at = now;
                    self.tell_readiness(&node, ready);
                    self.known = Some(node);
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot report node status");
                    return false;
                }
            }
        }
        ready
    }

    async fn with_input(
        &self,
        known: &Document,
        runtime: &RuntimeReport,
        make: fn(&NodeInput<'_>) -> Document,
    ) -> Document {
        let agent = &self.agent;
        let images = agent.runtime.list_images().await.unwrap_or_default();
        make(&NodeInput {
            config: &agent.config,
            machine: &agent.machine,
            runtime,
            pressure: pressure(agent),
            images: &images,
            known,
            now: agent.clock.now(),
        })
    }

    fn tell_readiness(&mut self, node: &Document, ready: bool) {
        if self.ready.replace(ready) == Some(ready) {
            return;
        }
        let name = if ready { "NodeReady" } else { "NodeNotReady" };
        let text = format!("Node {} status is now: {name}", self.agent.config.node_name);
        self.tell(node, name, &text);
    }

    /// Node events name the node's name as UID, as upstream's kubelet does.
    fn tell(&self, node: &Document, reason: &str, message: &str) {
        let about = ObjectReference {
            kind: "Node".into(),
            name: node.name().to_owned(),
            uid: node.name().to_owned(),
            ..ObjectReference::default()
        };
        self.agent.recorder.event(about, EventType::Normal, reason, message);
    }
}

fn is_ready(status: &Document) -> bool {
    let mut conditions = status.array_at(&["conditions"]).iter();
    conditions.any(|c| c.str_at(&["type"]) == "Ready" && c.str_at(&["status"]) == "True")
}

async fn runtime_report(agent: &Agent) -> RuntimeReport {
    let mut out = RuntimeReport::default();
    match agent.runtime.version().await {
        Ok(version) => out.version = format!("{}://{}", version.runtime_name, version.runtime_version),
        Err(error) => out.problems.push(format!("container runtime is down: {error}")),
    }
    match agent.runtime.status().await {
        Err(error) => {
            let text = format!("container runtime status check may not have completed yet: {error}");
            out.network_problem.clone_from(&text);
            out.problems.push(text);
        }
        Ok(answer) => {
            for condition in answer.status.unwrap_or_default().conditions.iter().filter(|c| !c.status) {
                let what = match condition.r#type.as_str() {
                    "RuntimeReady" => "container runtime not ready",
                    "NetworkReady" => "container runtime network not ready",
                    _ => continue,
                };
                let text = format!(
                    "{what}: {}=false reason:{} message:{}",
                    condition.r#type, condition.reason, condition.message
                );
                if condition.r#type == "NetworkReady" {
                    out.network_problem.clone_from(&text);
                }
                out.problems.push(text);
            }
        }
    }
    out
}

fn pressure(agent: &Agent) -> Pressure {
    let table = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = table
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.split_whitespace().next()?.parse::<i64>().ok());
    let disk = rustix::fs::statvfs(&agent.config.root_dir).is_ok_and(|stat| {
        let short = |free: u64, all: u64, percent: u64| all > 0 && free * 100 < all * percent;
        short(stat.f_bavail, stat.f_blocks, LEAST_DISK_PERCENT)
            || short(stat.f_favail, stat.f_files, LEAST_INODES_PERCENT)
    });
    Pressure { memory: available.is_some_and(|kilobytes| kilobytes * 1024 < LEAST_MEMORY), disk, pid: false }
}

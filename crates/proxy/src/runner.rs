//! The proxy at work: waits for changes, plans the Services they touch, has the back end apply what differs.
//!
//! Changes that arrive together are applied together. A failed application is followed by a full replacement, with
//! growing pauses; a replacement also happens now and then, because others can damage rules unnoticed.

use crate::facts::{Family, NodeFacts, ServiceEndpoints, ServiceFacts, ServiceName};
use crate::flows;
use crate::metrics::Metrics;
use crate::nft::Nftables;
use crate::plan::{ServicePlan, plan};
use crate::world::{Round, World};
use crate::{Backend, Health, Result};
use ipnet::IpNet;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use skiff_client::informer::{Cached, Event, Index, Informer, SharedInformers, Subscription};
use skiff_client::{Selection, resources};
use skiff_telemetry::Registry;
use std::collections::BTreeSet;
use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::Instant;

/// Rules are written anew this often, as upstream's nftables proxier does.
const FULL_SYNC: Duration = Duration::from_secs(3600);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Slices that are not for the proxy, in upstream's words.
const SLICES: &str = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";
const SERVICE_NAME: &str = "kubernetes.io/service-name";
const ZONE: &str = "topology.kubernetes.io/zone";

/// How to run a proxy.
#[derive(Debug, Clone)]
pub struct ProxyConfig {
    /// Name of this node.
    pub node_name: String,
    /// Addresses on which node ports answer; empty takes the node object's internal IPs.
    pub node_port_addresses: Vec<IpAddr>,
    /// Pod networks of the cluster.
    pub cluster_cidrs: Vec<IpNet>,
}

/// The proxy of a node.
pub struct Proxy {
    config: ProxyConfig,
    services: Informer<Service>,
    slices: Informer<EndpointSlice>,
    by_service: Index<EndpointSlice>,
    nodes: Informer<Node>,
    health: Health,
    metrics: Metrics,
}

impl Proxy {
    /// Starts following Services, EndpointSlices and this node; must be called inside a tokio runtime.
    pub fn new(config: ProxyConfig, informers: &SharedInformers) -> Self {
        let slices: Informer<EndpointSlice> = informers
            .of(&resources::ENDPOINT_SLICES, Selection { labels: SLICES.into(), fields: String::new() });
        let this_node =
            Selection { labels: String::new(), fields: format!("metadata.name={}", config.node_name) };
        Self {
            services: informers.of(&resources::SERVICES, Selection::default()),
            by_service: slices
                .index("service", |slice| service_of(slice).map(|s| s.to_string()).into_iter().collect()),
            slices,
            nodes: informers.of(&resources::NODES, this_node),
            health: Health::default(),
            metrics: Metrics::new(&Registry::new()),
            config,
        }
    }

    /// With its metrics in a registry.
    #[must_use]
    pub fn metrics(mut self, registry: &Registry) -> Self {
        self.metrics = Metrics::new(registry);
        self
    }

    /// How it is; stays valid while it runs.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Runs with the nftables back end until `shutdown`; the rules stay.
    ///
    /// # Errors
    /// If the machine has no nf_tables.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<()> {
        let backend = Nftables::open()?;
        self.run_with(backend, shutdown).await;
        Ok(())
    }

    /// Runs with a back end until `shutdown`; the rules stay.
    pub async fn run_with(self, backend: impl Backend, shutdown: impl Future<Output = ()> + Send) {
        let work = async {
            tokio::join!(self.services.synced(), self.slices.synced(), self.nodes.synced());
            self.work(backend).await;
        };
        tokio::select! {
            () = work => {}
            () = shutdown => {}
        }
    }

    async fn work(&self, mut backend: impl Backend) {
        let mut inputs = Inputs {
            services: self.services.subscribe(),
            slices: self.slices.subscribe(),
            nodes: self.nodes.subscribe(),
            metrics: &self.metrics,
        };
        let mut world = World::new(self.node_facts());
        let mut schedule = Schedule::new();
        let mut dirty = inputs.drain();
        loop {
            self.health.changes_wait(Timestamp::now());
            let round = self.plan_round(dirty, &mut world, &mut schedule);
            let full = schedule.is_full_due();
            let round = if full { world.everything() } else { round };
            let begun = Instant::now();
            let (outcome, returned) = match commit(backend, world.node.clone(), round, full).await {
                Ok(both) => both,
                Err(error) => {
                    tracing::error!(%error, "the proxy cannot go on");
                    return;
                }
            };
            backend = returned;
            match outcome {
                Ok(()) => {
                    schedule.succeeded(full);
                    self.metrics.synced(full, begun.elapsed(), Timestamp::now());
                    self.health.updated(Timestamp::now());
                    dirty = inputs.next(schedule.full_due_at()).await;
                }
                Err(error) => {
                    tracing::error!(%error, "Service rules not applied, replacing all of them");
                    self.metrics.failed();
                    tokio::time::sleep(schedule.failed()).await;
                    dirty = inputs.drain();
                }
            }
        }
    }

    /// Plans the Services that changes touched: all of them, and a full replacement, if the node itself changed.
    fn plan_round(
        &self,
        mut dirty: BTreeSet<ServiceName>,
        world: &mut World,
        schedule: &mut Schedule,
    ) -> Round {
        let node = self.node_facts();
        if node != world.node {
            world.node = node;
            dirty.extend(self.services.list().iter().map(|service| service_name(service)));
            schedule.want_full();
        }
        let mut round = Round::default();
        for name in dirty {
            self.plan(&name, world, &mut round);
        }
        round
    }

    /// Plans one Service in both families.
    fn plan(&self, name: &ServiceName, world: &mut World, round: &mut Round) {
        let service =
            self.services.get(&name.namespace, &name.name).and_then(|s| ServiceFacts::read(&s.typed));
        let slices = self.by_service.get(&name.to_string());
        let endpoints = ServiceEndpoints::read(slices.iter().map(|slice| &slice.typed), &world.node.name);
        for family in Family::ALL {
            let planned = match &service {
                Some(service) => plan(service, &endpoints, &world.node, family),
                None => ServicePlan::default(),
            };
            world.put(name, family, planned, round);
        }
    }

    fn node_facts(&self) -> NodeFacts {
        let node = self.nodes.get("", &self.config.node_name);
        let zone = node.as_ref().and_then(|n| n.label(ZONE).map(str::to_owned)).unwrap_or_default();
        let mut addresses = self.config.node_port_addresses.clone();
        if let Some(node) = node.filter(|_| addresses.is_empty()) {
            addresses = internal_ips(&node.typed);
        }
        NodeFacts {
            name: self.config.node_name.clone(),
            zone,
            addresses,
            cluster_cidrs: self.config.cluster_cidrs.clone(),
        }
    }
}

/// Has the back end do a round on a thread that may block, and gives it back.
async fn commit<B: Backend>(
    mut backend: B,
    node: NodeFacts,
    round: Round,
    replace: bool,
) -> Result<(Result<()>, B)> {
    if !replace && round.is_empty() {
        return Ok((Ok(()), backend));
    }
    let work = move || {
        let changes = round.changes();
        let applied = if replace { backend.replace(&node, &changes) } else { backend.apply(&changes) };
        if applied.is_ok() {
            for (family, frontends) in round.stale() {
                match flows::delete_stale(family, &frontends, &node.addresses) {
                    Ok(0) => {}
                    Ok(count) => tracing::debug!(count, "stale UDP flows deleted"),
                    Err(error) => tracing::warn!(%error, "cannot delete stale UDP flows"),
                }
            }
        }
        (applied, backend)
    };
    Ok(tokio::task::spawn_blocking(work).await?)
}

/// What the proxy listens to.
struct Inputs<'a> {
    services: Subscription<Service>,
    slices: Subscription<EndpointSlice>,
    nodes: Subscription<Node>,
    metrics: &'a Metrics,
}

impl Inputs<'_> {
    /// Waits for a change or a time; returns the Services that are touched by now.
    async fn next(&mut self, until: Instant) -> BTreeSet<ServiceName> {
        let mut touched = BTreeSet::new();
        tokio::select! {
            event = self.services.next() => touched.extend(self.of_service(&event)),
            event = self.slices.next() => touched.extend(self.of_slice(&event)),
            _ = self.nodes.next() => {}
            () = tokio::time::sleep_until(until) => {}
        }
        touched.extend(self.drain());
        touched
    }

    /// Takes what waits in the queues; returns the Services that it touches.
    fn drain(&mut self) -> BTreeSet<ServiceName> {
        let mut touched = BTreeSet::new();
        while let Some(event) = self.services.try_next() {
            touched.extend(self.of_service(&event));
        }
        while let Some(event) = self.slices.try_next() {
            touched.extend(self.of_slice(&event));
        }
        while self.nodes.try_next().is_some() {}
        touched
    }

    fn of_service(&self, event: &Event<Service>) -> Option<ServiceName> {
        self.metrics.service_changes.increment();
        Some(service_name(event.object()))
    }

    /// The Services that a slice belongs to: its label can change.
    fn of_slice(&self, event: &Event<EndpointSlice>) -> Vec<ServiceName> {
        self.metrics.endpoint_changes.increment();
        let (old, new) = match event {
            Event::Updated { old, new } => (Some(old), new),
            Event::Added(slice) | Event::Deleted(slice) => (None, slice),
        };
        old.into_iter().chain([new]).filter_map(|slice| service_of(slice)).collect()
    }
}

/// When everything is written anew.
struct Schedule {
    replaced_at: Option<Instant>,
    pause: Duration,
}

impl Schedule {
    fn new() -> Self {
        Self { replaced_at: None, pause: FIRST_PAUSE }
    }

    fn is_full_due(&self) -> bool {
        self.replaced_at.is_none_or(|at| at.elapsed() >= FULL_SYNC)
    }

    fn full_due_at(&self) -> Instant {
        self.replaced_at.map_or_else(Instant::now, |at| at + FULL_SYNC)
    }

    fn want_full(&mut self) {
        self.replaced_at = None;
    }

    fn succeeded(&mut self, full: bool) {
        self.pause = FIRST_PAUSE;
        if full {
            self.replaced_at = Some(Instant::now());
        }
    }

    /// How long to wait before the next attempt, which is a full one.
    fn failed(&mut self) -> Duration {
        self.want_full();
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        pause
    }
}

fn service_name(service: &Cached<Service>) -> ServiceName {
    ServiceName::new(service.namespace(), service.name())
}

fn service_of(slice: &Cached<EndpointSlice>) -> Option<ServiceName> {
    slice.label(SERVICE_NAME).map(|name| ServiceName::new(slice.namespace(), name))
}

fn internal_ips(node: &Node) -> Vec<IpAddr> {
    let addresses = node.status.as_ref().and_then(|s| s.addresses.as_deref()).unwrap_or_default();
    addresses.iter().filter(|a| a.type_ == "InternalIP").filter_map(|a| a.address.parse().ok()).collect()
}

//! What one Service needs: a pure function from facts to slots.
//!
//! The common Service (cluster IP, no affinity) has no chain of its own: its destination goes to a chain that all
//! Services with as many endpoints share, and its endpoints are elements of one map. So its changes are changes of
//! elements, which cost the kernel next to nothing. What has affinity or is reached from outside has chains as upstream's
//! nftables proxier makes them.

use crate::chains::{self, ChainNames};
use crate::facts::{
    Family, NodeFacts, PortFacts, PortKey, Protocol, ServiceEndpoints, ServiceFacts, TrafficPolicy,
};
use crate::flows::Frontend;
use crate::ruleset::{Balancer, ChainBody, Content, Contribution, Destination, External, Refusal, Slot};
use crate::topology::{Reachable, reachable};
use std::net::{IpAddr, SocketAddr};

/// What a Service needs in one address family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServicePlan {
    /// Its slots in the rule set.
    pub wanted: Contribution,
    /// Its UDP destinations with the endpoints that their flows may have.
    pub udp: Vec<Frontend>,
}

/// Plans a Service in one address family.
pub fn plan(
    service: &ServiceFacts,
    endpoints: &ServiceEndpoints,
    node: &NodeFacts,
    family: Family,
) -> ServicePlan {
    let mut plan = ServicePlan::default();
    // A Service is in the families of its cluster IPs; its node ports, too.
    if !service.cluster_ips.iter().any(|address| Family::of(*address) == family) {
        return plan;
    }
    for port in &service.ports {
        let key = PortKey { family, name: port.name.clone(), protocol: port.protocol };
        let endpoints = endpoints.of(&key);
        let reachable = reachable(&endpoints, node);
        let local: Vec<IpAddr> = endpoints.iter().filter(|e| e.local).map(|e| e.address.ip()).collect();
        let mut planner = PortPlanner { service, port, family, reachable: &reachable, plan: &mut plan };
        planner.plan(&local);
    }
    plan
}

/// Plans one port.
struct PortPlanner<'a> {
    service: &'a ServiceFacts,
    port: &'a PortFacts,
    family: Family,
    reachable: &'a Reachable,
    plan: &'a mut ServicePlan,
}

/// Ways into a Service other than its cluster IPs.
struct Ways {
    /// External IPs and load balancer IPs.
    addresses: Vec<Destination>,
    load_balancer: Vec<Destination>,
    node_port: Option<Destination>,
}

impl PortPlanner<'_> {
    fn plan(&mut self, local: &[IpAddr]) {
        let cluster: Vec<Destination> = self.of_family(&self.service.cluster_ips);
        for destination in &cluster {
            self.put(Slot::ClusterIp(destination.address.expect("made from an address")), Content::Present);
        }
        let taking = self.reachable.cluster.iter().chain(&self.reachable.local);
        let hairpin: Vec<IpAddr> =
            taking.map(SocketAddr::ip).filter(|address| local.contains(address)).collect();
        for address in hairpin {
            self.put(Slot::Hairpin(address), Content::Present);
        }
        if self.service.affinity.is_none() && !self.service.externally_accessible(self.port) {
            self.plan_shared(&cluster);
        } else {
            self.plan_chains(&cluster);
        }
    }

    /// A port without chains of its own.
    fn plan_shared(&mut self, destinations: &[Destination]) {
        let endpoints = self.internal_endpoints();
        for destination in destinations {
            if endpoints.is_empty() {
                self.refuse(*destination, self.internal_refusal());
            } else {
                let chain = chains::choose(endpoints.len());
                self.put(
                    Slot::Chain(chain.clone()),
                    Content::Body(ChainBody::Choose(endpoints.len() as u32)),
                );
                self.put(Slot::Route(*destination), Content::Goto(chain));
                for (index, endpoint) in (0..).zip(&endpoints) {
                    self.put(Slot::Endpoint(*destination, index), Content::Endpoint(*endpoint));
                }
            }
            self.frontend(*destination, endpoints.clone());
        }
    }

    /// A port with chains of its own.
    fn plan_chains(&mut self, cluster: &[Destination]) {
        let names = ChainNames::new(&self.service.name, self.port);
        let ways = self.ways();
        let reachable = self.reachable;
        let (uses_all, uses_local) = self.uses();
        let all = (uses_all && !reachable.cluster.is_empty()).then(|| names.service());
        let local = (uses_local && !reachable.local.is_empty()).then(|| names.local());
        for (chain, endpoints) in [(&all, &reachable.cluster), (&local, &reachable.local)] {
            if let Some(chain) = chain {
                self.put_balancer(chain.clone(), endpoints, &names);
            }
        }
        let internal = if self.service.internal == TrafficPolicy::Local { &local } else { &all };
        for destination in cluster {
            match internal {
                Some(chain) => self.put(Slot::Route(*destination), Content::Goto(chain.clone())),
                None => self.refuse(*destination, self.internal_refusal()),
            }
            self.frontend(*destination, self.internal_endpoints());
        }
        self.plan_external(&names, &ways, all, local);
        self.plan_firewall(&names, &ways);
    }

    fn plan_external(&mut self, names: &ChainNames, ways: &Ways, all: Option<String>, local: Option<String>) {
        let destinations: Vec<Destination> = ways.addresses.iter().copied().chain(ways.node_port).collect();
        if destinations.is_empty() {
            return;
        }
        let policy = self.service.external;
        let refusal = match (&all, &local, policy) {
            (None, _, _) => Some(Refusal::Reject),
            (Some(_), None, TrafficPolicy::Local) => Some(Refusal::Drop),
            _ => None,
        };
        if let Some(all) = all {
            let external = match policy {
                TrafficPolicy::Cluster => External::Cluster { chain: all },
                TrafficPolicy::Local => External::Local { all, local },
            };
            self.put(Slot::Chain(names.external()), Content::Body(ChainBody::External(external)));
            for destination in &destinations {
                self.put(Slot::Route(*destination), Content::Goto(names.external()));
            }
        }
        for destination in destinations {
            if let Some(refusal) = refusal {
                self.refuse(destination, refusal);
            }
            let mut endpoints = self.reachable.cluster.clone();
            endpoints.extend(&self.reachable.local);
            self.frontend(destination, endpoints);
        }
    }

    fn plan_firewall(&mut self, names: &ChainNames, ways: &Ways) {
        let mut ranges = self.service.source_ranges.clone();
        ranges.retain(|range| Family::of(range.addr()) == self.family);
        if self.service.source_ranges.is_empty() || ways.load_balancer.is_empty() {
            return;
        }
        self.put(Slot::Chain(names.firewall()), Content::Body(ChainBody::Firewall(ranges)));
        for destination in &ways.load_balancer {
            self.put(Slot::Firewall(*destination), Content::Goto(names.firewall()));
        }
    }

    fn put_balancer(&mut self, chain: String, endpoints: &[SocketAddr], names: &ChainNames) {
        let protocol = self.port.protocol;
        let balancer = match self.service.affinity {
            None => Balancer::Random(protocol, endpoints.to_vec()),
            Some(timeout) => {
                for endpoint in endpoints {
                    let affinity_set = names.affinity(*endpoint);
                    self.put(Slot::AffinitySet(affinity_set.clone()), Content::Present);
                    let body =
                        ChainBody::StickyEndpoint { affinity_set, endpoint: *endpoint, protocol, timeout };
                    self.put(Slot::Chain(names.endpoint(*endpoint)), Content::Body(body));
                }
                Balancer::Sticky(endpoints.iter().map(|e| (names.affinity(*e), names.endpoint(*e))).collect())
            }
        };
        self.put(Slot::Chain(chain), Content::Body(ChainBody::Balance(balancer)));
    }

    fn ways(&self) -> Ways {
        let load_balancer = self.of_family(&self.service.load_balancer_ips);
        let mut addresses = self.of_family(&self.service.external_ips);
        addresses.extend(&load_balancer);
        let node_port =
            self.port.node_port.map(|port| Destination { address: None, protocol: self.port.protocol, port });
        Ways { addresses, load_balancer, node_port }
    }

    /// Whether the port uses all endpoints, and whether it uses local ones. Traffic of pods and of the node is not held
    /// to policy Local on its way to external addresses.
    fn uses(&self) -> (bool, bool) {
        let accessible = self.service.externally_accessible(self.port);
        let internal_local = self.service.internal == TrafficPolicy::Local;
        let external_local = accessible && self.service.external == TrafficPolicy::Local;
        (!internal_local || accessible, internal_local || external_local)
    }

    fn internal_endpoints(&self) -> Vec<SocketAddr> {
        match self.service.internal {
            TrafficPolicy::Cluster => self.reachable.cluster.clone(),
            TrafficPolicy::Local => self.reachable.local.clone(),
        }
    }

    fn internal_refusal(&self) -> Refusal {
        if self.reachable.cluster.is_empty() { Refusal::Reject } else { Refusal::Drop }
    }

    fn of_family(&self, addresses: &[IpAddr]) -> Vec<Destination> {
        let addresses = addresses.iter().filter(|address| Family::of(**address) == self.family);
        let (protocol, port) = (self.port.protocol, self.port.port);
        addresses.map(|address| Destination { address: Some(*address), protocol, port }).collect()
    }

    fn refuse(&mut self, destination: Destination, refusal: Refusal) {
        self.put(Slot::Refused(destination), Content::Refusal(refusal));
    }

    fn frontend(&mut self, destination: Destination, endpoints: Vec<SocketAddr>) {
        if self.port.protocol == Protocol::Udp {
            self.plan.udp.push(Frontend { destination, endpoints: endpoints.into_iter().collect() });
        }
    }

    fn put(&mut self, slot: Slot, content: Content) {
        self.plan.wanted.insert(slot, content);
    }
}

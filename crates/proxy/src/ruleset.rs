//! The rule set as a model: slots with content, each claimed by the Services that want it.
//!
//! A Service's plan is a map from [`Slot`] to [`Content`]. Slots are unique in the kernel but not among Services: two may
//! claim one for a moment (an address handed over), some are shared on purpose. The first claim counts; another takes
//! over when it goes. Putting a plan in yields the [`Change`]s for the kernel and nothing else.

use crate::facts::{Protocol, ServiceName};
use indexmap::IndexSet;
use ipnet::IpNet;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// What packets are addressed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Destination {
    /// The address; `None` for the node's own, where the port is a node port.
    pub address: Option<IpAddr>,
    /// The protocol.
    pub protocol: Protocol,
    /// The port.
    pub port: u16,
}

/// A place that holds one thing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// A cluster IP is in use.
    ClusterIp(IpAddr),
    /// An endpoint on this node may connect to itself through a Service.
    Hairpin(IpAddr),
    /// A set of clients that stick to an endpoint.
    AffinitySet(String),
    /// A chain.
    Chain(String),
    /// Where packets to a destination go.
    Route(Destination),
    /// The endpoint with this index among those of a destination.
    Endpoint(Destination, u32),
    /// What happens to packets that no route took.
    Refused(Destination),
    /// The chain that checks the source of packets to a destination.
    Firewall(Destination),
}

/// What is in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing more than that it is there.
    Present,
    /// A chain's rules.
    Body(ChainBody),
    /// Name of the chain that goes on.
    Goto(String),
    /// An endpoint.
    Endpoint(SocketAddr),
    /// How packets are refused.
    Refusal(Refusal),
}

/// How packets without a way are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// With a port-unreachable message: there are no endpoints.
    Reject,
    /// In silence: there are endpoints, but not for this traffic on this node.
    Drop,
}

/// Rules of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainBody {
    /// Chooses among so many [`Slot::Endpoint`]s of the packet's destination. Shared.
    Choose(u32),
    /// Chooses among endpoints of its own.
    Balance(Balancer),
    /// Sends to an endpoint and remembers the client.
    StickyEndpoint {
        /// The set of clients.
        affinity_set: String,
        /// The endpoint.
        endpoint: SocketAddr,
        /// Its protocol.
        protocol: Protocol,
        /// How long a client is remembered.
        timeout: Duration,
    },
    /// Treats traffic from outside.
    External(External),
    /// Lets these sources return and drops the others.
    Firewall(Vec<IpNet>),
}

/// Chooses among endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Balancer {
    /// Any, each time anew.
    Random(Protocol, Vec<SocketAddr>),
    /// The one that the client had, by set of clients and chain; else any.
    Sticky(Vec<(String, String)>),
}

/// How traffic from outside finds endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum External {
    /// Masqueraded, to any endpoint.
    Cluster {
        /// The chain with all endpoints.
        chain: String,
    },
    /// With its own source, to endpoints on this node; pods and the node itself may reach all.
    Local {
        /// The chain with all endpoints.
        all: String,
        /// The chain with the local endpoints, if there are any.
        local: Option<String>,
    },
}

/// What a Service wants in one address family.
pub type Contribution = BTreeMap<Slot, Content>;

/// A slot whose content changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub slot: Slot,
    /// What it held; `None` if it did not exist.
    pub old: Option<Content>,
    /// What it is to hold; `None` if it is to go.
    pub new: Option<Content>,
}

/// All Services' rules in one address family.
#[derive(Debug, Default)]
pub struct RuleSet {
    contributions: HashMap<Arc<ServiceName>, Contribution>,
    /// Shared slots can have as many claimants as there are Services, so finding one must not mean looking at all.
    claims: HashMap<Slot, IndexSet<Arc<ServiceName>>>,
}

impl RuleSet {
    /// Puts in what a Service wants now, in place of what it wanted; empty to forget it. Returns what that changes.
    pub fn put(&mut self, service: &ServiceName, wanted: Contribution) -> Vec<Change> {
        let (service, old) = match self.contributions.remove_entry(service) {
            Some(entry) => entry,
            None => (Arc::new(service.clone()), Contribution::new()),
        };
        let touched: Vec<Slot> = different(&old, &wanted);
        let before: Vec<Option<Content>> =
            touched.iter().map(|slot| self.effective(slot, &service, &old)).collect();
        for slot in &touched {
            let claims = self.claims.entry(slot.clone()).or_default();
            match (old.contains_key(slot), wanted.contains_key(slot)) {
                (false, true) => {
                    claims.insert(service.clone());
                }
                (true, false) => {
                    claims.swap_remove(&service);
                }
                _ => {}
            }
            if claims.is_empty() {
                self.claims.remove(slot);
            }
        }
        let changes = touched.into_iter().zip(before).filter_map(|(slot, old)| {
            let new = self.effective(&slot, &service, &wanted);
            (old != new).then_some(Change { slot, old, new })
        });
        let changes = changes.collect();
        if !wanted.is_empty() {
            self.contributions.insert(service, wanted);
        }
        changes
    }

    /// Everything, as changes from nothing.
    pub fn all(&self) -> Vec<Change> {
        let nothing = Contribution::new();
        let nobody = Arc::new(ServiceName::new("", ""));
        let mut changes: Vec<Change> = self
            .claims
            .keys()
            .map(|slot| Change {
                slot: slot.clone(),
                old: None,
                new: self.effective(slot, &nobody, &nothing),
            })
            .collect();
        changes.sort_by(|a, b| a.slot.cmp(&b.slot));
        changes
    }

    /// Services that want something.
    pub fn services(&self) -> impl Iterator<Item = &ServiceName> {
        self.contributions.keys().map(|name| &**name)
    }

    /// What counts in a slot, where the contribution of one Service is looked up in a map at hand.
    fn effective(&self, slot: &Slot, service: &Arc<ServiceName>, at_hand: &Contribution) -> Option<Content> {
        let first = self.claims.get(slot)?.first()?;
        let contribution = if first == service { at_hand } else { self.contributions.get(first)? };
        contribution.get(slot).cloned()
    }
}

fn different(old: &Contribution, new: &Contribution) -> Vec<Slot> {
    let gone_or_changed = old.iter().filter(|(slot, content)| new.get(*slot) != Some(*content));
    let added = new.iter().filter(|(slot, _)| !old.contains_key(*slot));
    gone_or_changed.chain(added).map(|(slot, _)| slot.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ServiceName {
        ServiceName::new("ns", text)
    }

    fn slot(last: u8) -> Slot {
        Slot::ClusterIp([10, 43, 0, last].into())
    }

    fn wants(slots: &[(u8, &str)]) -> Contribution {
        slots.iter().map(|(last, chain)| (slot(*last), Content::Goto((*chain).into()))).collect()
    }

    fn told(changes: &[Change]) -> Vec<(Slot, Option<&str>, Option<&str>)> {
        let text = |content: &Option<Content>| match content {
            Some(Content::Goto(chain)) => Some(chain.clone().leak() as &str),
            _ => None,
        };
        changes.iter().map(|c| (c.slot.clone(), text(&c.old), text(&c.new))).collect()
    }

    #[test]
    fn only_what_differs_is_a_change() {
        let mut set = RuleSet::default();
        assert_eq!(set.put(&name("a"), wants(&[(1, "x"), (2, "x")])).len(), 2);
        let changes = set.put(&name("a"), wants(&[(1, "x"), (2, "y"), (3, "z")]));
        assert_eq!(told(&changes), [(slot(2), Some("x"), Some("y")), (slot(3), None, Some("z"))]);
        assert_eq!(set.put(&name("a"), wants(&[(1, "x"), (2, "y"), (3, "z")])), []);
        assert_eq!(set.put(&name("a"), wants(&[])).len(), 3);
        assert_eq!(set.all(), []);
        assert_eq!(set.services().count(), 0);
    }

    #[test]
    fn the_first_claim_counts_and_the_next_takes_over() {
        let mut set = RuleSet::default();
        set.put(&name("a"), wants(&[(1, "a")]));
        assert_eq!(set.put(&name("b"), wants(&[(1, "b")])), []);
        assert_eq!(told(&set.put(&name("a"), wants(&[]))), [(slot(1), Some("a"), Some("b"))]);
        assert_eq!(told(&set.put(&name("b"), wants(&[]))), [(slot(1), Some("b"), None)]);
    }
}

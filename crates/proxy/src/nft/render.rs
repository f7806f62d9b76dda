//! Slots to elements, sets and chains, in an order that the kernel takes.

use super::layout::{Layout, MARK_FOR_MASQUERADE, REJECT};
use super::present::Present;
use crate::ruleset::{Balancer, ChainBody, Change, Content, Destination, External, Refusal, Slot};
use ipnet::IpNet;
use skiff_nftables::{Batch, Chain, Datum, Element, Field, Rule, Set, Table, Verdict};
use std::net::{IpAddr, SocketAddr};

/// Writes changes of one family into a batch.
pub(super) struct Renderer<'a> {
    layout: Layout,
    table: Table,
    batch: &'a mut Batch,
    present: Present,
}

/// Elements to remove and to add, by set.
#[derive(Default)]
struct Elements(Vec<(Set, Vec<Element>, Vec<Element>)>);

impl<'a> Renderer<'a> {
    /// What is present beyond the changes goes.
    pub(super) fn new(layout: Layout, batch: &'a mut Batch, present: Present) -> Self {
        Self { layout, table: layout.table(), batch, present }
    }

    pub(super) fn render(mut self, changes: &[Change]) {
        let mut elements = Elements::default();
        for change in changes {
            self.make(change);
            self.collect(change, &mut elements);
        }
        for change in changes {
            self.fill(change);
        }
        for (set, stale) in self.present.stale_elements() {
            elements.of(set).1.extend(stale);
        }
        for (set, gone, _) in &elements.0 {
            self.batch.delete_elements(&self.table, &set.name, gone);
        }
        for (set, _, added) in &elements.0 {
            self.batch.add_elements(&self.table, set, added);
        }
        let gone = |change: &&Change| change.new.is_none();
        // Chains lead to each other: empty all of them before the first goes.
        for name in changes.iter().filter(gone).filter_map(chain_name) {
            self.batch.flush_chain(&self.table, name);
        }
        for name in changes.iter().filter(gone).filter_map(chain_name) {
            self.batch.delete_chain(&self.table, name);
        }
        for change in changes.iter().filter(gone) {
            if let Slot::AffinitySet(name) = &change.slot {
                self.batch.delete_set(&self.table, name);
            }
        }
        self.present.remove_rest(self.batch, &self.table);
    }

    /// Makes new chains, empty, and new sets.
    fn make(&mut self, change: &Change) {
        match (&change.slot, &change.old, &change.new) {
            (Slot::Chain(name), None, Some(_)) if !self.present.has_chain(name) => {
                self.batch.add_chain(&self.table, &Chain::regular(name));
            }
            // One that is there keeps its clients.
            (Slot::AffinitySet(name), None, Some(_)) if !self.present.claim_set(name) => {
                self.batch.add_set(&self.table, &self.layout.affinity_set(name));
            }
            _ => {}
        }
    }

    /// Gives chains their rules.
    fn fill(&mut self, change: &Change) {
        let (Slot::Chain(name), Some(Content::Body(body))) = (&change.slot, &change.new) else { return };
        if change.old.is_some() {
            self.batch.flush_chain(&self.table, name);
        }
        self.present.fill(self.batch, &self.table, name, &rules(self.layout, body));
    }

    fn collect(&mut self, change: &Change, elements: &mut Elements) {
        if let Some(content) = &change.old
            && let Some((set, element)) = element(self.layout, &change.slot, content)
        {
            elements.of(set).1.push(element);
        }
        if let Some(content) = &change.new
            && let Some((set, element)) = element(self.layout, &change.slot, content)
            && !self.present.keeps(&set.name, &element)
        {
            elements.of(set).2.push(element);
        }
    }
}

impl Elements {
    fn of(&mut self, set: Set) -> &mut (Set, Vec<Element>, Vec<Element>) {
        let known = self.0.iter().position(|(other, _, _)| other.name == set.name);
        let index = known.unwrap_or_else(|| {
            self.0.push((set, Vec::new(), Vec::new()));
            self.0.len() - 1
        });
        &mut self.0[index]
    }
}

fn chain_name(change: &Change) -> Option<&str> {
    match &change.slot {
        Slot::Chain(name) => Some(name),
        _ => None,
    }
}

/// The element that a slot with content is, if it is one.
fn element(layout: Layout, slot: &Slot, content: &Content) -> Option<(Set, Element)> {
    let address = |address: &IpAddr| Datum::Address(*address);
    Some(match (slot, content) {
        (Slot::ClusterIp(ip), _) => (layout.cluster_ips(), Element::new([address(ip)])),
        (Slot::Hairpin(ip), _) => (layout.hairpin_connections(), Element::new([address(ip), address(ip)])),
        (Slot::Route(destination), Content::Goto(chain)) => {
            let map = by_kind(destination, layout.service_ips(), layout.service_node_ports());
            (map, Element::new(key(destination)).verdict(Verdict::goto(chain)))
        }
        (Slot::Refused(destination), Content::Refusal(refusal)) => {
            let map = by_kind(destination, layout.no_endpoint_services(), layout.no_endpoint_node_ports());
            let verdict = match refusal {
                Refusal::Reject => Verdict::goto(REJECT),
                Refusal::Drop => Verdict::Drop,
            };
            (map, Element::new(key(destination)).verdict(verdict))
        }
        (Slot::Firewall(destination), Content::Goto(chain)) => {
            (layout.firewall_ips(), Element::new(key(destination)).verdict(Verdict::goto(chain)))
        }
        (Slot::Endpoint(destination, index), Content::Endpoint(endpoint)) => {
            let mut key = key(destination);
            key.push(Datum::Mark(*index));
            let target = [Datum::Address(endpoint.ip()), Datum::Port(endpoint.port())];
            (layout.service_endpoints(), Element::new(key).data(target))
        }
        _ => return None,
    })
}

fn by_kind(destination: &Destination, addressed: Set, node_port: Set) -> Set {
    if destination.address.is_some() { addressed } else { node_port }
}

fn key(destination: &Destination) -> Vec<Datum> {
    let address = destination.address.map(Datum::Address);
    let rest = [Datum::Protocol(destination.protocol.number()), Datum::Port(destination.port)];
    address.into_iter().chain(rest).collect()
}

/// The rules of a chain.
fn rules(layout: Layout, body: &ChainBody) -> Vec<Rule> {
    match body {
        ChainBody::Choose(count) => vec![layout.choose(*count)],
        ChainBody::Balance(Balancer::Random(protocol, endpoints)) => {
            vec![translate(layout, protocol.number(), endpoints)]
        }
        ChainBody::Balance(Balancer::Sticky(endpoints)) => sticky(layout, endpoints),
        ChainBody::StickyEndpoint { affinity_set, endpoint, protocol, timeout } => vec![
            layout.rule().remember(&[Field::SourceAddress], affinity_set, *timeout),
            translate(layout, protocol.number(), &[*endpoint]),
        ],
        ChainBody::External(External::Cluster { chain }) => {
            vec![layout.rule().jump(MARK_FOR_MASQUERADE), layout.rule().goto(chain)]
        }
        ChainBody::External(External::Local { all, local }) => local_only(layout, all, local.as_deref()),
        ChainBody::Firewall(ranges) => firewall(layout, ranges),
    }
}

fn translate(layout: Layout, protocol: u8, endpoints: &[SocketAddr]) -> Rule {
    layout.rule().protocol(protocol).translate_destination_random(endpoints)
}

fn sticky(layout: Layout, endpoints: &[(String, String)]) -> Vec<Rule> {
    let remembered =
        endpoints.iter().map(|(set, chain)| layout.rule().member(&[Field::SourceAddress], set).goto(chain));
    let any = endpoints.iter().map(|(_, chain)| Verdict::goto(chain)).collect();
    remembered.chain([layout.rule().random_verdict(any)]).collect()
}

fn local_only(layout: Layout, all: &str, local: Option<&str>) -> Vec<Rule> {
    let from_pods = layout
        .cluster_cidr()
        .map(|pods| layout.rule().source_in(pods).goto(all).comment("short-circuit pod traffic"));
    let mut rules: Vec<Rule> = from_pods.into_iter().collect();
    rules.extend([
        layout.rule().source_is_local().jump(MARK_FOR_MASQUERADE).comment("masquerade local traffic"),
        layout.rule().source_is_local().goto(all).comment("short-circuit local traffic"),
    ]);
    rules.extend(local.map(|local| layout.rule().goto(local)));
    rules
}

fn firewall(layout: Layout, ranges: &[IpNet]) -> Vec<Rule> {
    let allowed = ranges.iter().map(|range| layout.rule().source_in(*range).verdict(Verdict::Return));
    allowed.chain([layout.rule().verdict(Verdict::Drop)]).collect()
}

//! What a table always holds: sets, maps, base chains and the chains that they share. Names are upstream's where upstream
//! has the thing.

use super::MASQUERADE_MARK;
use super::present::Present;
use crate::facts::{Family, NodeFacts};
use ipnet::IpNet;
use skiff_nftables::{
    Batch, Chain, ChainType, ConnectionState, DataType, Datum, Element, Field, Hook, Rule, Set, Table,
    Verdict, priority,
};
use std::net::IpAddr;
use std::time::Duration;

const CLUSTER_IPS: &str = "cluster-ips";
const HAIRPIN_CONNECTIONS: &str = "hairpin-connections";
const NODE_PORT_IPS: &str = "nodeport-ips";
const SERVICE_IPS: &str = "service-ips";
const SERVICE_NODE_PORTS: &str = "service-nodeports";
const SERVICE_ENDPOINTS: &str = "service-endpoints";
const NO_ENDPOINT_SERVICES: &str = "no-endpoint-services";
const NO_ENDPOINT_NODE_PORTS: &str = "no-endpoint-nodeports";
const FIREWALL_IPS: &str = "firewall-ips";

pub(super) const MARK_FOR_MASQUERADE: &str = "mark-for-masquerade";
pub(super) const REJECT: &str = "reject-chain";
const SERVICES: &str = "services";
const MASQUERADING: &str = "masquerading";
const CLUSTER_IPS_CHECK: &str = "cluster-ips-check";
const FIREWALL_CHECK: &str = "firewall-check";
const SERVICE_ENDPOINTS_CHECK: &str = "service-endpoints-check";
const NODE_PORT_ENDPOINTS_CHECK: &str = "nodeport-endpoints-check";

const ADDRESS_KEY: [Field; 3] = [Field::DestinationAddress, Field::Protocol, Field::DestinationPort];
const NODE_PORT_KEY: [Field; 2] = [Field::Protocol, Field::DestinationPort];

/// Filters look before destinations are translated, or after.
const BEFORE_TRANSLATION: i32 = priority::DESTINATION_NAT - 10;
const AFTER_TRANSLATION: i32 = priority::DESTINATION_NAT + 10;

/// The layout of the table of one address family.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    family: Family,
    /// The pod network.
    cluster_cidr: Option<IpNet>,
}

/// Clients are remembered this long unless the Service says otherwise.
const AFFINITY: Duration = Duration::from_secs(10_800);

/// Sets and maps.
impl Layout {
    pub(super) fn of(family: Family, node: &NodeFacts) -> Self {
        Self { family, cluster_cidr: node.cluster_cidr(family) }
    }

    pub(super) fn cluster_cidr(self) -> Option<IpNet> {
        self.cluster_cidr
    }

    pub(super) fn nft_family(self) -> skiff_nftables::Family {
        match self.family {
            Family::V4 => skiff_nftables::Family::Ip,
            Family::V6 => skiff_nftables::Family::Ip6,
        }
    }

    pub(super) fn table(self) -> Table {
        Table::new(self.nft_family(), "kube-proxy")
    }

    pub(super) fn rule(self) -> Rule {
        Rule::new(self.nft_family())
    }

    fn address(self) -> DataType {
        Field::DestinationAddress.data_type(self.nft_family())
    }

    fn destination(self) -> [DataType; 3] {
        [self.address(), DataType::Protocol, DataType::Port]
    }

    pub(super) fn cluster_ips(self) -> Set {
        Set::of_keys(CLUSTER_IPS, [self.address()]).comment("Active ClusterIPs")
    }

    pub(super) fn hairpin_connections(self) -> Set {
        Set::of_keys(HAIRPIN_CONNECTIONS, [self.address(), self.address()])
            .comment("Endpoints on this node to themselves")
    }

    fn node_port_ips(self) -> Set {
        Set::of_keys(NODE_PORT_IPS, [self.address()]).comment("IPs that accept NodePort traffic")
    }

    pub(super) fn service_ips(self) -> Set {
        Set::verdict_map(SERVICE_IPS, self.destination())
            .comment("ClusterIP, ExternalIP and LoadBalancer IP traffic")
    }

    pub(super) fn service_node_ports(self) -> Set {
        Set::verdict_map(SERVICE_NODE_PORTS, [DataType::Protocol, DataType::Port]).comment("NodePort traffic")
    }

    pub(super) fn service_endpoints(self) -> Set {
        let [address, protocol, port] = self.destination();
        Set::map(SERVICE_ENDPOINTS, [address, protocol, port, DataType::Mark], [address, port])
            .comment("endpoints of services without chains of their own")
    }

    pub(super) fn no_endpoint_services(self) -> Set {
        Set::verdict_map(NO_ENDPOINT_SERVICES, self.destination())
            .comment("vmap to drop or reject packets to services with no endpoints")
    }

    pub(super) fn no_endpoint_node_ports(self) -> Set {
        Set::verdict_map(NO_ENDPOINT_NODE_PORTS, [DataType::Protocol, DataType::Port])
            .comment("vmap to drop or reject packets to service nodeports with no endpoints")
    }

    pub(super) fn firewall_ips(self) -> Set {
        Set::verdict_map(FIREWALL_IPS, self.destination())
            .comment("destinations that are subject to LoadBalancerSourceRanges")
    }

    pub(super) fn affinity_set(self, name: &str) -> Set {
        Set::of_keys(name, [self.address()]).dynamic(AFFINITY)
    }

    /// The rule by which packets choose among so many endpoints.
    pub(super) fn choose(self, count: u32) -> Rule {
        self.rule().translate_destination_by(&ADDRESS_KEY, SERVICE_ENDPOINTS, count)
    }
}

/// Chains.
impl Layout {
    /// Makes what a table always holds, as far as it is not there.
    pub(super) fn lay(self, batch: &mut Batch, node_addresses: &[IpAddr], present: &mut Present) {
        let table = self.table();
        batch.add_table(&table, "rules for kube-proxy");
        for set in self.shared_sets() {
            // Said again where it is there: one of another make refuses the batch.
            present.claim_set(&set.name);
            batch.add_set(&table, &set);
        }
        let addresses = node_addresses.iter().filter(|address| Family::of(**address) == self.family);
        let addresses: Vec<Element> = addresses
            .map(|address| Element::new([Datum::Address(*address)]))
            .filter(|element| !present.keeps(NODE_PORT_IPS, element))
            .collect();
        batch.add_elements(&table, &self.node_port_ips(), &addresses);
        let shared = self.shared_chains();
        let base = self.base_chains();
        for (chain, _) in shared.iter().chain(&base) {
            batch.add_chain(&table, chain);
        }
        for (chain, rules) in shared.iter().chain(&base) {
            present.fill(batch, &table, &chain.name, rules);
        }
    }

    /// Sets and maps that all Services share.
    pub(super) fn shared_sets(self) -> [Set; 9] {
        [
            self.cluster_ips(),
            self.hairpin_connections(),
            self.node_port_ips(),
            self.service_ips(),
            self.service_node_ports(),
            self.service_endpoints(),
            self.no_endpoint_services(),
            self.no_endpoint_node_ports(),
            self.firewall_ips(),
        ]
    }

    fn base_chains(self) -> Vec<(Chain, Vec<Rule>)> {
        let new = |check: &str| self.rule().connection_state(ConnectionState::New).jump(check);
        let filter = |name: &str, hook, priority| Chain::base(name, ChainType::Filter, hook, priority);
        let nat = |name: &str, hook, priority| Chain::base(name, ChainType::Nat, hook, priority);
        vec![
            (filter("filter-prerouting", Hook::Prerouting, BEFORE_TRANSLATION), vec![new(FIREWALL_CHECK)]),
            (
                filter("filter-input", Hook::Input, BEFORE_TRANSLATION),
                vec![new(NODE_PORT_ENDPOINTS_CHECK), new(SERVICE_ENDPOINTS_CHECK)],
            ),
            (
                filter("filter-forward", Hook::Forward, BEFORE_TRANSLATION),
                vec![new(SERVICE_ENDPOINTS_CHECK), new(CLUSTER_IPS_CHECK)],
            ),
            (filter("filter-output", Hook::Output, BEFORE_TRANSLATION), vec![new(FIREWALL_CHECK)]),
            // On this hook, too, no endpoints means: was not translated. What the node sends may be where other traffic
            // is refused.
            (
                filter("filter-output-post-dnat", Hook::Output, AFTER_TRANSLATION),
                vec![new(SERVICE_ENDPOINTS_CHECK), new(CLUSTER_IPS_CHECK)],
            ),
            (
                nat("nat-prerouting", Hook::Prerouting, priority::DESTINATION_NAT),
                vec![self.rule().jump(SERVICES)],
            ),
            (nat("nat-output", Hook::Output, priority::DESTINATION_NAT), vec![self.rule().jump(SERVICES)]),
            (
                nat("nat-postrouting", Hook::Postrouting, priority::SOURCE_NAT),
                vec![self.rule().jump(MASQUERADING)],
            ),
        ]
    }

    fn shared_chains(self) -> Vec<(Chain, Vec<Rule>)> {
        let rule = || self.rule();
        let mut services = vec![
            rule().decide_by(&ADDRESS_KEY, SERVICE_IPS),
            rule().member(&ADDRESS_KEY[..1], NODE_PORT_IPS).decide_by(&NODE_PORT_KEY, SERVICE_NODE_PORTS),
        ];
        if let Some(pods) = self.cluster_cidr {
            let from_elsewhere = rule().source_not_in(pods).member(&ADDRESS_KEY[..1], CLUSTER_IPS);
            services.insert(
                0,
                from_elsewhere.jump(MARK_FOR_MASQUERADE).comment("masquerade off-cluster traffic"),
            );
        }
        let chain = |name: &str| Chain::regular(name);
        let to_itself = [Field::SourceAddress, Field::DestinationAddress];
        vec![
            (chain(SERVICES), services),
            (chain(MARK_FOR_MASQUERADE), vec![rule().set_mark(MASQUERADE_MARK)]),
            (
                chain(MASQUERADING),
                vec![
                    rule()
                        .destination_translated()
                        .member(&to_itself, HAIRPIN_CONNECTIONS)
                        .masquerade()
                        .comment("masquerade hairpin traffic"),
                    rule().not_marked(MASQUERADE_MARK).verdict(Verdict::Return),
                    rule().clear_mark(MASQUERADE_MARK).masquerade(),
                ],
            ),
            (
                chain(CLUSTER_IPS_CHECK),
                vec![
                    rule()
                        .member(&ADDRESS_KEY[..1], CLUSTER_IPS)
                        .reject()
                        .comment("Reject traffic to invalid ports of ClusterIPs"),
                ],
            ),
            (chain(FIREWALL_CHECK), vec![rule().decide_by(&ADDRESS_KEY, FIREWALL_IPS)]),
            (chain(SERVICE_ENDPOINTS_CHECK), vec![rule().decide_by(&ADDRESS_KEY, NO_ENDPOINT_SERVICES)]),
            (
                chain(NODE_PORT_ENDPOINTS_CHECK),
                vec![
                    rule()
                        .member(&ADDRESS_KEY[..1], NODE_PORT_IPS)
                        .decide_by(&NODE_PORT_KEY, NO_ENDPOINT_NODE_PORTS),
                ],
            ),
            (
                chain(REJECT).comment("helper for @no-endpoint-services / @no-endpoint-nodeports"),
                vec![rule().reject()],
            ),
        ]
    }
}

//! The network's own tables, one per address family: masquerade on the way out of the cluster, ports of the host.
//!
//! The whole table is replaced when the network is configured; host ports come and go as elements of its maps.

use crate::Result;
use crate::families::{self, FAMILIES};
use crate::state::{Lease, State};
use ipnet::IpNet;
use skiff_nftables::{
    Batch, Chain, ChainType, Connection, DataType, Datum, Element, Family, Field, Hook, Rule, Set, Table,
    Verdict, priority,
};
use std::net::IpAddr;

/// Before kube-proxy: a host port of this node is nearer than a node port.
const HOST_PORT_PRIORITY: i32 = priority::DESTINATION_NAT - 1;
/// Before connection tracking.
const GUARD_PRIORITY: i32 = -300;

const PORTS: &str = "host-ports";
const PORTS_BY_ADDRESS: &str = "host-ports-by-address";
const HAIRPIN: &str = "hairpin";

/// The rules of a network.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Name of the bridge.
    pub(crate) bridge: String,
    /// Networks whose traffic is not masqueraded.
    pub(crate) cluster_cidrs: Vec<IpNet>,
}

impl Rules {
    /// Makes the tables anew, in one step, as the state wants them.
    pub(crate) fn replace(&self, state: &State) -> Result<()> {
        let mut batch = Batch::new();
        for family in FAMILIES {
            let pods: Vec<IpNet> =
                state.pod_cidrs.iter().copied().filter(|cidr| families::of(cidr.addr()) == family).collect();
            batch.remove_table(&self.table(family));
            if !pods.is_empty() {
                self.add_table(&mut batch, family, &pods);
            }
        }
        for lease in state.sandboxes.values() {
            self.add_lease(&mut batch, lease);
        }
        Ok(Connection::open()?.commit(&batch)?)
    }

    /// Leads ports of the host into a sandbox.
    pub(crate) fn add(&self, lease: &Lease) -> Result<()> {
        let mut batch = Batch::new();
        self.add_lease(&mut batch, lease);
        Ok(Connection::open()?.commit(&batch)?)
    }

    /// Takes them back, if they are there.
    pub(crate) fn remove(&self, lease: &Lease) -> Result<()> {
        let mut batch = Batch::new();
        for (family, set, element) in elements(lease) {
            // Adding first makes removing what is gone a success.
            batch.add_elements(&self.table(family), &set, std::slice::from_ref(&element));
            batch.delete_elements(&self.table(family), &set.name, &[element]);
        }
        match Connection::open()?.commit(&batch) {
            Err(error) if error.is_missing() => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Removes the tables.
    pub(crate) fn remove_tables(&self) -> Result<()> {
        let mut batch = Batch::new();
        for family in FAMILIES {
            batch.remove_table(&self.table(family));
        }
        Ok(Connection::open()?.commit(&batch)?)
    }

    fn table(&self, family: Family) -> Table {
        Table::new(family, format!("skiff-{}", self.bridge))
    }

    fn add_lease(&self, batch: &mut Batch, lease: &Lease) {
        for (family, set, element) in elements(lease) {
            batch.add_elements(&self.table(family), &set, &[element]);
        }
    }

    fn add_table(&self, batch: &mut Batch, family: Family, pods: &[IpNet]) {
        let table = self.table(family);
        let address = Field::DestinationAddress.data_type(family);
        batch.add_table(&table, "pod network");
        for set in [ports(address), ports_by_address(address), hairpin(address)] {
            batch.add_set(&table, &set);
        }
        for (name, hook) in [("prerouting", Hook::Prerouting), ("output", Hook::Output)] {
            batch.add_chain(&table, &Chain::base(name, ChainType::Nat, hook, HOST_PORT_PRIORITY));
            for rule in host_port_rules(family) {
                batch.add_rule(&table, name, &rule);
            }
        }
        let postrouting = Chain::base("postrouting", ChainType::Nat, Hook::Postrouting, priority::SOURCE_NAT);
        batch.add_chain(&table, &postrouting);
        for rule in self.masquerade_rules(family, pods) {
            batch.add_rule(&table, &postrouting.name, &rule);
        }
        if family == Family::Ip {
            let guard = Chain::base("guard", ChainType::Filter, Hook::Prerouting, GUARD_PRIORITY);
            batch.add_chain(&table, &guard);
            for rule in self.guard_rules() {
                batch.add_rule(&table, &guard.name, &rule);
            }
        }
    }

    fn masquerade_rules(&self, family: Family, pods: &[IpNet]) -> Vec<Rule> {
        let rule = || Rule::new(family);
        let mut rules = vec![
            rule()
                .destination_translated()
                .member(&[Field::SourceAddress, Field::DestinationAddress], HAIRPIN)
                .masquerade()
                .comment("a pod to itself through a port of the host"),
        ];
        if family == Family::Ip {
            let host = IpNet::new_assert([127, 0, 0, 0].into(), 8);
            rules.push(
                rule()
                    .source_in(host)
                    .output_interface(&self.bridge)
                    .masquerade()
                    .comment("localhost to a host port"),
            );
        }
        let multicast = match family {
            Family::Ip6 => IpNet::new_assert([0xff00, 0, 0, 0, 0, 0, 0, 0].into(), 8),
            _ => IpNet::new_assert([224, 0, 0, 0].into(), 4),
        };
        for pods in pods {
            let inside = self.cluster_cidrs.iter().filter(|cidr| families::of(cidr.addr()) == family);
            for cidr in inside.chain([&multicast]) {
                rules.push(rule().source_in(*pods).destination_in(*cidr).verdict(Verdict::Return));
            }
            rules.push(
                rule()
                    .source_in(*pods)
                    .not_output_interface(&self.bridge)
                    .masquerade()
                    .comment("pods to the world outside the cluster"),
            );
        }
        rules
    }

    /// The bridge may route loopback addresses (so that localhost reaches host ports); pods must not use that.
    fn guard_rules(&self) -> [Rule; 2] {
        let host = IpNet::new_assert([127, 0, 0, 0].into(), 8);
        let from_pods = || Rule::new(Family::Ip).input_interface(&self.bridge);
        [
            from_pods().source_in(host).verdict(Verdict::Drop),
            from_pods().destination_in(host).verdict(Verdict::Drop),
        ]
    }
}

fn host_port_rules(family: Family) -> [Rule; 2] {
    let by_address = [Field::DestinationAddress, Field::Protocol, Field::DestinationPort];
    [
        Rule::new(family).translate_destination_from(&by_address, PORTS_BY_ADDRESS),
        Rule::new(family).destination_is_local().translate_destination_from(&by_address[1..], PORTS),
    ]
}

fn ports(address: DataType) -> Set {
    Set::map(PORTS, [DataType::Protocol, DataType::Port], [address, DataType::Port])
        .comment("on every address")
}

fn ports_by_address(address: DataType) -> Set {
    Set::map(PORTS_BY_ADDRESS, [address, DataType::Protocol, DataType::Port], [address, DataType::Port])
}

fn hairpin(address: DataType) -> Set {
    Set::of_keys(HAIRPIN, [address, address]).comment("sandboxes with ports of the host")
}

/// What a lease has in the tables.
fn elements(lease: &Lease) -> Vec<(Family, Set, Element)> {
    let mut elements = Vec::new();
    for address in lease.addresses.iter().filter(|_| !lease.host_ports.is_empty()) {
        let family = families::of(*address);
        let data_type = DataType::of_address(*address);
        let own = Element::new([Datum::Address(*address), Datum::Address(*address)]);
        elements.push((family, hairpin(data_type), own));
        for port in &lease.host_ports {
            let key = [Datum::Protocol(port.protocol), Datum::Port(port.host_port)];
            let target = [Datum::Address(*address), Datum::Port(port.container_port)];
            match port.host_ip {
                None => elements.push((family, ports(data_type), Element::new(key).data(target))),
                Some(host_ip) if same_family(host_ip, *address) => {
                    let [protocol, host_port] = key;
                    let element = Element::new([Datum::Address(host_ip), protocol, host_port]).data(target);
                    elements.push((family, ports_by_address(data_type), element));
                }
                Some(_) => {}
            }
        }
    }
    elements
}

fn same_family(one: IpAddr, two: IpAddr) -> bool {
    one.is_ipv4() == two.is_ipv4()
}

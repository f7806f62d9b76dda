//! `node-ipam-controller`: gives every node its own range of pod addresses out of the cluster's.
//!
//! One key stands for all nodes: ranges must not overlap, so they are given out one plan at a time over everything that
//! was given out before.

use crate::config::Config;
use crate::controller::{Context, Controller, observed};
use crate::plan::{Action, Notice, Plan, Write};
use crate::sources::Sources;
use futures::future::BoxFuture;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use skiff_apimachinery::{Document, Status, doc};
use skiff_client::resources::NODES;
use skiff_client::{Cached, Event, Informer, PatchKind, Selection};
use std::collections::HashSet;
use std::sync::Arc;

/// The controller.
pub struct NodeIpam {
    config: Arc<Config>,
    nodes: Informer<Node>,
}

/// All nodes.
pub struct World {
    config: Arc<Config>,
    nodes: Vec<Arc<Cached<Node>>>,
}

impl Controller for NodeIpam {
    const NAME: &'static str = "node-ipam-controller";
    const IDENTITY: &'static str = "node-controller";
    const EVENT_SOURCE: &'static str = "cidrAllocator";
    const WORKERS: usize = 1;

    type Key = &'static str;
    type World = World;

    fn new(context: &Context) -> Self {
        Self { config: context.config.clone(), nodes: context.informers.of(&NODES, Selection::default()) }
    }

    fn sources(&self, sources: &mut Sources<&'static str>) {
        sources.watch(&self.nodes, |event| match event {
            Event::Deleted(_) => Some("nodes"),
            event => lacks_range(event.object()).then_some("nodes"),
        });
    }

    fn observe<'a>(&'a self, _: &'a &'static str) -> BoxFuture<'a, Result<Option<World>, Status>> {
        let world = || World { config: self.config.clone(), nodes: self.nodes.list() };
        observed((!self.config.cluster_cidrs.is_empty()).then(world))
    }

    fn plan(world: &World, _now: Timestamp) -> Plan {
        plan(world)
    }
}

fn lacks_range(node: &Document) -> bool {
    node.str_at(&["spec", "podCIDR"]).is_empty() && node.deletion_timestamp().is_none()
}

fn plan(world: &World) -> Plan {
    let mut plan = Plan::default();
    let mut taken: HashSet<IpNet> = world.nodes.iter().flat_map(|node| ranges_of(node)).collect();
    for node in world.nodes.iter().filter(|node| lacks_range(node)) {
        match free_ranges(&world.config, &taken) {
            Some(ranges) => {
                plan.write(assignment(node, &ranges));
                taken.extend(ranges);
            }
            None => {
                let message = format!("Node {} status is now: CIDRNotAvailable", node.name());
                plan.actions.push(Action::Tell(Notice::normal(node, "CIDRNotAvailable", message)));
            }
        }
    }
    plan
}

fn ranges_of(node: &Document) -> Vec<IpNet> {
    let all = node.array_at(&["spec", "podCIDRs"]).iter().filter_map(Document::as_str);
    let all = all.chain([node.str_at(&["spec", "podCIDR"])]);
    all.filter_map(|text| text.parse().ok()).collect()
}

/// The first free range of each of the cluster's.
fn free_ranges(config: &Config, taken: &HashSet<IpNet>) -> Option<Vec<IpNet>> {
    config.cluster_cidrs.iter().map(|cidr| free_range(config, cidr, taken)).collect()
}

fn free_range(config: &Config, cluster: &IpNet, taken: &HashSet<IpNet>) -> Option<IpNet> {
    let mask = match cluster {
        IpNet::V4(_) => config.node_cidr_mask_size_ipv4,
        IpNet::V6(_) => config.node_cidr_mask_size_ipv6,
    };
    let overlaps = |range: &IpNet| taken.iter().any(|t| t.contains(range) || range.contains(t));
    let free = |range: &IpNet| !taken.contains(range) && !overlaps(range);
    match cluster {
        IpNet::V4(net) => Ipv4Net::subnets(net, mask).ok()?.map(IpNet::V4).find(free),
        IpNet::V6(net) => Ipv6Net::subnets(net, mask).ok()?.map(IpNet::V6).find(free),
    }
}

fn assignment(node: &Cached<Node>, ranges: &[IpNet]) -> Write {
    let texts: Vec<String> = ranges.iter().map(IpNet::to_string).collect();
    let patch = doc!({"spec": {"podCIDR": texts.first().cloned(), "podCIDRs": texts}});
    Write::patch(&NODES, node, "", PatchKind::Strategic, patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(cidrs: &[&str], nodes: &[(&str, &str)]) -> World {
        let node = |(name, cidr): &(&str, &str)| {
            let mut node =
                doc!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": *name}, "spec": {}});
            if !cidr.is_empty() {
                node.set(&["spec", "podCIDR"], *cidr);
            }
            Arc::new(Cached::decode(Arc::new(node)).unwrap())
        };
        let cluster_cidrs = cidrs.iter().map(|cidr| cidr.parse().unwrap()).collect();
        World {
            config: Arc::new(Config { cluster_cidrs, ..Config::default() }),
            nodes: nodes.iter().map(node).collect(),
        }
    }

    fn given(world: &World) -> Vec<(String, String)> {
        let plan = plan(world);
        let write = |write: &Write| {
            (write.call.name.clone(), write.call.body.as_ref().unwrap()["spec"]["podCIDRs"].to_string())
        };
        plan.writes().map(write).collect()
    }

    #[test]
    fn each_node_gets_the_next_free_range() {
        let world =
            world(&["10.42.0.0/16"], &[("a", "10.42.0.0/24"), ("b", ""), ("c", "10.42.2.0/24"), ("d", "")]);
        assert_eq!(
            given(&world),
            [("b".into(), r#"["10.42.1.0/24"]"#.into()), ("d".into(), r#"["10.42.3.0/24"]"#.into())]
        );
    }

    #[test]
    fn dual_stack_nodes_get_a_range_of_each_family() {
        let world = world(&["10.42.0.0/16", "fd00::/56"], &[("a", "")]);
        assert_eq!(given(&world), [("a".into(), r#"["10.42.0.0/24","fd00::/64"]"#.into())]);
    }

    #[test]
    fn an_exhausted_cluster_says_so() {
        let plan = plan(&world(&["10.42.0.0/24"], &[("a", "10.42.0.0/24"), ("b", "")]));
        let [Action::Tell(notice)] = plan.actions.as_slice() else { panic!("{plan:?}") };
        assert_eq!(notice.message, "Node b status is now: CIDRNotAvailable");
    }
}

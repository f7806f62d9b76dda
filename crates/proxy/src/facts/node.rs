//! What matters of the node that the proxy runs on.

use super::Family;
use ipnet::IpNet;
use std::net::IpAddr;

/// Facts of this node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeFacts {
    /// Its name, by which endpoints are local.
    pub name: String,
    /// Its zone, for topology hints; empty if it has none.
    pub zone: String,
    /// Addresses on which node ports answer.
    pub addresses: Vec<IpAddr>,
    /// Pod networks of the cluster; what comes from elsewhere is masqueraded on its way to a cluster IP.
    pub cluster_cidrs: Vec<IpNet>,
}

impl NodeFacts {
    /// The pod network of a family.
    pub fn cluster_cidr(&self, family: Family) -> Option<IpNet> {
        self.cluster_cidrs.iter().copied().find(|cidr| Family::of(cidr.addr()) == family)
    }
}

//! Services: their number, their node ports, their load balancers.

use super::object_count::count_name;
use crate::quota::{Evaluator, Write};
use crate::resource_list::ResourceList;
use jiff::Timestamp;
use skiff_apimachinery::Document;
use skiff_apimachinery::quantity::Quantity;

const NODE_PORTS: &str = "services.nodeports";
const LOAD_BALANCERS: &str = "services.loadbalancers";

/// Measures Services.
pub(super) struct Services;

impl Evaluator for Services {
    /// Updates too, because a Service's type can change.
    fn handles(&self, _write: &Write<'_>) -> bool {
        true
    }

    fn tracks(&self, name: &str) -> bool {
        matches!(name, "services" | NODE_PORTS | LOAD_BALANCERS) || name == count_name("", "services")
    }

    fn usage(&self, object: &Document, _now: Timestamp) -> ResourceList {
        let ports = object.array_at(&["spec", "ports"]);
        let kind = object.str_at(&["spec", "type"]);
        // Ports are allocated later, so the intent counts.
        let allocates = object.bool_at(&["spec", "allocateLoadBalancerNodePorts"]) != Some(false);
        let node_ports = match kind {
            "LoadBalancer" if !allocates => ports
                .iter()
                .filter(|port| port.i64_at(&["nodePort"]).is_some_and(|number| number != 0))
                .count(),
            "NodePort" | "LoadBalancer" => ports.len(),
            _ => 0,
        };
        let amounts = [
            (count_name("", "services"), 1),
            ("services".to_owned(), 1),
            (NODE_PORTS.to_owned(), i64::try_from(node_ports).unwrap_or(i64::MAX)),
            (LOAD_BALANCERS.to_owned(), i64::from(kind == "LoadBalancer")),
        ];
        amounts.into_iter().map(|(name, amount)| (name, Quantity::from_value(amount))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn node_ports_count_by_intent() {
        let used = |spec: Document| {
            let usage = Services.usage(&doc!({"spec": spec}), Timestamp::UNIX_EPOCH);
            (usage.get(NODE_PORTS).unwrap().value(), usage.get(LOAD_BALANCERS).unwrap().value())
        };
        let ports = doc!([{"port": 1}, {"port": 2, "nodePort": 30000}]);
        assert_eq!(used(doc!({"type": "ClusterIP", "ports": ports.clone()})), (0, 0));
        assert_eq!(used(doc!({"type": "NodePort", "ports": ports.clone()})), (2, 0));
        assert_eq!(used(doc!({"type": "LoadBalancer", "ports": ports.clone()})), (2, 1));
        let without = doc!({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": ports});
        assert_eq!(used(without), (1, 1));
    }
}

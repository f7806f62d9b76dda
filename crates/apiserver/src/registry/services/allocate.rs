//! What one Service needs: families, cluster IPs, node ports, in upstream's order and words.

use super::families;
use super::plan::{Failure, Plan};
use super::{cluster_ips, node_ports};
use skiff_api::kinds::service::allocation::normalize_cluster_ips;
use skiff_apimachinery::{Document, FieldErrors, GroupKind, Status};

/// Fills in what the Service lacks; what it takes is noted in the plan. `served` are the cluster's families, the default
/// first.
pub(super) fn for_service(
    plan: &mut Plan<'_>,
    served: &[&'static str],
    service: &mut Document,
    old: Option<&Document>,
) -> Result<(), Failure> {
    // Admission may have changed one and not the other.
    normalize_cluster_ips(service, old);
    families::settle(served, service, old)?;
    match old {
        None => {
            cluster_ips::create(plan, service)?;
            node_ports::create(plan, service)
        }
        Some(old) => {
            cluster_ips::update(plan, service, old)?;
            node_ports::update(plan, service, old)
        }
    }
}

/// The texts of a list in the spec.
pub(super) fn texts(service: &Document, list: &str) -> Vec<String> {
    let texts = service.array_at(&["spec", list]).iter();
    texts.filter_map(Document::as_str).map(str::to_owned).collect()
}

/// 422 about a Service.
pub(super) fn invalid(name: &str, errors: FieldErrors) -> Status {
    Status::invalid(&GroupKind::new("", "Service"), name, &errors)
}

#[cfg(test)]
mod tests {
    use super::super::ports::PortRange;
    use super::super::ranges::Ranges;
    use super::super::taken::{Taken, Thing};
    use super::*;
    use skiff_apimachinery::doc;

    const BOTH: &[&str] = &["IPv4", "IPv6"];

    /// A cluster with a few addresses and ports.
    struct Cluster {
        ranges: Ranges,
        ports: PortRange,
        taken: Taken,
    }

    impl Cluster {
        fn new() -> Self {
            let flags = ["10.0.0.0/29".parse().unwrap(), "fd00::/125".parse().unwrap()];
            let ports = PortRange::new(30_000..=30_003);
            Self { ranges: Ranges::usable(&flags, &[]), ports, taken: Taken::default() }
        }

        /// What the Service is given, or why it is given nothing.
        fn give(
            &mut self,
            mut service: Document,
            old: Option<&Document>,
            dry_run: bool,
        ) -> Result<Document, String> {
            service.set(&["metadata", "name"], "a");
            let mut plan = Plan {
                ranges: &self.ranges,
                ports: &self.ports,
                taken: &mut self.taken,
                dry_run,
                claims: Vec::new(),
            };
            match for_service(&mut plan, BOTH, &mut service, old) {
                Ok(()) => Ok(service),
                Err(Failure::Full(status) | Failure::Refused(status)) => Err(status.message),
            }
        }

        fn create(&mut self, spec: Document) -> Result<Document, String> {
            self.give(doc!({"spec": spec}), None, false)
        }

        fn update(&mut self, spec: Document, old: &Document) -> Result<Document, String> {
            self.give(doc!({"spec": spec}), Some(old), false)
        }
    }

    fn node_ports_of(service: &Document) -> Vec<Option<i64>> {
        service.array_at(&["spec", "ports"]).iter().map(|port| port.i64_at(&["nodePort"])).collect()
    }

    #[test]
    fn a_service_gets_an_address_of_each_family() {
        let mut cluster = Cluster::new();
        let single = cluster.create(doc!({"type": "ClusterIP", "ports": [{"port": 80}]})).unwrap();
        assert!(single.str_at(&["spec", "clusterIP"]).starts_with("10.0.0."));
        assert_eq!(texts(&single, "clusterIPs"), [single.str_at(&["spec", "clusterIP"])]);
        assert_eq!(node_ports_of(&single), [None]);
        let dual = cluster.create(doc!({
            "type": "ClusterIP", "ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6"],
            "clusterIP": "fd00::3", "clusterIPs": ["fd00::3"]
        }));
        let addresses = texts(&dual.unwrap(), "clusterIPs");
        assert_eq!(addresses[0], "fd00::3");
        assert!(addresses[1].starts_with("10.0.0."), "{addresses:?}");
        let headless =
            cluster.create(doc!({"type": "ClusterIP", "clusterIP": "None", "selector": {"a": "b"}})).unwrap();
        assert_eq!(texts(&headless, "clusterIPs"), ["None"]);
        let external = cluster.create(doc!({"type": "ExternalName"})).unwrap();
        assert_eq!(external["spec"], doc!({"type": "ExternalName"}));
        assert_eq!(cluster.taken.count(), 3);
    }

    #[test]
    fn addresses_elsewhere_and_full_ranges_are_told() {
        let mut cluster = Cluster::new();
        let why = cluster.create(doc!({"type": "ClusterIP", "clusterIP": "10.9.0.1"})).unwrap_err();
        assert_eq!(
            why,
            r#"Service "a" is invalid: spec.clusterIPs: Invalid value: ["10.9.0.1"]: failed to allocate IP 10.9.0.1: the provided network does not match the current range"#
        );
        let wish = doc!({"type": "ClusterIP", "clusterIP": "10.0.0.8", "ipFamilyPolicy": "PreferDualStack"});
        let why = cluster.create(wish).unwrap_err();
        assert_eq!(
            why,
            r#"Service "a" is invalid: spec.clusterIPs: Invalid value: ["10.0.0.8",""]: failed to allocate IP 10.0.0.8: the provided network does not match the current range"#
        );
        for _ in 0..6 {
            cluster.create(doc!({"type": "ClusterIP"})).unwrap();
        }
        assert_eq!(
            cluster.create(doc!({"type": "ClusterIP"})).unwrap_err(),
            "Internal error occurred: failed to allocate a serviceIP: range is full"
        );
    }

    #[test]
    fn ports_of_one_number_share_a_node_port() {
        let mut cluster = Cluster::new();
        let ports = |second: i64| {
            doc!({"type": "NodePort", "ports": [
                {"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP", "nodePort": second},
                {"port": 54, "protocol": "UDP"}
            ]})
        };
        let made = cluster.create(ports(30_002)).unwrap();
        let given = node_ports_of(&made);
        assert_eq!(given[..2], [Some(30_002), Some(30_002)]);
        assert_ne!(given[2], Some(30_002));
        let shared = node_ports_of(&cluster.create(ports(0)).unwrap());
        assert_eq!(shared[0], shared[1]);
        assert_eq!(
            cluster.create(ports(0)).unwrap_err(),
            "Internal error occurred: failed to allocate a nodePort: range is full"
        );
    }

    #[test]
    fn node_ports_that_nobody_can_have_are_refused() {
        let of = |first: i64, second: i64| doc!({"type": "NodePort", "ports": [{"port": 1, "nodePort": first}, {"port": 2, "nodePort": second}]});
        let cases = [
            (
                of(30_000, 40_000),
                r#"Service "a" is invalid: spec.ports[1].nodePort: Invalid value: 40000: provided port is not in the valid range. The range of valid ports is 30000-30003"#,
            ),
            (
                of(30_000, 30_000),
                r#"Service "a" is invalid: spec.ports[1].nodePort: Invalid value: 30000: provided port is already allocated"#,
            ),
            (
                doc!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 1}),
                "Internal error occurred: failed to allocate requested HealthCheck NodePort 1: provided port is not in the valid range. The range of valid ports is 30000-30003",
            ),
        ];
        for (spec, expected) in cases {
            assert_eq!(Cluster::new().create(spec).unwrap_err(), expected);
        }
    }

    #[test]
    fn load_balancers_may_do_without_node_ports() {
        let mut cluster = Cluster::new();
        let without = doc!({
            "type": "LoadBalancer", "allocateLoadBalancerNodePorts": false,
            "ports": [{"port": 1}, {"port": 2, "nodePort": 30_001}]
        });
        assert_eq!(node_ports_of(&cluster.create(without).unwrap()), [None, Some(30_001)]);
        let with = doc!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [{"port": 1}]});
        let made = cluster.create(with).unwrap();
        let check = made.i64_at(&["spec", "healthCheckNodePort"]).unwrap();
        assert!((30_000..=30_003).contains(&check) && node_ports_of(&made) != [Some(check)]);
    }

    #[test]
    fn an_update_takes_only_what_it_did_not_have() {
        let mut cluster = Cluster::new();
        let old = cluster.create(doc!({
            "type": "NodePort", "ports": [{"name": "a", "port": 1, "protocol": "TCP", "nodePort": 30_000}]
        }));
        let old = old.unwrap();
        let mut spec = old["spec"].clone();
        spec.insert("ipFamilyPolicy", "PreferDualStack");
        spec.insert("ports", doc!([{"port": 1, "nodePort": 30_000}, {"port": 2, "protocol": "UDP"}]));
        let new = cluster.update(spec, &old).unwrap();
        let addresses = texts(&new, "clusterIPs");
        assert_eq!(addresses[0], old.str_at(&["spec", "clusterIP"]));
        assert!(addresses[1].starts_with("fd00::"), "{addresses:?}");
        assert_eq!(cluster.taken.count(), 4);
        assert!(cluster.taken.has(Thing::Address(addresses[1].parse().unwrap())));
        let mut twice = new["spec"].clone();
        twice.insert(
            "ports",
            doc!([{"protocol": "TCP", "nodePort": 30_000}, {"protocol": "TCP", "nodePort": 30_000}]),
        );
        assert_eq!(cluster.update(twice, &new).unwrap_err(), "duplicate nodePort: {TCP 30000}");
        let external = doc!({"metadata": {"name": "a"}, "spec": {"type": "ExternalName"}});
        let back = cluster.update(doc!({"type": "ClusterIP"}), &external).unwrap();
        assert_eq!(texts(&back, "clusterIPs").len(), 1);
    }

    #[test]
    fn a_dry_run_takes_nothing_and_looks_for_nothing() {
        let mut cluster = Cluster::new();
        let spec =
            doc!({"type": "NodePort", "ports": [{"port": 1}, {"port": 2}, {"port": 3, "nodePort": 30_000}]});
        let shown = cluster.give(doc!({"spec": spec.clone()}), None, true).unwrap();
        assert_eq!(shown.str_at(&["spec", "clusterIP"]), "10.0.0.0");
        assert_eq!(node_ports_of(&shown), [Some(32_769), Some(32_770), Some(30_000)]);
        assert_eq!(cluster.taken.count(), 0);
        // Alone: a port that is not asked for may be any.
        let asked = doc!({"type": "NodePort", "ports": [{"port": 3, "nodePort": 30_000}]});
        cluster.create(asked).unwrap();
        let refused = cluster.give(doc!({"spec": spec}), None, true).unwrap_err();
        assert!(refused.ends_with("provided port is already allocated"), "{refused}");
    }
}

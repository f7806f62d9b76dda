//! What one Service needs: families, cluster IPs, node ports, in upstream's order and words.

use super::addresses::family;
use super::{Pools, Reservation, held_addresses, held_ports};
use skiff_api::kinds::service::allocation as rules;
use skiff_apimachinery::{Document, FieldError, FieldPath, GroupKind, Status};
use std::net::IpAddr;

/// Fills in what the Service lacks; what it takes is noted in the reservation.
pub(super) fn for_service(
    pools: &mut Pools,
    service: &mut Document,
    old: Option<&Document>,
    reservation: &mut Reservation,
) -> Result<(), Status> {
    if old.is_none() {
        rules::normalize_cluster_ips(service, None);
    }
    if rules::needs_cluster_ip(service) {
        settle_families(pools, service)?;
        if !rules::is_headless(service) {
            let held = old.map(held_addresses).unwrap_or_default();
            allocate_addresses(pools, service, &held, reservation)?;
        } else if service.array_at(&["spec", "clusterIPs"]).is_empty() {
            service.set(&["spec", "clusterIPs"], vec![rules::HEADLESS]);
        }
    }
    let held = old.map(held_ports).unwrap_or_default();
    if rules::needs_node_ports(service) || rules::may_have_node_ports(service) {
        allocate_ports(pools, service, &held, reservation)?;
    }
    if rules::needs_health_check_node_port(service) {
        allocate_health_check_port(pools, service, &held, reservation)?;
    }
    Ok(())
}

/// `ipFamilyPolicy` and `ipFamilies` as the cluster can serve them.
fn settle_families(pools: &Pools, service: &mut Document) -> Result<(), Status> {
    let served: Vec<&'static str> = pools.addresses.iter().map(super::AddressPool::family).collect();
    let given: Vec<IpAddr> = held_addresses(service);
    let mut families: Vec<String> = texts(service, &["spec", "ipFamilies"]);
    if service.str_at(&["spec", "ipFamilyPolicy"]).is_empty() {
        let dual = given.len() == 2 || families.len() == 2;
        let selectorless = rules::is_headless(service)
            && service.object_at(&["spec", "selector"]).is_none_or(skiff_apimachinery::Map::is_empty);
        let policy = if dual || selectorless { "RequireDualStack" } else { "SingleStack" };
        service.set(&["spec", "ipFamilyPolicy"], policy);
    }
    let policy = service.str_at(&["spec", "ipFamilyPolicy"]).to_owned();
    for (at, address) in given.iter().enumerate() {
        if families.len() <= at {
            families.push(family(*address).to_owned());
        }
    }
    let first = families.first().cloned().or_else(|| served.first().map(|f| (*f).to_owned()));
    families.truncate(if policy == "SingleStack" { families.len() } else { 2 });
    if families.is_empty() {
        families.extend(first);
    }
    let field = FieldPath::new("spec").child("ipFamilies");
    let headless = rules::is_headless(service);
    for (at, wanted) in families.iter().enumerate() {
        if !headless && !served.contains(&wanted.as_str()) {
            let why = "not configured on this cluster";
            return Err(invalid(service, FieldError::invalid(&field.index(at), wanted.as_str(), why)));
        }
    }
    if policy != "SingleStack" && families.len() == 1 {
        let other = if families[0] == "IPv4" { "IPv6" } else { "IPv4" };
        if served.contains(&other) || (headless && policy == "RequireDualStack") {
            families.push(other.to_owned());
        } else if policy == "RequireDualStack" && !headless {
            let field = FieldPath::new("spec").child("ipFamilyPolicy");
            let why = "this cluster is not configured for dual-stack services";
            return Err(invalid(service, FieldError::invalid(&field, policy, why)));
        }
    }
    if policy == "SingleStack" && families.len() > 1 && given.len() < 2 {
        families.truncate(1);
    }
    service.set(&["spec", "ipFamilies"], families);
    Ok(())
}

fn allocate_addresses(
    pools: &mut Pools,
    service: &mut Document,
    held: &[IpAddr],
    reservation: &mut Reservation,
) -> Result<(), Status> {
    let families = texts(service, &["spec", "ipFamilies"]);
    let given = texts(service, &["spec", "clusterIPs"]);
    let field = FieldPath::new("spec").child("clusterIPs");
    let mut addresses: Vec<String> = Vec::new();
    for (at, wanted_family) in families.iter().enumerate() {
        let Some(text) = given.get(at) else {
            let pool = pools.addresses.iter_mut().find(|pool| pool.family() == wanted_family);
            let found = pool.and_then(super::AddressPool::take_any);
            let address =
                found.ok_or_else(|| Status::internal("failed to allocate a serviceIP: range is full"))?;
            reservation.addresses.push(address);
            addresses.push(address.to_string());
            continue;
        };
        addresses.push(text.clone());
        // What is no address is validation's matter.
        let Ok(address) = text.parse::<IpAddr>() else { continue };
        if held.contains(&address) {
            continue;
        }
        let value = Document::from(given.clone());
        let Some(pool) = pools.addresses.iter_mut().find(|pool| pool.family() == family(address)) else {
            continue;
        };
        if !pool.contains(address) {
            let why = format!(
                "failed to allocate IP {address}: the provided IP ({address}) is not in the valid range. The range of valid IPs is {}",
                pool.cidr()
            );
            return Err(invalid(service, FieldError::invalid(&field, value, why)));
        }
        if !pool.take(address) {
            let why = format!("failed to allocate IP {address}: provided IP is already allocated");
            return Err(invalid(service, FieldError::invalid(&field, value, why)));
        }
        reservation.addresses.push(address);
    }
    if let Some(first) = addresses.first() {
        service.set(&["spec", "clusterIP"], first.as_str());
    }
    service.set(&["spec", "clusterIPs"], addresses);
    Ok(())
}

fn allocate_ports(
    pools: &mut Pools,
    service: &mut Document,
    held: &[u16],
    reservation: &mut Reservation,
) -> Result<(), Status> {
    let needed = rules::needs_node_ports(service);
    let ports: Vec<Document> = service.array_at(&["spec", "ports"]).to_vec();
    let mut chosen: Vec<(String, u16)> = Vec::new();
    let mut filled = Vec::with_capacity(ports.len());
    for (at, mut port) in ports.into_iter().enumerate() {
        let protocol = port.str_at(&["protocol"]).to_owned();
        let wanted = port.i64_at(&["nodePort"]).unwrap_or(0);
        let field = FieldPath::new("spec").child("ports").index(at).child("nodePort");
        match u16::try_from(wanted) {
            Ok(0) if needed => {
                // TCP and UDP of one number share a node port.
                let number = port.i64_at(&["port"]);
                let sibling = filled.iter().find(|other: &&Document| {
                    other.i64_at(&["port"]) == number && other.str_at(&["protocol"]) != protocol
                });
                let shared = sibling
                    .and_then(|other| u16::try_from(other.i64_at(&["nodePort"])?).ok())
                    .filter(|shared| !chosen.contains(&(protocol.clone(), *shared)));
                let found = shared.or_else(|| {
                    let fresh = pools.ports.take_any()?;
                    reservation.ports.push(fresh);
                    Some(fresh)
                });
                let found =
                    found.ok_or_else(|| Status::internal("failed to allocate a nodePort: range is full"))?;
                port.insert("nodePort", found);
                chosen.push((protocol, found));
            }
            Ok(wanted) if wanted != 0 => {
                let mine = held.contains(&wanted)
                    || reservation.ports.contains(&wanted)
                    || chosen.iter().any(|(_, port)| *port == wanted);
                if !mine {
                    if !pools.ports.contains(wanted) {
                        let why = format!(
                            "provided port is not in the valid range. The range of valid ports is {}",
                            pools.ports.text()
                        );
                        return Err(invalid(service, FieldError::invalid(&field, wanted, why)));
                    }
                    if !pools.ports.take(wanted) {
                        let why = "provided port is already allocated";
                        return Err(invalid(service, FieldError::invalid(&field, wanted, why)));
                    }
                    reservation.ports.push(wanted);
                }
                chosen.push((protocol, wanted));
            }
            // None needed, or out of all bounds, which validation tells.
            _ => {}
        }
        filled.push(port);
    }
    if !filled.is_empty() {
        service.set(&["spec", "ports"], filled);
    }
    Ok(())
}

fn allocate_health_check_port(
    pools: &mut Pools,
    service: &mut Document,
    held: &[u16],
    reservation: &mut Reservation,
) -> Result<(), Status> {
    let wanted = service.i64_at(&["spec", "healthCheckNodePort"]).unwrap_or(0);
    let port = match u16::try_from(wanted) {
        Ok(0) => {
            let found = pools.ports.take_any();
            found
                .ok_or_else(|| Status::internal("failed to allocate a HealthCheck NodePort: range is full"))?
        }
        Ok(wanted) if held.contains(&wanted) => return Ok(()),
        Ok(wanted) if pools.ports.contains(wanted) && pools.ports.take(wanted) => wanted,
        Ok(wanted) => {
            return Err(Status::internal(format!(
                "failed to allocate requested HealthCheck NodePort {wanted}: provided port is already allocated"
            )));
        }
        Err(_) => return Ok(()),
    };
    reservation.ports.push(port);
    service.set(&["spec", "healthCheckNodePort"], port);
    Ok(())
}

fn texts(service: &Document, path: &[&str]) -> Vec<String> {
    service.array_at(path).iter().filter_map(Document::as_str).map(str::to_owned).collect()
}

fn invalid(service: &Document, error: FieldError) -> Status {
    Status::invalid(&GroupKind::new("", "Service"), service.name(), &vec![error])
}

#[cfg(test)]
mod tests {
    use super::super::{Allocators, ServiceNetwork};
    use super::*;
    use skiff_apimachinery::doc;

    fn allocate(allocators: &Allocators, service: &mut Document) -> Result<(), String> {
        let mut reservation = allocators.nothing();
        let result = for_service(&mut allocators.lock(), service, None, &mut reservation);
        reservation.keep_unless(result.is_err());
        result.map_err(|status| status.message)
    }

    fn single() -> Allocators {
        Allocators::new(&ServiceNetwork::default())
    }

    #[test]
    fn a_plain_service_gets_one_address_of_the_first_family() {
        let mut service = doc!({"spec": {"type": "ClusterIP", "ports": [{"port": 80}]}});
        allocate(&single(), &mut service).unwrap();
        assert!(service.str_at(&["spec", "clusterIP"]).starts_with("10.43."));
        assert_eq!(service.array_at(&["spec", "clusterIPs"]).len(), 1);
        assert_eq!(service.str_at(&["spec", "ipFamilyPolicy"]), "SingleStack");
        assert_eq!(service.array_at(&["spec", "ports"])[0].get("nodePort"), None);
    }

    #[test]
    fn tcp_and_udp_of_one_port_share_a_node_port() {
        let mut service = doc!({"spec": {"type": "NodePort", "ports": [
            {"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}, {"port": 54, "protocol": "UDP"}
        ]}});
        allocate(&single(), &mut service).unwrap();
        let ports: Vec<_> =
            service.array_at(&["spec", "ports"]).iter().map(|p| p.i64_at(&["nodePort"])).collect();
        assert_eq!(ports[0], ports[1]);
        assert_ne!(ports[1], ports[2]);
    }

    #[test]
    fn a_taken_or_foreign_address_is_refused_and_nothing_is_kept() {
        let allocators = single();
        let wish = |ip: &str| doc!({"spec": {"type": "ClusterIP", "clusterIP": ip}});
        allocate(&allocators, &mut wish("10.43.0.10")).unwrap();
        assert!(allocate(&allocators, &mut wish("10.43.0.10")).unwrap_err().contains("already allocated"));
        assert!(
            allocate(&allocators, &mut wish("10.99.0.10")).unwrap_err().contains("not in the valid range")
        );
    }

    #[test]
    fn dual_stack_follows_the_policy_and_the_cluster() {
        let network = ServiceNetwork {
            cidrs: vec!["10.43.0.0/16".parse().unwrap(), "fd43::/112".parse().unwrap()],
            ..ServiceNetwork::default()
        };
        let dual = Allocators::new(&network);
        let mut service = doc!({"spec": {"type": "ClusterIP", "ipFamilyPolicy": "PreferDualStack"}});
        allocate(&dual, &mut service.clone()).unwrap();
        allocate(&dual, &mut service).unwrap();
        assert_eq!(texts(&service, &["spec", "ipFamilies"]), ["IPv4", "IPv6"]);
        assert_eq!(texts(&service, &["spec", "clusterIPs"]).len(), 2);
        let mut service = doc!({"spec": {"type": "ClusterIP", "ipFamilyPolicy": "RequireDualStack"}});
        assert!(allocate(&single(), &mut service).unwrap_err().contains("dual-stack"));
    }

    #[test]
    fn a_headless_service_gets_no_address() {
        let mut service = doc!({"spec": {"type": "ClusterIP", "clusterIP": "None", "selector": {"a": "b"}}});
        allocate(&single(), &mut service).unwrap();
        assert_eq!(texts(&service, &["spec", "clusterIPs"]), ["None"]);
        assert_eq!(texts(&service, &["spec", "ipFamilies"]), ["IPv4"]);
    }
}

//! The Service by which pods reach the API servers, with endpoints that no controller owns. Pure.

use super::{Config, Keep, Seed, seed};
use skiff_apimachinery::{Document, doc};
use std::net::IpAddr;

/// Name of the Service and of what belongs to it.
pub(super) const NAME: &str = "kubernetes";
/// Its namespace.
pub(super) const NAMESPACE: &str = "default";

fn texts(addresses: &[IpAddr]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}

/// The Service.
pub(super) fn service(config: &Config) -> Seed {
    // It is of the default family, whatever others there are.
    let first = config.service_addresses.first();
    let addresses = texts(first.map(std::slice::from_ref).unwrap_or_default());
    let families: Vec<&str> = first.iter().map(|a| if a.is_ipv4() { "IPv4" } else { "IPv6" }).collect();
    let object = doc!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {
            "name": NAME, "namespace": NAMESPACE,
            "labels": {"component": "apiserver", "provider": "kubernetes"}
        },
        "spec": {
            "clusterIP": addresses.first().cloned(), "clusterIPs": addresses,
            "ipFamilies": families, "ipFamilyPolicy": "SingleStack", "type": "ClusterIP", "sessionAffinity": "None",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": config.port}]
        }
    });
    seed("", "services", object, Keep::AsIs)
}

/// The blocks that Services get addresses of.
pub(super) fn service_cidr(config: &Config) -> Seed {
    let cidrs = doc!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": NAME},
        "spec": {"cidrs": config.service_cidrs.clone()}
    });
    seed("networking.k8s.io", "servicecidrs", cidrs, Keep::AsIs)
}

/// The addresses that endpoints may lead to, sorted: a server that is only reached by the loopback has none.
pub(super) fn reachable(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = addresses.iter().copied().filter(|address| !address.is_loopback()).collect();
    // As upstream, which sorts them as texts.
    all.sort_by_key(ToString::to_string);
    all.dedup();
    all
}

/// Endpoints and slices that lead to servers at these addresses. A server that is one of them, or was, knows by its own
/// addresses of which families there are slices.
pub(super) fn endpoints(addresses: &[IpAddr], own: &[IpAddr], port: u16) -> Vec<Seed> {
    let (reachable, own) = (reachable(addresses), reachable(own));
    let mut seeds = Vec::new();
    if reachable.is_empty() && own.is_empty() {
        return seeds;
    }
    let subsets: Document = if reachable.is_empty() {
        Document::array()
    } else {
        let addresses: Document = texts(&reachable).into_iter().map(|ip| doc!({"ip": ip})).collect();
        doc!([{"addresses": addresses, "ports": [{"name": "https", "port": port, "protocol": "TCP"}]}])
    };
    seeds.push(seed(
        "",
        "endpoints",
        doc!({
            "apiVersion": "v1", "kind": "Endpoints",
            "metadata": {
                "name": NAME, "namespace": NAMESPACE,
                "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}
            },
            "subsets": subsets
        }),
        Keep::Fields(&["subsets"]),
    ));
    for (family, name, is_v4) in [("IPv4", NAME, true), ("IPv6", "kubernetes-ipv6", false)] {
        let of_family: Vec<IpAddr> = reachable.iter().copied().filter(|a| a.is_ipv4() == is_v4).collect();
        // A family that the servers have never had needs no empty slice.
        if of_family.is_empty() && !own.iter().any(|address| address.is_ipv4() == is_v4) {
            continue;
        }
        seeds.push(slice(family, name, &of_family, port));
    }
    seeds
}

fn slice(family: &str, name: &str, addresses: &[IpAddr], port: u16) -> Seed {
    let endpoints: Document = texts(addresses)
        .into_iter()
        .map(|ip| doc!({"addresses": [ip], "conditions": {"ready": true}}))
        .collect();
    let object = doc!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": name, "namespace": NAMESPACE, "labels": {"kubernetes.io/service-name": NAME}
        },
        "addressType": family, "endpoints": endpoints,
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}]
    });
    seed("discovery.k8s.io", "endpointslices", object, Keep::Fields(&["endpoints", "ports"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn every_server_is_an_endpoint_of_its_family() {
        let all = addresses(&["10.0.0.9", "10.0.0.10", "fd00::1"]);
        let seeds = endpoints(&all, &all[..1], 6443);
        let names: Vec<&str> = seeds.iter().map(|seed| seed.object.name()).collect();
        assert_eq!(names, ["kubernetes", "kubernetes", "kubernetes-ipv6"]);
        let ips: Vec<&str> = seeds[0].object.array_at(&["subsets"])[0]
            .array_at(&["addresses"])
            .iter()
            .map(|address| address.str_at(&["ip"]))
            .collect();
        assert_eq!(ips, ["10.0.0.10", "10.0.0.9", "fd00::1"]);
        assert_eq!(seeds[1].object.array_at(&["endpoints"]).len(), 2);
        assert_eq!(seeds[2].object.str_at(&["addressType"]), "IPv6");
    }

    #[test]
    fn the_loopback_is_no_endpoint_and_no_server_empties_them() {
        let loopback = addresses(&["127.0.0.1"]);
        assert!(endpoints(&loopback, &loopback, 6443).is_empty());
        let seeds = endpoints(&[], &addresses(&["10.0.0.9"]), 6443);
        assert_eq!(seeds.len(), 2);
        assert!(seeds[0].object.array_at(&["subsets"]).is_empty());
        assert!(seeds[1].object.array_at(&["endpoints"]).is_empty());
    }
}

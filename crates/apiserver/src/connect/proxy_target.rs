//! What a proxy leads to. Pure: the name in the URL and the objects in, a server out.

use super::{Destination, Security};
use skiff_apimachinery::{Document, Status};
use std::net::IpAddr;

/// `[SCHEME:]NAME[:PORT]`, as the URLs of proxies name their target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProxyName<'a> {
    pub(super) scheme: &'a str,
    pub(super) name: &'a str,
    pub(super) port: &'a str,
}

impl<'a> ProxyName<'a> {
    /// Reads the name.
    ///
    /// # Errors
    /// 400 if it has too many parts or an unknown scheme; `kind` says of what.
    pub(super) fn parse(text: &'a str, kind: &str) -> Result<Self, Status> {
        let parts: Vec<&str> = text.split(':').collect();
        let (scheme, name, port) = match parts.as_slice() {
            [name] => ("", *name, ""),
            [name, port] => ("", *name, *port),
            [scheme, name, port] => (*scheme, *name, *port),
            _ => ("?", "", ""),
        };
        if !matches!(scheme, "" | "http" | "https") || name.is_empty() {
            return Err(Status::bad_request(format!("invalid {kind} request {text:?}")));
        }
        Ok(Self { scheme, name, port })
    }

    pub(super) fn security(&self) -> Security {
        if self.scheme == "https" { Security::Unverified } else { Security::Plain }
    }

    fn default_port(&self) -> u16 {
        if self.scheme == "https" { 443 } else { 80 }
    }
}

/// The server of a pod: its address, and the port that was named, or the first one that a container declares.
///
/// # Errors
/// 400 if the pod has no address that may be proxied to.
pub(super) fn pod(pod: &Document, asked: &ProxyName<'_>) -> Result<Destination, Status> {
    let declared = || {
        let containers = pod.array_at(&["spec", "containers"]).iter();
        containers
            .filter_map(|container| container.array_at(&["ports"]).first())
            .find_map(|port| port.i64_at(&["containerPort"]))
    };
    let port = match asked.port {
        "" => declared().and_then(|port| u16::try_from(port).ok()).unwrap_or(asked.default_port()),
        text => text.parse().map_err(|_| Status::bad_request(format!("invalid port {text:?}")))?,
    };
    let host = pod.str_at(&["status", "podIP"]).to_owned();
    check_address(&host)?;
    Ok(Destination {
        node: pod.str_at(&["spec", "nodeName"]).to_owned(),
        host,
        port,
        security: asked.security(),
    })
}

/// The kubelet of a node, or whatever listens on another port of it.
///
/// # Errors
/// 400 if the port is no number.
pub(super) fn node(kubelet: Destination, asked: &ProxyName<'_>) -> Result<Destination, Status> {
    if asked.port.is_empty() || asked.port == kubelet.port.to_string() {
        return Ok(kubelet);
    }
    let port =
        asked.port.parse().map_err(|_| Status::bad_request(format!("invalid port {:?}", asked.port)))?;
    Ok(Destination { port, security: asked.security(), ..kubelet })
}

/// The servers behind a service's port: all ready endpoints of its slices.
///
/// # Errors
/// 503 if there is no such port or no endpoint.
pub(super) fn service_endpoints(
    service: &Document,
    slices: &[&Document],
    asked: &ProxyName<'_>,
) -> Result<Vec<Destination>, Status> {
    let port_name = service_port(service, asked)?;
    let mut found = Vec::new();
    for slice in slices {
        let ports = slice.array_at(&["ports"]).iter();
        let port =
            ports.filter(|port| port.str_at(&["name"]) == port_name).find_map(|port| port.i64_at(&["port"]));
        let Some(port) = port.and_then(|port| u16::try_from(port).ok()) else { continue };
        let ready = |endpoint: &&Document| endpoint.bool_at(&["conditions", "ready"]) != Some(false);
        for endpoint in slice.array_at(&["endpoints"]).iter().filter(ready) {
            let Some(host) = endpoint.array_at(&["addresses"]).first().and_then(Document::as_str) else {
                continue;
            };
            if check_address(host).is_ok() {
                found.push(Destination {
                    node: endpoint.str_at(&["nodeName"]).to_owned(),
                    host: host.to_owned(),
                    port,
                    security: asked.security(),
                });
            }
        }
    }
    if found.is_empty() {
        let why = format!("no endpoints available for service {:?}", service.name());
        return Err(Status::service_unavailable(why));
    }
    Ok(found)
}

/// The name of the service's port that was named, or whose number was given; without either, the port that has no name.
fn service_port<'a>(service: &'a Document, asked: &ProxyName<'a>) -> Result<&'a str, Status> {
    let ports = service.array_at(&["spec", "ports"]);
    if asked.port.is_empty() {
        // One port is the one that is meant, whatever its name.
        return Ok(if let [only] = ports { only.str_at(&["name"]) } else { "" });
    }
    let is_asked = |port: &&Document| {
        port.str_at(&["name"]) == asked.port
            || port.i64_at(&["port"]).is_some_and(|number| number.to_string() == asked.port)
    };
    match ports.iter().find(is_asked) {
        Some(port) => Ok(port.str_at(&["name"])),
        None => Err(Status::service_unavailable(format!(
            "no service port {:?} found for service {:?}",
            asked.port,
            service.name()
        ))),
    }
}

/// Refuses addresses that lead to the API server's own machine or to no single server.
fn check_address(host: &str) -> Result<(), Status> {
    let proxyable = host.parse::<IpAddr>().is_ok_and(|address| {
        let link_local = match address {
            IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        !address.is_loopback() && !address.is_multicast() && !address.is_unspecified() && !link_local
    });
    if proxyable { Ok(()) } else { Err(Status::bad_request("address not allowed")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn names_carry_scheme_and_port() {
        let parse =
            |text| ProxyName::parse(text, "pod").map(|n| (n.scheme, n.name, n.port)).map_err(|s| s.message);
        assert_eq!(parse("web"), Ok(("", "web", "")));
        assert_eq!(parse("web:8080"), Ok(("", "web", "8080")));
        assert_eq!(parse("https:web:"), Ok(("https", "web", "")));
        assert_eq!(parse("ftp:web:21"), Err("invalid pod request \"ftp:web:21\"".into()));
        assert_eq!(parse("a:b:c:d"), Err("invalid pod request \"a:b:c:d\"".into()));
    }

    #[test]
    fn a_pod_is_reached_at_its_first_declared_port() {
        let object = doc!({
            "metadata": {"name": "x"}, "status": {"podIP": "10.1.0.7"},
            "spec": {"nodeName": "n", "containers": [{"name": "a"}, {"name": "b", "ports": [{"containerPort": 8080}]}]}
        });
        let at =
            |text| pod(&object, &ProxyName::parse(text, "pod").unwrap()).map(|d| (d.authority(), d.scheme()));
        assert_eq!(at("x"), Ok(("10.1.0.7:8080".into(), "http")));
        assert_eq!(at("https:x:9"), Ok(("10.1.0.7:9".into(), "https")));
        let local = doc!({"metadata": {"name": "x"}, "status": {"podIP": "127.0.0.1"}});
        let refused = pod(&local, &ProxyName::parse("x", "pod").unwrap()).unwrap_err();
        assert_eq!(refused.message, "address not allowed");
    }

    #[test]
    fn a_service_is_reached_at_its_ready_endpoints() {
        let service = doc!({"metadata": {"name": "web"}, "spec": {"ports": [
            {"name": "http", "port": 80}, {"name": "admin", "port": 81}
        ]}});
        let slice = doc!({
            "ports": [{"name": "http", "port": 8080}],
            "endpoints": [
                {"addresses": ["10.1.0.7"], "conditions": {"ready": true}},
                {"addresses": ["10.1.0.8"], "conditions": {"ready": false}}
            ]
        });
        let at = |text| {
            let asked = ProxyName::parse(text, "service").unwrap();
            service_endpoints(&service, &[&slice], &asked)
                .map(|found| found.iter().map(Destination::authority).collect::<Vec<_>>())
                .map_err(|status| status.message)
        };
        assert_eq!(at("web:http"), Ok(vec!["10.1.0.7:8080".to_owned()]));
        assert_eq!(at("web:80"), Ok(vec!["10.1.0.7:8080".to_owned()]));
        assert_eq!(at("web:admin"), Err("no endpoints available for service \"web\"".into()));
        assert_eq!(at("web:nope"), Err("no service port \"nope\" found for service \"web\"".into()));
    }
}

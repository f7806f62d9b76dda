//! What is wrong with an EndpointSlice, in upstream's order.

use crate::validation::{self, labels, names, network};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};
use std::collections::HashSet;

const FAMILIES: [&str; 3] = ["FQDN", "IPv4", "IPv6"];
const MAX_ENDPOINTS: usize = 1000;
const MAX_PORTS: usize = 20_000;
const MAX_ADDRESSES: usize = 100;
const MAX_TOPOLOGY_LABELS: usize = 16;
const MAX_HINTS: usize = 8;

/// What is wrong with a slice. Endpoints that an older release took may stay as they are.
pub(super) fn slice(new: &Document, old: Option<&Document>) -> FieldErrors {
    let family = new.str_at(&["addressType"]);
    let mut out = FieldErrors::new();
    out.extend(validation::one_of(&FieldPath::new("addressType"), family, &FAMILIES));
    out.extend(all_ports(new.array_at(&["ports"])));
    let endpoints = new.array_at(&["endpoints"]);
    let errors = all_endpoints(endpoints, family);
    if !errors.is_empty() && old.is_none_or(|old| old.array_at(&["endpoints"]) != endpoints) {
        out.extend(errors);
    }
    out
}

fn all_endpoints(endpoints: &[Document], family: &str) -> FieldErrors {
    let field = FieldPath::new("endpoints");
    if endpoints.len() > MAX_ENDPOINTS {
        return vec![FieldError::too_many(&field, endpoints.len(), MAX_ENDPOINTS)];
    }
    let endpoints = endpoints.iter().enumerate();
    endpoints.flat_map(|(i, endpoint)| endpoint_errors(&field.index(i), endpoint, family)).collect()
}

fn endpoint_errors(field: &FieldPath, endpoint: &Document, family: &str) -> FieldErrors {
    let mut out = FieldErrors::new();
    let addresses = endpoint.array_at(&["addresses"]);
    let path = field.child("addresses");
    if addresses.is_empty() {
        out.push(FieldError::required(&path, "must contain at least 1 address"));
    } else if addresses.len() > MAX_ADDRESSES {
        out.push(FieldError::too_many(&path, addresses.len(), MAX_ADDRESSES));
    }
    for (i, address) in addresses.iter().enumerate() {
        out.extend(address_errors(&path.index(i), address.as_str().unwrap_or(""), family));
    }
    if let Some(name) = endpoint.get("nodeName").and_then(Document::as_str) {
        out.extend(validation::invalid(&field.child("nodeName"), name, names::dns1123_subdomain(name)));
    }
    let topology = endpoint.object_at(&["deprecatedTopology"]);
    let path = field.child("deprecatedTopology");
    let count = topology.map_or(0, Map::len);
    if count > MAX_TOPOLOGY_LABELS {
        out.push(FieldError::too_many(&path, count, MAX_TOPOLOGY_LABELS));
    }
    out.extend(labels::labels(&path, topology));
    if let Some(name) = endpoint.get("hostname").and_then(Document::as_str) {
        out.extend(validation::invalid(&field.child("hostname"), name, names::dns1123_label(name)));
    }
    if let Some(hints) = endpoint.get("hints").filter(|hints| !hints.is_null()) {
        out.extend(hint_errors(&field.child("hints"), hints));
    }
    out
}

fn address_errors(field: &FieldPath, text: &str, family: &str) -> FieldErrors {
    let wanted = match family {
        "IPv4" => "must be an IPv4 address",
        "IPv6" => "must be an IPv6 address",
        "FQDN" => return domain_error(field, text).into_iter().collect(),
        _ => return FieldErrors::new(),
    };
    let Some(address) = network::ip(text) else {
        return network::ip_error(field, text).into_iter().collect();
    };
    let mut out = FieldErrors::new();
    if network::family(address) != family {
        out.extend([FieldError::invalid(field, text, wanted)]);
    }
    out.extend(network::endpoint_ip(field, text));
    out
}

/// What is wrong with a domain name that is to be fully qualified.
fn domain_error(field: &FieldPath, text: &str) -> Option<FieldError> {
    if text.is_empty() {
        return Some(FieldError::required(field, ""));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let complaints = names::dns1123_subdomain(name);
    if !complaints.is_empty() {
        return Some(FieldError::invalid(field, name, complaints.join(",")));
    }
    if !name.contains('.') {
        let why = "should be a domain with at least two segments separated by dots";
        return Some(FieldError::invalid(field, name, why));
    }
    let mut labels = name.split('.').map(|label| (label, names::dns1123_label(label)));
    let (label, complaints) = labels.find(|(_, complaints)| !complaints.is_empty())?;
    Some(FieldError::invalid(field, label, complaints.join(",")))
}

fn hint_errors(field: &FieldPath, hints: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    type Check = (&'static str, fn(&str) -> Vec<String>);
    let lists: [Check; 2] = [("forZones", names::label_value), ("forNodes", names::dns1123_subdomain)];
    for (list, complaints) in lists {
        let field = field.child(list);
        let places = hints.array_at(&[list]);
        if places.len() > MAX_HINTS {
            out.push(FieldError::too_many(&field, places.len(), MAX_HINTS));
            return out;
        }
        let mut seen = HashSet::new();
        for (i, place) in places.iter().enumerate() {
            let (field, name) = (field.index(i).child("name"), place.str_at(&["name"]));
            if !seen.insert(name) {
                out.push(FieldError::duplicate(&field, name));
            }
            out.extend(validation::invalid(&field, name, complaints(name)));
        }
    }
    out
}

fn all_ports(ports: &[Document]) -> FieldErrors {
    let field = FieldPath::new("ports");
    if ports.len() > MAX_PORTS {
        return vec![FieldError::too_many(&field, ports.len(), MAX_PORTS)];
    }
    let mut out = FieldErrors::new();
    let mut seen = HashSet::new();
    for (i, port) in ports.iter().enumerate() {
        let field = field.index(i);
        let name = port.str_at(&["name"]);
        if !name.is_empty() {
            out.extend(validation::invalid(&field.child("name"), name, names::dns1123_label(name)));
        }
        if !seen.insert(name) {
            out.push(FieldError::duplicate(&field.child("name"), name));
        }
        let protocol = field.child("protocol");
        match port.get("protocol").and_then(Document::as_str) {
            None => out.push(FieldError::required(&protocol, "")),
            Some(given) if !network::PROTOCOLS.contains(&given) => {
                out.push(FieldError::not_supported(&protocol, given, &network::PROTOCOLS));
            }
            Some(_) => {}
        }
        if let Some(name) = port.get("appProtocol").and_then(Document::as_str) {
            out.extend(validation::invalid(&field.child("appProtocol"), name, names::qualified_name(name)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn shown(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn addresses_are_of_the_slices_family() {
        let cases: [(&str, &str, &[&str]); 12] = [
            ("IPv4", "10.0.0.1", &[]),
            ("IPv6", "fd00::1", &[]),
            ("FQDN", "a.example.test.", &[]),
            (
                "Other",
                "anything",
                &[r#"addressType: Unsupported value: "Other": supported values: "FQDN", "IPv4", "IPv6""#],
            ),
            ("", "anything", &["addressType: Required value"]),
            (
                "IPv4",
                "fd00::1",
                &[r#"endpoints[0].addresses[0]: Invalid value: "fd00::1": must be an IPv4 address"#],
            ),
            (
                "IPv6",
                "127.0.0.1",
                &[
                    r#"endpoints[0].addresses[0]: Invalid value: "127.0.0.1": must be an IPv6 address"#,
                    r#"endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)"#,
                ],
            ),
            (
                "IPv4",
                "10.0.0",
                &[
                    r#"endpoints[0].addresses[0]: Invalid value: "10.0.0": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
                ],
            ),
            ("FQDN", "", &["endpoints[0].addresses[0]: Required value"]),
            (
                "FQDN",
                "local.",
                &[
                    r#"endpoints[0].addresses[0]: Invalid value: "local": should be a domain with at least two segments separated by dots"#,
                ],
            ),
            (
                "FQDN",
                "A.b",
                &[
                    r#"endpoints[0].addresses[0]: Invalid value: "A.b": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"#,
                ],
            ),
            (
                "FQDN",
                "a0123456789012345678901234567890123456789012345678901234567890123.b",
                &[
                    r#"endpoints[0].addresses[0]: Invalid value: "a0123456789012345678901234567890123456789012345678901234567890123": must be no more than 63 characters"#,
                ],
            ),
        ];
        for (family, address, expected) in cases {
            let object = doc!({"addressType": family, "endpoints": [{"addresses": [address]}]});
            assert_eq!(shown(&slice(&object, None)), expected, "{family} {address}");
        }
    }

    #[test]
    fn endpoints_say_where_they_are_and_whom_they_are_for() {
        let zones: Vec<Document> = (0..9).map(|i| doc!({"name": format!("z{i}")})).collect();
        let cases: [(&str, Document, &[&str]); 6] = [
            ("nothing more", doc!({}), &[]),
            (
                "no addresses",
                doc!({"addresses": []}),
                &["endpoints[0].addresses: Required value: must contain at least 1 address"],
            ),
            (
                "a label that is none",
                doc!({"deprecatedTopology": {"/a": "b"}}),
                &[r#"endpoints[0].deprecatedTopology: Invalid value: "/a": prefix part must be non-empty"#],
            ),
            (
                "a host name of two parts",
                doc!({"hostname": "a.b"}),
                &[r#"endpoints[0].hostname: Invalid value: "a.b": must not contain dots"#],
            ),
            (
                "hints twice",
                doc!({"hints": {"forZones": [{"name": "a"}, {"name": "a"}], "forNodes": [{"name": "n"}, {"name": "n"}]}}),
                &[
                    r#"endpoints[0].hints.forZones[1].name: Duplicate value: "a""#,
                    r#"endpoints[0].hints.forNodes[1].name: Duplicate value: "n""#,
                ],
            ),
            (
                "hints for too many",
                doc!({"hints": {"forZones": zones, "forNodes": [{"name": "_"}]}}),
                &["endpoints[0].hints.forZones: Too many: 9: must have at most 8 items"],
            ),
        ];
        for (name, mut endpoint, expected) in cases {
            endpoint.set_default(&["addresses"], doc!(["10.0.0.1"]));
            let object = doc!({"addressType": "IPv4", "endpoints": [endpoint]});
            assert_eq!(shown(&slice(&object, None)), expected, "{name}");
        }
    }

    #[test]
    fn ports_have_names_of_their_own() {
        let cases: [(&str, Document, &[&str]); 4] = [
            (
                "one without a name",
                doc!([{"name": "", "protocol": "TCP"}, {"name": "a", "protocol": "UDP"}]),
                &[],
            ),
            (
                "two without a name",
                doc!([{"name": "", "protocol": "TCP"}, {"name": "", "protocol": "TCP"}]),
                &[r#"ports[1].name: Duplicate value: """#],
            ),
            ("no protocol", doc!([{"name": "a"}]), &["ports[0].protocol: Required value"]),
            (
                "unknown protocols",
                doc!([{"name": "a.b", "protocol": "ICMP", "appProtocol": "/x"}]),
                &[
                    r#"ports[0].name: Invalid value: "a.b": must not contain dots"#,
                    r#"ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP""#,
                    r#"ports[0].appProtocol: Invalid value: "/x": prefix part must be non-empty"#,
                ],
            ),
        ];
        for (name, ports, expected) in cases {
            let object = doc!({"addressType": "IPv4", "ports": ports});
            assert_eq!(shown(&slice(&object, None)), expected, "{name}");
        }
    }

    #[test]
    fn there_are_at_most_a_thousand_endpoints() {
        let endpoints: Vec<Document> = (0..=MAX_ENDPOINTS).map(|_| doc!({})).collect();
        let object = doc!({"addressType": "IPv4", "endpoints": endpoints});
        assert_eq!(shown(&slice(&object, None)), ["endpoints: Too many: 1001: must have at most 1000 items"]);
    }

    #[test]
    fn endpoints_that_were_stored_may_stay() {
        let old = doc!({"addressType": "IPv4", "endpoints": [{"addresses": ["127.0.0.1"]}]});
        assert!(slice(&old, Some(&old)).is_empty());
        let mut new = old.clone();
        new.set(&["endpoints"], doc!([{"addresses": ["127.0.0.2"]}]));
        assert_eq!(slice(&new, Some(&old)).len(), 1);
    }
}

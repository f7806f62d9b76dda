//! What is wrong with a NetworkPolicy, in upstream's order.

use super::rules;
use crate::validation::{labels, network};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

// Not sorted, as upstream lists them here.
const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
const TYPES: [&str; 2] = ["Ingress", "Egress"];

/// What is wrong with a policy.
pub(super) fn policy(object: &Document) -> FieldErrors {
    let spec = FieldPath::new("spec");
    let mut out = selector_errors(object);
    for (field, rule, peers) in rules(object) {
        for (i, port) in rule.array_at(&["ports"]).iter().enumerate() {
            out.extend(port_errors(&field.child("ports").index(i), port));
        }
        for (i, peer) in rule.array_at(&[peers]).iter().enumerate() {
            out.extend(peer_errors(&field.child(peers).index(i), peer));
        }
    }
    let types = object.array_at(&["spec", "policyTypes"]);
    let field = spec.child("policyTypes");
    if types.len() > TYPES.len() {
        let given = types.to_vec();
        out.push(FieldError::invalid(&field, given, "may not specify more than two policyTypes"));
        return out;
    }
    for (i, ty) in types.iter().enumerate() {
        let ty = ty.as_str().unwrap_or("");
        if !TYPES.contains(&ty) {
            out.push(FieldError::not_supported(&field.index(i), ty, &TYPES));
        }
    }
    out
}

/// What is wrong with a changed policy. Where the stored selector is wrong already, values in selectors may be.
pub(super) fn update(new: &Document, old: &Document) -> FieldErrors {
    let mut out = policy(new);
    if !selector_errors(old).is_empty() {
        out.retain(|error| !error.field.as_str().contains(".values["));
    }
    // Upstream looks at changed policies twice, and so tells each cause twice.
    out.extend(out.clone());
    out
}

fn selector_errors(object: &Document) -> FieldErrors {
    let field = FieldPath::new("spec").child("podSelector");
    labels::selector(&field, object.at(&["spec", "podSelector"]))
}

fn port_errors(field: &FieldPath, port: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    if let Some(protocol) = port.get("protocol").and_then(Document::as_str)
        && !PROTOCOLS.contains(&protocol)
    {
        out.extend([FieldError::not_supported(&field.child("protocol"), protocol, &PROTOCOLS)]);
    }
    let end = port.i64_at(&["endPort"]);
    let end_field = field.child("endPort");
    let given = port.get("port").filter(|port| !port.is_null());
    match (given.map(Document::as_i64), end) {
        (None, Some(end)) => {
            out.push(FieldError::invalid(
                &end_field,
                end,
                "may not be specified when `port` is not specified",
            ));
        }
        (Some(None), Some(end)) => {
            out.push(FieldError::invalid(&end_field, end, "may not be specified when `port` is non-numeric"));
        }
        _ => {}
    }
    if let Some(given) = given {
        out.extend(network::port_or_name(&field.child("port"), given));
    }
    if let (Some(Some(start)), Some(end)) = (given.map(Document::as_i64), end) {
        if end < start {
            // Upstream shows the port here.
            out.push(FieldError::invalid(&end_field, start, "must be greater than or equal to `port`"));
        }
        out.extend(network::port(&end_field, end));
    }
    out
}

fn peer_errors(field: &FieldPath, peer: &Document) -> FieldErrors {
    let part = |key: &str| peer.get(key).filter(|part| !part.is_null());
    let selectors: Vec<(&str, &Document)> =
        ["podSelector", "namespaceSelector"].into_iter().filter_map(|key| Some((key, part(key)?))).collect();
    let mut out = FieldErrors::new();
    for (key, selector) in selectors.iter().copied() {
        out.extend(labels::selector(&field.child(key), Some(selector)));
    }
    let block = part("ipBlock");
    if let Some(block) = block {
        out.extend(block_errors(&field.child("ipBlock"), block));
    }
    match (selectors.is_empty(), block) {
        (true, None) => out.push(FieldError::required(field, "must specify a peer")),
        (false, Some(_)) => {
            out.push(FieldError::forbidden(field, "may not specify both ipBlock and another peer"));
        }
        _ => {}
    }
    out
}

fn block_errors(field: &FieldPath, block: &Document) -> FieldErrors {
    let cidr = block.str_at(&["cidr"]);
    let path = field.child("cidr");
    if cidr.is_empty() {
        return vec![FieldError::required(&path, "")];
    }
    let Some(whole) = network::block(cidr) else {
        return network::cidr_error(&path, cidr).into_iter().collect();
    };
    let mut out = FieldErrors::new();
    for (i, except) in block.array_at(&["except"]).iter().enumerate() {
        let (field, except) = (field.child("except").index(i), except.as_str().unwrap_or(""));
        match network::block(except) {
            None => out.extend(network::cidr_error(&field, except)),
            Some(part) if whole.network.contains(&part.network) && whole.network != part.network => {}
            Some(_) => {
                out.push(FieldError::invalid(&field, except, "must be a strict subset of `cidr`"));
            }
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
    fn ports_are_numbers_names_or_ranges() {
        let cases: [(Document, &[&str]); 8] = [
            (doc!({"protocol": "SCTP"}), &[]),
            (doc!({"port": "http"}), &[]),
            (doc!({"port": 80, "endPort": 80}), &[]),
            (
                doc!({"protocol": "ICMP", "port": 0}),
                &[
                    r#"spec.ingress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP""#,
                    "spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                ],
            ),
            (
                doc!({"port": 80, "endPort": 79}),
                &[
                    "spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`",
                ],
            ),
            (
                doc!({"port": 80, "endPort": 65536}),
                &[
                    "spec.ingress[0].ports[0].endPort: Invalid value: 65536: must be between 1 and 65535, inclusive",
                ],
            ),
            (
                doc!({"port": "-", "endPort": 80}),
                &[
                    "spec.ingress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is non-numeric",
                    r#"spec.ingress[0].ports[0].port: Invalid value: "-": must contain at least one letter (a-z)"#,
                    r#"spec.ingress[0].ports[0].port: Invalid value: "-": must not begin or end with a hyphen"#,
                ],
            ),
            (
                doc!({"endPort": 80}),
                &[
                    "spec.ingress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is not specified",
                ],
            ),
        ];
        for (port, expected) in cases {
            let object = doc!({"spec": {"ingress": [{"ports": [port.clone()]}]}});
            assert_eq!(shown(&policy(&object)), expected, "{port:?}");
        }
    }

    #[test]
    fn peers_are_selected_or_in_a_block() {
        let cases: [(Document, &[&str]); 9] = [
            (doc!({"podSelector": {}, "namespaceSelector": {}}), &[]),
            (doc!({"ipBlock": {"cidr": "10.0.0.1/8", "except": ["10.1.0.0/16"]}}), &[]),
            (doc!({}), &["spec.egress[0].to[0]: Required value: must specify a peer"]),
            (
                doc!({"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}),
                &["spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer"],
            ),
            (
                doc!({"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}),
                &[
                    "spec.egress[0].to[0].namespaceSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
                ],
            ),
            (doc!({"ipBlock": {"except": ["x"]}}), &["spec.egress[0].to[0].ipBlock.cidr: Required value"]),
            (
                doc!({"ipBlock": {"cidr": "x", "except": ["x"]}}),
                &[
                    r#"spec.egress[0].to[0].ipBlock.cidr: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"#,
                ],
            ),
            (
                doc!({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8", "x", "11.0.0.0/16"]}}),
                &[
                    r#"spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`"#,
                    r#"spec.egress[0].to[0].ipBlock.except[1]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"#,
                    r#"spec.egress[0].to[0].ipBlock.except[2]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`"#,
                ],
            ),
            (
                doc!({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["fd00::/16"]}}),
                &[
                    r#"spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "fd00::/16": must be a strict subset of `cidr`"#,
                ],
            ),
        ];
        for (peer, expected) in cases {
            let object = doc!({"spec": {"egress": [{"to": [peer.clone()]}]}});
            assert_eq!(shown(&policy(&object)), expected, "{peer:?}");
        }
    }

    #[test]
    fn there_are_two_types() {
        let of = |types: &[&str]| doc!({"spec": {"policyTypes": types.to_vec()}});
        assert!(policy(&of(&["Ingress", "Egress"])).is_empty());
        assert_eq!(
            shown(&policy(&of(&["Ingress", "Both"]))),
            [r#"spec.policyTypes[1]: Unsupported value: "Both": supported values: "Ingress", "Egress""#]
        );
        assert_eq!(
            shown(&policy(&of(&["Ingress", "Egress", "Both"]))),
            [
                r#"spec.policyTypes: Invalid value: ["Ingress","Egress","Both"]: may not specify more than two policyTypes"#
            ]
        );
    }

    #[test]
    fn values_that_were_stored_may_stay() {
        let of = |value: &str| {
            let selector = doc!({"matchExpressions": [{"key": "a", "operator": "In", "values": [value]}]});
            doc!({"spec": {"podSelector": selector}})
        };
        assert!(update(&of("/"), &of("/b")).is_empty());
        let why = r#"spec.podSelector.matchExpressions[0].values[0]: Invalid value: "/": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"#;
        assert_eq!(shown(&update(&of("/"), &of("b"))), [why, why]);
    }
}

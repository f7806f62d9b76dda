//! NetworkPolicies.

mod validate;

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::network;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

/// `networking.k8s.io/v1 NetworkPolicy`.
pub(crate) struct NetworkPolicy;

impl Strategy for NetworkPolicy {
    fn default(&self, object: &mut Document) {
        let spec = object.ensure(&["spec"]);
        if spec.array_at(&["policyTypes"]).is_empty() {
            let mut types = vec!["Ingress"];
            if !spec.array_at(&["egress"]).is_empty() {
                types.push("Egress");
            }
            spec.insert("policyTypes", types);
        }
        for direction in ["ingress", "egress"] {
            for rule in spec.get_mut(direction).and_then(Document::as_array_mut).into_iter().flatten() {
                for port in rule.get_mut("ports").and_then(Document::as_array_mut).into_iter().flatten() {
                    port.set_default(&["protocol"], "TCP");
                }
            }
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::policy(object)
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        validate::update(new, old)
    }

    fn warnings(&self, new: &Document, _: Option<&Document>) -> Vec<String> {
        let mut out = Vec::new();
        for (field, peer) in peers(new) {
            out.extend(block_warnings(&field.child("ipBlock"), &peer["ipBlock"]));
        }
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Pod-Selector"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let selector = cells::selector(object.at(&["spec", "podSelector"]));
        vec![cells::name(object), selector, cells::age(object, now)]
    }
}

/// The rules of each direction with their paths, and what the direction calls its peers.
fn rules(policy: &Document) -> impl Iterator<Item = (FieldPath, &Document, &'static str)> {
    [("ingress", "from"), ("egress", "to")].into_iter().flat_map(move |(direction, peers)| {
        let field = FieldPath::new("spec").child(direction);
        let rules = policy.array_at(&["spec", direction]).iter().enumerate();
        rules.map(move |(i, rule)| (field.index(i), rule, peers))
    })
}

fn peers(policy: &Document) -> impl Iterator<Item = (FieldPath, &Document)> {
    rules(policy).flat_map(|(field, rule, peers)| {
        let field = field.child(peers);
        rule.array_at(&[peers]).iter().enumerate().map(move |(i, peer)| (field.index(i), peer))
    })
}

fn block_warnings(field: &FieldPath, block: &Document) -> Vec<String> {
    let mut out = network::block_warnings(&field.child("cidr"), block.str_at(&["cidr"]));
    for (i, except) in block.array_at(&["except"]).iter().enumerate() {
        let field = field.child("except").index(i);
        out.extend(network::block_warnings(&field, except.as_str().unwrap_or("")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn types_follow_from_the_rules() {
        let cases = [
            (doc!({}), doc!({"policyTypes": ["Ingress"]})),
            (
                doc!({"egress": [{"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}]}]}),
                doc!({
                    "egress": [{"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}],
                    "policyTypes": ["Ingress", "Egress"]
                }),
            ),
            (
                doc!({"egress": [{}], "policyTypes": ["Egress"]}),
                doc!({"egress": [{}], "policyTypes": ["Egress"]}),
            ),
        ];
        for (spec, expected) in cases {
            let mut policy = doc!({"spec": spec});
            NetworkPolicy.default(&mut policy);
            assert_eq!(policy["spec"], expected);
        }
    }

    #[test]
    fn blocks_that_hardly_mean_what_they_say_are_warned_about() {
        let block = doc!({"ipBlock": {"cidr": "10.0.0.1/8", "except": ["FD00::/64"]}});
        let policy = doc!({"spec": {
            "ingress": [{"from": [{"podSelector": {}}, block]}],
            "egress": [{}, {"to": [{"ipBlock": {"cidr": "10.0.0.0/08"}}]}]
        }});
        assert_eq!(
            NetworkPolicy.warnings(&policy, None),
            [
                r#"spec.ingress[0].from[1].ipBlock.cidr: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)"#,
                r#"spec.ingress[0].from[1].ipBlock.except[0]: IPv6 CIDR value "FD00::/64" should be in RFC 5952 canonical format ("fd00::/64")"#,
                r#"spec.egress[1].to[0].ipBlock.cidr: non-standard CIDR value "10.0.0.0/08" will be considered invalid in a future Kubernetes release: use "10.0.0.0/8""#,
            ]
        );
    }

    #[test]
    fn rows_show_whom_a_policy_is_for() {
        let policy = doc!({"spec": {"podSelector": {"matchLabels": {"a": "b"}}}});
        let cells = NetworkPolicy.cells(&policy, Timestamp::UNIX_EPOCH);
        assert_eq!(cells.get(1), Some(&Document::from("a=b")));
    }
}

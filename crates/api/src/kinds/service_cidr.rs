//! ServiceCIDRs: the blocks that cluster IPs come from. A second one of the other family may come later; nothing else
//! changes.

use super::cells;
use crate::strategy::{ALL_METADATA, UpdateScope};
use crate::validation::network;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};

/// `networking.k8s.io/v1 ServiceCIDR`.
pub(crate) struct ServiceCidr;

const MAX_CIDRS: usize = 2;

impl Strategy for ServiceCidr {
    /// Upstream lets whoever creates a ServiceCIDR say its status.
    fn prepare_for_create(&self, _: &mut Document) {}

    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        if scope == UpdateScope::Status {
            keep(new, old, &["spec"]);
            for field in ALL_METADATA {
                keep(new, old, &["metadata", field]);
            }
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = cidrs_field();
        let cidrs = cidrs(object);
        let invalid = |why: &str| {
            // Upstream shows the whole spec here.
            let spec = doc!({"CIDRs": cidrs.clone()});
            vec![FieldError::invalid(&field, spec, why)]
        };
        match cidrs.len() {
            0 => return vec![FieldError::required(&field, "at least one CIDR required")],
            MAX_CIDRS if !is_dual(&cidrs) => {
                return invalid(
                    "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64",
                );
            }
            1..=MAX_CIDRS => {}
            _ => return invalid("may only hold up to 2 values"),
        }
        let cidrs = cidrs.iter().enumerate();
        cidrs.filter_map(|(i, cidr)| network::strict_block(&field.index(i), cidr)).collect()
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        if scope == UpdateScope::Status {
            return FieldErrors::new();
        }
        let field = cidrs_field();
        let (before, after) = (cidrs(old), cidrs(new));
        let mut out = FieldErrors::new();
        if before.len() != after.len() && (before.len(), after.len()) != (1, MAX_CIDRS) {
            out.push(FieldError::invalid(&field, after, "field is immutable"));
            return out;
        }
        for (i, (_, changed)) in before.iter().zip(&after).enumerate().filter(|(_, (old, new))| old != new) {
            out.push(FieldError::invalid(&field.index(i), *changed, "field is immutable"));
        }
        if before.len() != after.len() {
            out.extend(self.validate_create(new));
        }
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("CIDRs"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cidrs(object).join(",").into(), cells::age(object, now)]
    }
}

fn keep(new: &mut Document, old: &Document, path: &[&str]) {
    match old.at(path) {
        Some(value) => new.set(path, value),
        None => drop(new.remove(path)),
    }
}

fn cidrs_field() -> FieldPath {
    FieldPath::new("spec").child("cidrs")
}

fn cidrs(object: &Document) -> Vec<&str> {
    object.array_at(&["spec", "cidrs"]).iter().map(|cidr| cidr.as_str().unwrap_or("")).collect()
}

fn is_dual(cidrs: &[&str]) -> bool {
    let mut families =
        cidrs.iter().map(|cidr| network::block(cidr).map(|block| network::family(block.address)));
    let first = families.next().flatten();
    let second = families.next().flatten();
    first.is_some() && second.is_some() && first != second
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cidrs: &[&str]) -> Document {
        doc!({"spec": {"cidrs": cidrs.to_vec()}})
    }

    fn shown(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn there_is_one_block_of_a_family() {
        let cases: [(&[&str], &[&str]); 9] = [
            (&["10.0.0.0/24"], &[]),
            (&["fd00::/112", "10.0.0.0/24"], &[]),
            (&[], &["spec.cidrs: Required value: at least one CIDR required"]),
            (
                &["10.0.0.0/24", "10.0.1.0/24"],
                &[
                    r#"spec.cidrs: Invalid value: {"CIDRs":["10.0.0.0/24","10.0.1.0/24"]}: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"#,
                ],
            ),
            (
                &["10.0.0.0/24", "x"],
                &[
                    r#"spec.cidrs: Invalid value: {"CIDRs":["10.0.0.0/24","x"]}: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"#,
                ],
            ),
            (
                &["10.0.0.0/24", "fd00::/112", "fd01::/112"],
                &[
                    r#"spec.cidrs: Invalid value: {"CIDRs":["10.0.0.0/24","fd00::/112","fd01::/112"]}: may only hold up to 2 values"#,
                ],
            ),
            (
                &["x"],
                &[
                    r#"spec.cidrs[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"#,
                ],
            ),
            (
                &["10.0.0.1/24"],
                &[
                    r#"spec.cidrs[0]: Invalid value: "10.0.0.1/24": must not have bits set beyond the prefix length"#,
                ],
            ),
            (
                &["10.0.0.0/24", "FD00::/112"],
                &[r#"spec.cidrs[1]: Invalid value: "FD00::/112": must be in canonical form ("fd00::/112")"#],
            ),
        ];
        for (cidrs, expected) in cases {
            assert_eq!(shown(&ServiceCidr.validate_create(&of(cidrs))), expected, "{cidrs:?}");
        }
    }

    #[test]
    fn only_a_second_family_may_come() {
        let cases: [(&[&str], &[&str], &[&str]); 6] = [
            (&["10.0.0.0/24"], &["10.0.0.0/24"], &[]),
            (&["10.0.0.0/24", "fd00::/112"], &["10.0.0.0/24"], &[]),
            (
                &["10.0.1.0/24"],
                &["10.0.0.0/24"],
                &[r#"spec.cidrs[0]: Invalid value: "10.0.1.0/24": field is immutable"#],
            ),
            (
                &["10.0.0.0/24"],
                &["10.0.0.0/24", "fd00::/112"],
                &[r#"spec.cidrs: Invalid value: ["10.0.0.0/24"]: field is immutable"#],
            ),
            (
                &["fd00::/112", "10.0.0.0/24"],
                &["10.0.0.0/24"],
                &[r#"spec.cidrs[0]: Invalid value: "fd00::/112": field is immutable"#],
            ),
            (
                &["10.0.0.0/24", "10.0.1.0/24"],
                &["10.0.0.0/24"],
                &[
                    r#"spec.cidrs: Invalid value: {"CIDRs":["10.0.0.0/24","10.0.1.0/24"]}: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"#,
                ],
            ),
        ];
        for (new, old, expected) in cases {
            let errors = ServiceCidr.validate_update(UpdateScope::Main, &of(new), &of(old));
            assert_eq!(shown(&errors), expected, "{new:?}");
        }
    }

    #[test]
    fn a_status_write_changes_the_status_alone() {
        let old = doc!({"metadata": {"name": "a", "labels": {"b": "c"}}, "spec": {"cidrs": ["10.0.0.0/24"]}});
        let mut new = doc!({
            "metadata": {"name": "a", "finalizers": ["d"]}, "spec": {}, "status": {"conditions": []}
        });
        ServiceCidr.prepare_for_update(UpdateScope::Status, &mut new, &old);
        let expected = doc!({
            "metadata": {"name": "a", "labels": {"b": "c"}}, "spec": {"cidrs": ["10.0.0.0/24"]},
            "status": {"conditions": []}
        });
        assert_eq!(new, expected);
    }
}

//! Ingresses.

mod backend;
mod validate;

pub(super) use backend::reference_errors;

use super::cells;
use super::service::balancer_addresses;
use crate::strategy::UpdateScope;
use crate::validation::network;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

/// `networking.k8s.io/v1 Ingress`.
pub(crate) struct Ingress;

/// The annotation that named an ingress class before the field did.
const CLASS: &str = "kubernetes.io/ingress.class";
/// How many hosts a row shows.
const SHOWN: usize = 3;

impl Strategy for Ingress {
    fn has_status(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::create(object)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => validate::update(new, old),
            UpdateScope::Status => validate::status(new),
        }
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        let Some(old) = old else {
            let is_old_form = new.annotation(CLASS).is_some() && class(new).is_none();
            let why =
                format!("annotation {CLASS:?} is deprecated, please use 'spec.ingressClassName' instead");
            return is_old_form.then_some(why).into_iter().collect();
        };
        if new.get("status") == old.get("status") {
            return Vec::new();
        }
        let field = FieldPath::new("status").child("loadBalancer").child("ingress");
        let points = new.array_at(&["status", "loadBalancer", "ingress"]).iter().enumerate();
        points.filter_map(|(i, point)| network::ip_warning(&field.index(i), point.str_at(&["ip"]))).collect()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("Class"),
            Column::text("Hosts"),
            Column::text("Address"),
            Column::text("Ports"),
            Column::age(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let tls = !object.array_at(&["spec", "tls"]).is_empty();
        vec![
            cells::name(object),
            class(object).unwrap_or(cells::NONE).into(),
            hosts(object).into(),
            balancer_addresses(object).into(),
            if tls { "80, 443" } else { "80" }.into(),
            cells::age(object, now),
        ]
    }
}

fn class(ingress: &Document) -> Option<&str> {
    ingress.at(&["spec", "ingressClassName"]).and_then(Document::as_str)
}

fn hosts(ingress: &Document) -> String {
    let rules = ingress.array_at(&["spec", "rules"]);
    let hosts: Vec<&str> =
        rules.iter().take(SHOWN).map(|rule| rule.str_at(&["host"])).filter(|host| !host.is_empty()).collect();
    match (hosts.is_empty(), rules.len() > SHOWN) {
        (true, _) => "*".to_owned(),
        (false, false) => hosts.join(","),
        (false, true) => format!("{} + {} more...", hosts.join(","), rules.len() - SHOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn the_older_annotation_is_warned_about() {
        let of = |annotations: Document, spec: Document| doc!({"metadata": {"annotations": annotations}, "spec": spec});
        let told = r#"annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead"#;
        let old_form = of(doc!({(CLASS): "a"}), doc!({}));
        let cases: [(&Document, Option<&Document>, &[&str]); 4] = [
            (&old_form, None, &[told]),
            (&old_form, Some(&old_form), &[]),
            (&of(doc!({(CLASS): "a"}), doc!({"ingressClassName": "a"})), None, &[]),
            (&of(doc!({}), doc!({})), None, &[]),
        ];
        for (new, old, expected) in cases {
            assert_eq!(Ingress.warnings(new, old), expected);
        }
    }

    #[test]
    fn addresses_that_controllers_write_are_warned_about() {
        let old = doc!({"spec": {}, "status": {"loadBalancer": {}}});
        let new = doc!({"spec": {}, "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.04"}]}}});
        assert_eq!(
            Ingress.warnings(&new, Some(&old)),
            [
                r#"status.loadBalancer.ingress[0]: non-standard IP address "1.2.3.04" will be considered invalid in a future Kubernetes release: use "1.2.3.4""#
            ]
        );
        assert!(Ingress.warnings(&new, Some(&new)).is_empty());
    }

    #[test]
    fn rows_show_hosts_and_addresses() {
        let cases = [
            (doc!({"defaultBackend": {}}), ["<none>", "*", "a.test,b.test", "80"]),
            (
                doc!({"ingressClassName": "c", "rules": [{"host": "x"}, {"host": ""}], "tls": [{}]}),
                ["c", "x", "a.test,b.test", "80, 443"],
            ),
            (
                doc!({"rules": [{"host": "w"}, {"host": "x"}, {"host": "y"}, {"host": "z"}]}),
                ["<none>", "w,x,y + 1 more...", "a.test,b.test", "80"],
            ),
        ];
        for (spec, expected) in cases {
            let ingress = doc!({
                "metadata": {"annotations": {(CLASS): "old"}}, "spec": spec,
                "status": {"loadBalancer": {"ingress": [{"hostname": "b.test"}, {"hostname": "a.test"}]}}
            });
            let cells = Ingress.cells(&ingress, Timestamp::UNIX_EPOCH);
            let texts: Vec<&str> = cells.iter().skip(1).take(4).filter_map(Document::as_str).collect();
            assert_eq!(texts, expected);
        }
    }
}

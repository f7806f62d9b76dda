//! IPAddresses: which Service holds a cluster IP. Their name is the address.

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::{self, names};
use crate::{Cell, Column, NameRule, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};
use std::borrow::Cow;

/// `networking.k8s.io/v1 IPAddress`.
pub(crate) struct IpAddress;

impl Strategy for IpAddress {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec").child("parentRef");
        match parent(object) {
            Some(parent) => parent_errors(&field, parent),
            None => vec![FieldError::required(&field, "")],
        }
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = self.validate_create(new);
        let (new, old) = (parent(new).map(shown), parent(old).map(shown));
        if new != old {
            let field = FieldPath::new("spec").child("parentRef");
            out.push(FieldError::invalid(&field, new, "field is immutable"));
        }
        out
    }

    fn name_rule(&self) -> NameRule {
        NameRule::Address
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        ["group", "resource", "namespace", "name"].map(|key| format!("spec.parentRef.{key}").into()).to_vec()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("ParentRef")]
    }

    fn cells(&self, object: &Document, _now: Timestamp) -> Vec<Cell> {
        let shown = parent(object).map_or_else(|| cells::NONE.to_owned(), path);
        vec![cells::name(object), shown.into()]
    }
}

fn parent(address: &Document) -> Option<&Document> {
    address.at(&["spec", "parentRef"]).filter(|parent| !parent.is_null())
}

fn parent_errors(field: &FieldPath, parent: &Document) -> FieldErrors {
    let [group, resource, namespace, name] =
        ["group", "resource", "namespace", "name"].map(|key| parent.str_at(&[key]));
    let mut out = FieldErrors::new();
    if !group.is_empty() {
        out.extend(validation::invalid(&field.child("group"), group, names::dns1123_subdomain(group)));
    }
    for (key, text) in [("resource", resource), ("name", name)] {
        let field = field.child(key);
        if text.is_empty() {
            out.push(FieldError::required(&field, ""));
        }
        out.extend(validation::invalid(&field, text, names::path_segment(text)));
    }
    let complaints = names::path_segment(namespace);
    out.extend(validation::invalid(&field.child("namespace"), namespace, complaints));
    out
}

/// The reference as upstream shows its own struct.
fn shown(parent: &Document) -> Document {
    let [group, resource, namespace, name] =
        ["group", "resource", "namespace", "name"].map(|key| parent.str_at(&[key]));
    doc!({"Group": group, "Resource": resource, "Namespace": namespace, "Name": name})
}

/// `services/default/web`.
fn path(parent: &Document) -> String {
    let [group, resource, namespace, name] =
        ["group", "resource", "namespace", "name"].map(|key| parent.str_at(&[key]));
    let resource = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
    let resource = resource.to_lowercase();
    if namespace.is_empty() { format!("{resource}/{name}") } else { format!("{resource}/{namespace}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parent: Document) -> Document {
        doc!({"spec": {"parentRef": parent}})
    }

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_address_belongs_to_an_object() {
        let cases: [(&str, Document, &[&str]); 4] = [
            ("a service", doc!({"resource": "services", "namespace": "a", "name": "b"}), &[]),
            ("nothing", Document::NULL, &["spec.parentRef: Required value"]),
            (
                "nothing in particular",
                doc!({}),
                &["spec.parentRef.resource: Required value", "spec.parentRef.name: Required value"],
            ),
            (
                "names that are none",
                doc!({"group": "_", "resource": "a/b", "name": "..", "namespace": "%"}),
                &[
                    r#"spec.parentRef.group: Invalid value: "_": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"#,
                    r#"spec.parentRef.resource: Invalid value: "a/b": may not contain '/'"#,
                    r#"spec.parentRef.name: Invalid value: "..": may not be '..'"#,
                    r#"spec.parentRef.namespace: Invalid value: "%": may not contain '%'"#,
                ],
            ),
        ];
        for (name, parent, expected) in cases {
            assert_eq!(texts(&IpAddress.validate_create(&of(parent))), expected, "{name}");
        }
    }

    #[test]
    fn an_address_stays_with_its_object() {
        let old = of(doc!({"resource": "services", "namespace": "a", "name": "b"}));
        assert!(IpAddress.validate_update(UpdateScope::Main, &old, &old).is_empty());
        let new = of(doc!({"resource": "services", "namespace": "a", "name": "c"}));
        assert_eq!(
            texts(&IpAddress.validate_update(UpdateScope::Main, &new, &old)),
            [
                r#"spec.parentRef: Invalid value: {"Group":"","Resource":"services","Namespace":"a","Name":"c"}: field is immutable"#
            ]
        );
    }

    #[test]
    fn rows_show_the_object() {
        let cases = [
            (Document::NULL, "<none>"),
            (doc!({"resource": "services", "namespace": "a", "name": "b"}), "services/a/b"),
            (doc!({"group": "Example.test", "resource": "gateways", "name": "b"}), "gateways.example.test/b"),
        ];
        for (parent, expected) in cases {
            let cells = IpAddress.cells(&of(parent), Timestamp::UNIX_EPOCH);
            assert_eq!(cells.get(1).and_then(Document::as_str), Some(expected));
        }
    }
}

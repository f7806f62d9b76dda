//! IPAddresses: which Service holds a cluster IP. Their name is the address.

use super::cells;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::borrow::Cow;

/// `networking.k8s.io/v1 IPAddress`.
pub(crate) struct IpAddress;

impl Strategy for IpAddress {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec.parentRef");
        let parent = &object["spec"]["parentRef"];
        if parent.is_null() {
            return vec![FieldError::required(&field, "")];
        }
        ["resource", "name"]
            .into_iter()
            .filter(|key| parent.str_at(&[key]).is_empty())
            .map(|key| FieldError::required(&field.child(key), ""))
            .collect()
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        ["group", "resource", "namespace", "name"].map(|key| format!("spec.parentRef.{key}").into()).to_vec()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("ParentRef")]
    }

    fn cells(&self, object: &Document, _now: Timestamp) -> Vec<Cell> {
        let parent = &object["spec"]["parentRef"];
        let parts = ["group", "resource", "namespace", "name"].map(|key| parent.str_at(&[key]));
        let [group, resource, namespace, name] = parts;
        let resource = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        let parts: Vec<&str> =
            [resource.as_str(), namespace, name].into_iter().filter(|part| !part.is_empty()).collect();
        vec![cells::name(object), cells::or_none(&parts.join("/"))]
    }
}

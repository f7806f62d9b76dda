//! `scale`: `autoscaling/v1 Scale`, the replica count of an object whatever its kind.

use super::View;
use skiff_api::Resource;
use skiff_apimachinery::{
    Document, FieldError, FieldPath, GroupKind, GroupResource, LabelSelector, Status, doc,
};

/// The view.
pub(super) struct ScaleView;

impl View for ScaleView {
    fn show(&self, row: &Resource, object: &Document) -> Result<Document, Status> {
        let paths = ScalePaths::of(row);
        let mut metadata = doc!({"name": object.name()});
        if !object.namespace().is_empty() {
            metadata.insert("namespace", object.namespace());
        }
        metadata.insert("uid", object.uid());
        metadata.insert("resourceVersion", object.resource_version());
        if let Some(created) = object.at(&["metadata", "creationTimestamp"]) {
            metadata.insert("creationTimestamp", created);
        }
        let mut scale = doc!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata});
        let replicas = object.i64_at(&paths.spec_replicas()).unwrap_or(0);
        scale.insert("spec", if replicas == 0 { doc!({}) } else { doc!({"replicas": replicas}) });
        let mut status = doc!({"replicas": object.i64_at(&paths.status_replicas()).unwrap_or(0)});
        let selector = paths.selector(object);
        if !selector.is_empty() {
            status.insert("selector", selector);
        }
        scale.insert("status", status);
        Ok(scale)
    }

    fn replace(&self, row: &Resource, object: &Document, sent: &Document) -> Result<Document, Status> {
        let replicas = sent.i64_at(&["spec", "replicas"]).unwrap_or(0);
        if replicas < 0 {
            let field = FieldPath::new("spec").child("replicas");
            let error = FieldError::invalid(&field, replicas, "must be greater than or equal to 0");
            return Err(Status::invalid(
                &GroupKind::new("autoscaling", "Scale"),
                object.name(),
                &vec![error],
            ));
        }
        if !sent.uid().is_empty() && sent.uid() != object.uid() {
            return Err(another(row, object, sent));
        }
        let mut new = object.clone();
        new.set(&ScalePaths::of(row).spec_replicas(), replicas);
        super::insist(&mut new, sent);
        Ok(new)
    }

    fn is_whole(&self) -> bool {
        false
    }
}

/// 409: the client means another object of that name; upstream names the subresource with the resource.
fn another(row: &Resource, object: &Document, sent: &Document) -> Status {
    let resource = GroupResource::new(row.gvk.group.clone(), format!("{}/scale", row.plural));
    let (wanted, found) = (sent.uid(), object.uid());
    let why = format!("Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}");
    Status::conflict(&resource, object.name(), &why)
}

/// Where a kind keeps its replica counts and selector.
struct ScalePaths<'a> {
    custom: Option<&'a skiff_api::strategy::ScalePaths>,
}

impl<'a> ScalePaths<'a> {
    fn of(row: &'a Resource) -> Self {
        Self { custom: row.strategy.scale_paths() }
    }

    fn spec_replicas(&self) -> Vec<&str> {
        self.custom.map_or_else(|| vec!["spec", "replicas"], |paths| split(&paths.spec_replicas))
    }

    fn status_replicas(&self) -> Vec<&str> {
        self.custom.map_or_else(|| vec!["status", "replicas"], |paths| split(&paths.status_replicas))
    }

    fn selector(&self, object: &Document) -> String {
        if let Some(paths) = self.custom {
            return paths
                .label_selector
                .as_deref()
                .map_or(String::new(), |path| object.str_at(&split(path)).to_owned());
        }
        let Some(selector) = object.at(&["spec", "selector"]) else { return String::new() };
        if selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some() {
            return LabelSelector::from_object(Some(selector))
                .map(|selector| selector.to_string())
                .unwrap_or_default();
        }
        // A replication controller's selector is a plain map.
        selector.as_object().map(|labels| LabelSelector::from_labels(labels).to_string()).unwrap_or_default()
    }
}

fn split(path: &str) -> Vec<&str> {
    path.split('.').filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn deployments() -> Arc<Resource> {
        let mut rows = skiff_api::builtin().into_iter();
        rows.find(|row| row.plural == "deployments").expect("deployments are built in")
    }

    #[test]
    fn replicas_are_written_where_the_kind_keeps_them() {
        let object = doc!({"metadata": {"name": "web", "uid": "u"}, "spec": {"replicas": 1}});
        let cases = [(doc!({"spec": {"replicas": 3}}), 3), (doc!({"metadata": {"uid": "u"}}), 0)];
        for (sent, expected) in cases {
            let new = ScaleView.replace(&deployments(), &object, &sent).expect("the scale is valid");
            assert_eq!(new.i64_at(&["spec", "replicas"]), Some(expected), "{sent}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_upstreams_words() {
        let object = doc!({"metadata": {"name": "web", "uid": "u"}, "spec": {"replicas": 1}});
        let cases = [
            (
                doc!({"spec": {"replicas": -1}}),
                422,
                "Scale.autoscaling \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            ),
            (
                doc!({"metadata": {"uid": "v"}}),
                409,
                "Operation cannot be fulfilled on deployments/scale.apps \"web\": Precondition failed: UID in precondition: v, UID in object meta: u",
            ),
        ];
        for (sent, code, message) in cases {
            let refused =
                ScaleView.replace(&deployments(), &object, &sent).expect_err("the scale is refused");
            assert_eq!((refused.code, refused.message.as_str()), (code, message), "{sent}");
        }
    }
}

//! ReplicationControllers.

use super::{cells, default_template, pod_template};
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath, Map};
use std::borrow::Cow;

/// `v1 ReplicationController`.
pub(crate) struct ReplicationController;

impl Strategy for ReplicationController {
    fn default(&self, object: &mut Document) {
        default_template(object, &["spec", "template"]);
        if let Some(labels) = object.at(&["spec", "template", "metadata", "labels"]).cloned() {
            if object.object_at(&["spec", "selector"]).is_none_or(Map::is_empty) {
                object.set(&["spec", "selector"], labels.clone());
            }
            if object.labels().is_none_or(Map::is_empty) {
                object.set(&["metadata", "labels"], labels);
            }
        }
        object.set_default(&["spec", "replicas"], 1);
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        pod_template::warnings::for_workload(new, old, &["spec", "template"])
    }

    fn has_status(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec");
        let mut out = pod_template::validate(object.at(&["spec", "template"]), &field.child("template"));
        out.extend(validation::not_negative(&field.child("replicas"), object.at(&["spec", "replicas"])));
        out
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        vec!["status.replicas".into()]
    }

    fn select_field(&self, object: &Document, _field: &str) -> String {
        object.i64_at(&["status", "replicas"]).unwrap_or(0).to_string()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::integer("Desired"),
            Column::integer("Current"),
            Column::integer("Ready"),
            Column::age(),
            Column::text("Containers").wide(),
            Column::text("Images").wide(),
            Column::text("Selector").wide(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let [names, images] = cells::containers(object.at(&["spec", "template", "spec"]));
        vec![
            cells::name(object),
            cells::integer(object, &["spec", "replicas"]),
            cells::integer(object, &["status", "replicas"]),
            cells::integer(object, &["status", "readyReplicas"]),
            cells::age(object, now),
            names,
            images,
            cells::labels(object.object_at(&["spec", "selector"])),
        ]
    }
}

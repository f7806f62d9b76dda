//! ReplicaSets.

use super::{cells, pod_template, workload};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::borrow::Cow;

/// `apps/v1 ReplicaSet`.
pub(crate) struct ReplicaSet;

/// Counts of the status, none of which exceeds `replicas`.
const COUNTS: [&str; 3] = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];

impl Strategy for ReplicaSet {
    fn default(&self, object: &mut Document) {
        let spec = object.ensure(&["spec"]);
        spec.set_default(&["replicas"], 1);
        if let Some(template) = spec.get_mut("template") {
            pod_template::default_template(template);
        }
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        pod_template::warnings::for_workload(new, old, &["spec", "template"])
    }

    fn has_status(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec");
        let mut out = workload::validate(object, &field);
        let ready = object.at(&["spec", "minReadySeconds"]);
        out.extend(validation::not_negative(&field.child("minReadySeconds"), ready));
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => {
                let mut out = self.validate_create(new);
                out.extend(workload::immutable_selector(new, old));
                out
            }
            UpdateScope::Status => status_errors(new),
        }
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        vec!["status.replicas".into()]
    }

    fn select_field(&self, object: &Document, _: &str) -> String {
        object.i64_at(&["status", "replicas"]).unwrap_or(0).to_string()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::new("Desired", "integer", "How many replicas are wanted."),
            Column::new("Current", "integer", "How many replicas there are."),
            Column::new("Ready", "integer", "How many replicas are ready."),
            Column::age(),
            Column::new("Containers", "string", "Names of each container in the template.").wide(),
            Column::new("Images", "string", "Images referenced by each container in the template.").wide(),
            Column::new("Selector", "string", "Label selector for pods.").wide(),
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
            cells::selector(object.at(&["spec", "selector"])),
        ]
    }
}

fn status_errors(new: &Document) -> FieldErrors {
    let field = FieldPath::new("status");
    let count = |name: &str| new.i64_at(&["status", name]).unwrap_or(0);
    let mut out = FieldErrors::new();
    for name in ["replicas", "observedGeneration"].iter().chain(&COUNTS) {
        out.extend(validation::not_negative(&field.child(name), new.at(&["status", name])));
    }
    for name in COUNTS {
        if count(name) > count("replicas") {
            let why = "cannot be greater than status.replicas";
            out.push(FieldError::invalid(&field.child(name), count(name), why));
        }
    }
    if count("availableReplicas") > count("readyReplicas") {
        let why = "cannot be greater than readyReplicas";
        out.push(FieldError::invalid(&field.child("availableReplicas"), count("availableReplicas"), why));
    }
    out
}

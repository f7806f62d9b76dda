//! DaemonSets. Validation and the count of template changes are in their own files.

mod template_generation;
mod validate;

use super::{cells, default_template, pod_template, workload};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};

/// `apps/v1 DaemonSet`.
pub(crate) struct DaemonSet;

impl Strategy for DaemonSet {
    fn default(&self, object: &mut Document) {
        template_generation::show(object);
        default_template(object, &["spec", "template"]);
        let spec = object.ensure(&["spec"]);
        if spec.str_at(&["updateStrategy", "type"]).is_empty() {
            spec.set(&["updateStrategy", "type"], "RollingUpdate");
        }
        if spec.str_at(&["updateStrategy", "type"]) == "RollingUpdate" {
            spec.set_default(&["updateStrategy", "rollingUpdate", "maxUnavailable"], 1);
            spec.set_default(&["updateStrategy", "rollingUpdate", "maxSurge"], 0);
        }
        spec.set_default(&["revisionHistoryLimit"], 10);
    }

    fn prepare_for_create(&self, object: &mut Document) {
        object.remove(&["status"]);
        template_generation::begin(object);
    }

    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        match scope {
            UpdateScope::Main => workload::restore(new, old, &["status"]),
            UpdateScope::Status => workload::restore(new, old, &["spec"]),
        }
        template_generation::count(new, old);
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        let mut out = pod_template::warnings::for_workload(new, old, &["spec", "template"]);
        // Names of a DaemonSet's pods are not made into host names that anyone relies on.
        out.retain(|warning| !warning.starts_with("metadata.name: "));
        out
    }

    fn has_status(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::spec(object)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => {
                let mut out = workload::twice(validate::spec(new));
                out.extend(workload::immutable_selector(new, old));
                out
            }
            UpdateScope::Status => validate::status(new, old),
        }
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::integer("Desired"),
            Column::integer("Current"),
            Column::integer("Ready"),
            Column::integer("Up-to-date"),
            Column::integer("Available"),
            Column::text("Node Selector"),
            Column::age(),
            Column::text("Containers").wide(),
            Column::text("Images").wide(),
            Column::text("Selector").wide(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let [names, images] = cells::containers(object.at(&["spec", "template", "spec"]));
        let mut out = vec![cells::name(object)];
        let counts = [
            "desiredNumberScheduled",
            "currentNumberScheduled",
            "numberReady",
            "updatedNumberScheduled",
            "numberAvailable",
        ];
        out.extend(counts.map(|count| cells::integer(object, &["status", count])));
        out.push(cells::labels(object.object_at(&["spec", "template", "spec", "nodeSelector"])));
        out.extend([
            cells::age(object, now),
            names,
            images,
            cells::selector(object.at(&["spec", "selector"])),
        ]);
        out
    }
}

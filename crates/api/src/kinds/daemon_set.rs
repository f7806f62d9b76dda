//! DaemonSets.

use super::{cells, default_template, pod_template};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `apps/v1 DaemonSet`.
pub(crate) struct DaemonSet;

impl Strategy for DaemonSet {
    fn default(&self, object: &mut Document) {
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

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        pod_template::warnings::for_workload(new, old, &["spec", "template"])
    }

    fn has_status(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec.selector");
        let selector = object.at(&["spec", "selector"]);
        let mut out = validation::labels::selector(&field, selector);
        if selector.is_none_or(Document::is_null) {
            out.push(FieldError::required(&field, ""));
        } else if validation::labels::is_empty_selector(selector) {
            let why = "empty selector is invalid for daemonset";
            out.push(FieldError::invalid(&field, selector.cloned(), why));
        }
        out.extend(pod_template::validate(
            object.at(&["spec", "template"]),
            &FieldPath::new("spec.template"),
        ));
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        if scope == UpdateScope::Status {
            return FieldErrors::new();
        }
        let mut out = self.validate_create(new);
        let selector = |set: &Document| set.at(&["spec", "selector"]).cloned();
        let field = FieldPath::new("spec.selector");
        out.extend(validation::immutable(&field, selector(new).as_ref(), selector(old).as_ref()));
        out
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

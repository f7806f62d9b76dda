//! StatefulSets.

use super::{cells, default_template, persistent_volume_claim, pod_template};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `apps/v1 StatefulSet`.
pub(crate) struct StatefulSet;

/// What an update may change in the spec.
const MUTABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

impl Strategy for StatefulSet {
    fn default(&self, object: &mut Document) {
        default_template(object, &["spec", "template"]);
        let spec = object.ensure(&["spec"]);
        spec.set_default(&["podManagementPolicy"], "OrderedReady");
        if spec.str_at(&["updateStrategy", "type"]).is_empty() {
            spec.set(&["updateStrategy", "type"], "RollingUpdate");
        }
        if spec.str_at(&["updateStrategy", "type"]) == "RollingUpdate" {
            spec.set_default(&["updateStrategy", "rollingUpdate", "partition"], 0);
        }
        spec.set_default(&["persistentVolumeClaimRetentionPolicy", "whenDeleted"], "Retain");
        spec.set_default(&["persistentVolumeClaimRetentionPolicy", "whenScaled"], "Retain");
        spec.set_default(&["replicas"], 1);
        spec.set_default(&["revisionHistoryLimit"], 10);
        for claim in
            spec.get_mut("volumeClaimTemplates").and_then(Document::as_array_mut).into_iter().flatten()
        {
            claim.set_default(&["apiVersion"], "v1");
            claim.set_default(&["kind"], "PersistentVolumeClaim");
            persistent_volume_claim::default(claim);
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
        let mut out: FieldErrors =
            validation::not_negative(&field.child("replicas"), object.at(&["spec", "replicas"]))
                .into_iter()
                .collect();
        let selector = object.at(&["spec", "selector"]);
        if selector.is_none_or(Document::is_null) {
            out.push(FieldError::required(&field.child("selector"), ""));
        }
        out.extend(validation::labels::selector(&field.child("selector"), selector));
        out.extend(pod_template::validate(object.at(&["spec", "template"]), &field.child("template")));
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        if scope == UpdateScope::Status {
            return FieldErrors::new();
        }
        let mut out = self.validate_create(new);
        let frozen = |set: &Document| {
            let mut spec = set.get("spec").cloned().unwrap_or_default();
            MUTABLE.iter().for_each(|field| drop(spec.remove(&[field])));
            spec
        };
        if frozen(new) != frozen(old) {
            let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
            out.push(FieldError::forbidden(&FieldPath::new("spec"), why));
        }
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("Ready"),
            Column::age(),
            Column::text("Containers").wide(),
            Column::text("Images").wide(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let [names, images] = cells::containers(object.at(&["spec", "template", "spec"]));
        let count = |path: &[&str]| object.i64_at(path).unwrap_or(0);
        let ready = format!("{}/{}", count(&["status", "readyReplicas"]), count(&["spec", "replicas"]));
        vec![cells::name(object), ready.into(), cells::age(object, now), names, images]
    }
}

//! StatefulSets. Validation and the claims that each pod gets are in their own files.

mod claims;
mod strategy;
mod validate;

use super::{cells, default_template, pod_template, workload};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, NameRule, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};

/// `apps/v1 StatefulSet`.
pub(crate) struct StatefulSet;

impl Strategy for StatefulSet {
    fn default(&self, object: &mut Document) {
        default_template(object, &["spec", "template"]);
        let spec = object.ensure(&["spec"]);
        spec.set_default(&["podManagementPolicy"], "OrderedReady");
        strategy::default(spec);
        for when in ["whenDeleted", "whenScaled"] {
            if spec.str_at(&["persistentVolumeClaimRetentionPolicy", when]).is_empty() {
                spec.set(&["persistentVolumeClaimRetentionPolicy", when], "Retain");
            }
        }
        spec.set_default(&["replicas"], 1);
        spec.set_default(&["revisionHistoryLimit"], 10);
        claims::default(spec);
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        const UNLIMITED: &str = "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended";
        if old.is_some_and(|old| workload::is_status_write(new, old)) {
            return Vec::new();
        }
        let mut out = pod_template::warnings::for_workload(new, old, &["spec", "template"]);
        out.extend(claims::warnings(new, old.is_some()));
        if new.i64_at(&["spec", "revisionHistoryLimit"]).is_some_and(|limit| limit < 0) {
            out.push(UNLIMITED.to_owned());
        }
        out
    }

    fn name_rule(&self) -> NameRule {
        NameRule::Label
    }

    fn has_status(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::created(object)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => validate::changed(new, old),
            UpdateScope::Status => status_errors(new, old),
        }
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

fn status_errors(new: &Document, old: &Document) -> FieldErrors {
    let mut out = workload::negative(
        new,
        &[
            "replicas",
            "readyReplicas",
            "currentReplicas",
            "updatedReplicas",
            "availableReplicas",
            "observedGeneration",
            "collisionCount",
        ],
    );
    out.extend(workload::above_replicas(
        new,
        &["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
        "cannot be greater than status.readyReplicas",
    ));
    out.extend(workload::fewer_collisions(new, old));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn defaults_are_upstreams() {
        let retain = doc!({"whenDeleted": "Retain", "whenScaled": "Retain"});
        let rolling = doc!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 1}});
        let cases = [
            ("nothing", doc!({}), rolling, retain.clone()),
            (
                "another strategy",
                doc!({"updateStrategy": {"type": "OnDelete"}}),
                doc!({"type": "OnDelete"}),
                retain.clone(),
            ),
            (
                "a strategy without its numbers",
                doc!({"updateStrategy": {"type": "RollingUpdate"}}),
                doc!({"type": "RollingUpdate"}),
                retain,
            ),
            (
                "half of the numbers",
                doc!({
                    "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}},
                    "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}
                }),
                doc!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2, "maxUnavailable": 1}}),
                doc!({"whenScaled": "Delete", "whenDeleted": "Retain"}),
            ),
        ];
        for (case, spec, strategy, retention) in cases {
            let mut set = doc!({"spec": spec});
            StatefulSet.default(&mut set);
            let spec = &set["spec"];
            assert_eq!(spec["updateStrategy"], strategy, "{case}");
            assert_eq!(spec["persistentVolumeClaimRetentionPolicy"], retention, "{case}");
            assert_eq!(
                (spec.i64_at(&["replicas"]), spec.i64_at(&["revisionHistoryLimit"])),
                (Some(1), Some(10))
            );
            assert_eq!(spec.str_at(&["podManagementPolicy"]), "OrderedReady");
        }
    }

    #[test]
    fn an_unlimited_history_is_warned_of() {
        let set = doc!({"metadata": {"name": "db"}, "spec": {"revisionHistoryLimit": -1}});
        let expected = "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended";
        assert_eq!(StatefulSet.warnings(&set, None), [expected]);
        assert_eq!(StatefulSet.warnings(&set, Some(&set)), [expected]);
        let mut told = set.clone();
        told.set(&["status", "replicas"], 1);
        assert_eq!(StatefulSet.warnings(&told, Some(&set)), Vec::<String>::new());
    }

    #[test]
    fn counts_of_the_status_fit_together() {
        let old = doc!({"status": {"collisionCount": 1}});
        let cases = [
            (doc!({"replicas": 2, "readyReplicas": 2, "availableReplicas": 2, "collisionCount": 1}), ""),
            (
                doc!({"currentReplicas": -1, "collisionCount": 1}),
                "status.currentReplicas: Invalid value: -1: must be greater than or equal to 0",
            ),
            (
                doc!({"replicas": 1, "updatedReplicas": 2, "collisionCount": 1}),
                "status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas",
            ),
            (
                doc!({"replicas": 2, "readyReplicas": 1, "availableReplicas": 2, "collisionCount": 1}),
                "status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas",
            ),
            (doc!({}), "status.collisionCount: Invalid value: 0: cannot be decremented"),
        ];
        for (told, expected) in cases {
            let errors = status_errors(&doc!({"status": told.clone()}), &old);
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts.join("; "), expected, "{told}");
        }
    }
}

//! ReplicaSets.

use super::{cells, pod_template, workload};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};
use std::borrow::Cow;

/// `apps/v1 ReplicaSet`.
pub(crate) struct ReplicaSet;

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
        let spec = &object["spec"];
        let mut out: FieldErrors = ["replicas", "minReadySeconds"]
            .into_iter()
            .filter_map(|name| validation::not_negative(&field.child(name), spec.get(name)))
            .collect();
        out.extend(workload::selector_and_template(spec, &field));
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => {
                let mut out = workload::twice(self.validate_create(new));
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
    let mut out = workload::negative(
        new,
        &[
            "replicas",
            "fullyLabeledReplicas",
            "readyReplicas",
            "availableReplicas",
            "observedGeneration",
            "terminatingReplicas",
        ],
    );
    out.extend(workload::above_replicas(
        new,
        &["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
        "cannot be greater than readyReplicas",
    ));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn replica_set() -> Document {
        let mut set = doc!({"metadata": {"name": "web"}, "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}
        }});
        ReplicaSet.default(&mut set);
        set
    }

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn upstreams_messages_name_the_field() {
        let cases: [(&[&str], Document, &[&str]); 4] = [
            (&["spec", "replicas"], 0.into(), &[]),
            (
                &["spec", "replicas"],
                (-1).into(),
                &["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (
                &["spec", "minReadySeconds"],
                (-1).into(),
                &["spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (
                &["spec", "selector"],
                doc!({}),
                &["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
            ),
        ];
        for (path, value, expected) in cases {
            let mut object = replica_set();
            object.set(path, value);
            assert_eq!(texts(&ReplicaSet.validate_create(&object)), expected, "{path:?}");
        }
    }

    #[test]
    fn the_selector_is_immutable() {
        let old = replica_set();
        let mut new = old.clone();
        new.set(&["spec", "selector", "matchLabels", "app"], "x");
        new.set(&["spec", "template", "metadata", "labels", "app"], "x");
        assert_eq!(
            texts(&ReplicaSet.validate_update(UpdateScope::Main, &new, &old)),
            [r#"spec.selector: Invalid value: {"matchLabels":{"app":"x"}}: field is immutable"#]
        );
    }

    #[test]
    fn counts_of_the_status_fit_together() {
        let cases = [
            (
                doc!({"replicas": 2, "fullyLabeledReplicas": 2, "readyReplicas": 1, "availableReplicas": 1}),
                "",
            ),
            (
                doc!({"terminatingReplicas": -1}),
                "status.terminatingReplicas: Invalid value: -1: must be greater than or equal to 0",
            ),
            (
                doc!({"replicas": 1, "fullyLabeledReplicas": 2}),
                "status.fullyLabeledReplicas: Invalid value: 2: cannot be greater than status.replicas",
            ),
            (
                doc!({"replicas": 1, "availableReplicas": 1}),
                "status.availableReplicas: Invalid value: 1: cannot be greater than readyReplicas",
            ),
        ];
        let old = replica_set();
        for (told, expected) in cases {
            let mut new = old.clone();
            new.insert("status", told.clone());
            let errors = ReplicaSet.validate_update(UpdateScope::Status, &new, &old);
            assert_eq!(texts(&errors).join("; "), expected, "{told}");
        }
    }
}

//! ReplicationControllers: their selector is a plain map of labels, taken from the template if there is none.

use super::workload::{self, given};
use super::{cells, default_template, pod_template};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, LabelSelector, Map};
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
        const TEMPLATE: [&str; 2] = ["spec", "template"];
        match old {
            None => pod_template::warnings::for_workload(new, None, &TEMPLATE),
            // Upstream warns of the template that is replaced, not of the one that replaces it.
            Some(old) => pod_template::warnings::for_workload(old, Some(new), &TEMPLATE),
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec");
        let spec = &object["spec"];
        let negative = |name: &str| validation::not_negative(&field.child(name), spec.get(name));
        let mut out = FieldErrors::new();
        out.extend(negative("minReadySeconds"));
        let selector = spec.object_at(&["selector"]).filter(|selector| !selector.is_empty());
        if selector.is_none() {
            out.push(FieldError::required(&field.child("selector"), ""));
        }
        out.extend(negative("replicas"));
        out.extend(template_errors(spec, selector, &field.child("template")));
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, _: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => workload::twice(self.validate_create(new)),
            UpdateScope::Status => status_errors(new),
        }
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

fn template_errors(spec: &Document, selector: Option<&Map>, field: &FieldPath) -> FieldErrors {
    let Some(template) = given(spec, &["template"]) else {
        return vec![FieldError::required(field, "")];
    };
    let selector = selector.map_or_else(LabelSelector::everything, LabelSelector::from_labels);
    let mut out = FieldErrors::new();
    out.extend(workload::mismatch(&selector, Some(template), field));
    out.extend(pod_template::validate(Some(template), field));
    out.extend(workload::always_restarted(Some(template), field, "ReplicationController"));
    out
}

fn status_errors(new: &Document) -> FieldErrors {
    let mut out = workload::negative(
        new,
        &["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"],
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

    fn controller() -> Document {
        let mut controller = doc!({"metadata": {"name": "web"}, "spec": {
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}
        }});
        ReplicationController.default(&mut controller);
        controller
    }

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn labels_and_selector_come_from_the_template() {
        let controller = controller();
        assert_eq!(controller.at(&["spec", "selector"]), Some(&doc!({"app": "web"})));
        assert_eq!(controller.label("app"), Some("web"));
        assert_eq!(ReplicationController.validate_create(&controller), []);
    }

    #[test]
    fn upstreams_messages_name_the_field() {
        let cases: [(&[&str], Document, &[&str]); 7] = [
            (
                &["spec", "minReadySeconds"],
                (-1).into(),
                &["spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (&["spec", "selector"], doc!({}), &["spec.selector: Required value"]),
            (
                &["spec", "selector"],
                doc!({"app": "x"}),
                &[
                    r#"spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`"#,
                ],
            ),
            (
                &["spec", "replicas"],
                (-1).into(),
                &["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (&["spec", "template"], Document::NULL, &["spec.template: Required value"]),
            (
                &["spec", "template", "spec", "restartPolicy"],
                "OnFailure".into(),
                &[
                    r#"spec.template.spec.restartPolicy: Unsupported value: "OnFailure": supported values: "Always""#,
                ],
            ),
            (
                &["spec", "template", "spec", "activeDeadlineSeconds"],
                7.into(),
                &[
                    "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not Supported",
                ],
            ),
        ];
        for (path, value, expected) in cases {
            let mut object = controller();
            object.set(path, value);
            assert_eq!(texts(&ReplicationController.validate_create(&object)), expected, "{path:?}");
        }
    }

    #[test]
    fn counts_of_the_status_fit_together() {
        let old = controller();
        let mut new = old.clone();
        new.insert("status", doc!({"replicas": 1, "readyReplicas": 2, "availableReplicas": -1}));
        assert_eq!(
            texts(&ReplicationController.validate_update(UpdateScope::Status, &new, &old)),
            [
                "status.availableReplicas: Invalid value: -1: must be greater than or equal to 0",
                "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"
            ]
        );
    }

    #[test]
    fn a_change_warns_of_the_template_that_was() {
        let with = |volume: Document| {
            let mut controller = controller();
            controller.set(&["spec", "template", "spec", "volumes"], vec![volume]);
            controller
        };
        let (old, new) =
            (with(doc!({"name": "v", "gitRepo": {}})), with(doc!({"name": "v", "emptyDir": {}})));
        assert_eq!(ReplicationController.warnings(&new, Some(&old)).len(), 1);
        assert_eq!(ReplicationController.warnings(&old, Some(&new)), Vec::<String>::new());
    }
}

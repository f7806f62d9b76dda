//! Deployments. Validation is in its own file.

mod validate;

use super::{cells, pod_template, workload};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, Map};

/// `apps/v1 Deployment`.
pub(crate) struct Deployment;

impl Strategy for Deployment {
    fn default(&self, object: &mut Document) {
        let spec = object.ensure(&["spec"]);
        spec.set_default(&["replicas"], 1);
        if spec.str_at(&["strategy", "type"]).is_empty() {
            spec.set(&["strategy", "type"], "RollingUpdate");
        }
        if spec.str_at(&["strategy", "type"]) == "RollingUpdate" {
            spec.set_default(&["strategy", "rollingUpdate", "maxUnavailable"], "25%");
            spec.set_default(&["strategy", "rollingUpdate", "maxSurge"], "25%");
        }
        spec.set_default(&["revisionHistoryLimit"], 10);
        spec.set_default(&["progressDeadlineSeconds"], 600);
        if let Some(template) = spec.get_mut("template") {
            pod_template::default_template(template);
        }
    }

    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        match scope {
            UpdateScope::Main => {
                workload::restore(new, old, &["status"]);
                // Annotations are copied to the ReplicaSets, so that a change of them is one of what is wanted.
                if annotations(new) != annotations(old) {
                    new.set(&["metadata", "generation"], old.generation() + 1);
                }
            }
            UpdateScope::Status => {
                workload::restore(new, old, &["spec"]);
                workload::restore(new, old, &["metadata", "labels"]);
            }
        }
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        pod_template::warnings::for_workload(new, old, &["spec", "template"])
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
                let mut out = validate::spec(new);
                out.extend(workload::immutable_selector(new, old));
                out
            }
            UpdateScope::Status => validate::status(new, old),
        }
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::new("Ready", "string", "Number of the pod with ready state"),
            Column::new("Up-to-date", "string", "Total number of pods that have the wanted template."),
            Column::new("Available", "string", "Total number of pods that have been ready for long enough."),
            Column::age(),
            Column::new("Containers", "string", "Names of each container in the template.").wide(),
            Column::new("Images", "string", "Images referenced by each container in the template.").wide(),
            Column::new("Selector", "string", "Label selector for pods.").wide(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let status = |name: &str| object.i64_at(&["status", name]).unwrap_or(0);
        let wanted = object.i64_at(&["spec", "replicas"]).unwrap_or(0);
        let [names, images] = cells::containers(object.at(&["spec", "template", "spec"]));
        vec![
            cells::name(object),
            format!("{}/{wanted}", status("readyReplicas")).into(),
            status("updatedReplicas").into(),
            status("availableReplicas").into(),
            cells::age(object, now),
            names,
            images,
            cells::selector(object.at(&["spec", "selector"])),
        ]
    }
}

fn annotations(object: &Document) -> Option<&Map> {
    object.annotations().filter(|annotations| !annotations.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn deployment() -> Document {
        let mut deployment = doc!({
            "metadata": {"name": "web", "generation": 3},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}
            },
            "status": {"replicas": 1}
        });
        Deployment.default(&mut deployment);
        deployment
    }

    #[test]
    fn defaults_are_upstreams() {
        let deployment = deployment();
        let spec = &deployment["spec"];
        assert_eq!(spec.i64_at(&["replicas"]), Some(1));
        assert_eq!(
            spec["strategy"],
            doc!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}})
        );
        assert_eq!(spec.i64_at(&["revisionHistoryLimit"]), Some(10));
        assert_eq!(spec.i64_at(&["progressDeadlineSeconds"]), Some(600));
    }

    #[test]
    fn changed_annotations_count_as_a_change_of_what_is_wanted() {
        let old = deployment();
        for (case, annotations, generation) in
            [("none", doc!({}), 3), ("one more", doc!({"example.com/a": "1"}), 4)]
        {
            let mut new = old.clone();
            new.set(&["metadata", "annotations"], annotations);
            new.remove(&["status"]);
            Deployment.prepare_for_update(UpdateScope::Main, &mut new, &old);
            assert_eq!((new.generation(), &new["status"]), (generation, &old["status"]), "{case}");
        }
    }

    #[test]
    fn writes_of_the_status_keep_the_spec_and_the_labels() {
        let old = deployment();
        let mut new = old.clone();
        new.set(&["spec", "replicas"], 7);
        new.set(&["metadata", "labels", "a"], "b");
        new.set(&["metadata", "annotations", "a"], "b");
        new.set(&["status", "replicas"], 2);
        Deployment.prepare_for_update(UpdateScope::Status, &mut new, &old);
        assert_eq!((&new["spec"], new.labels()), (&old["spec"], None));
        assert_eq!((new.annotation("a"), new.generation()), (Some("b"), 3));
        assert_eq!(new.i64_at(&["status", "replicas"]), Some(2));
    }

    #[test]
    fn the_selector_is_immutable() {
        let old = deployment();
        let mut new = old.clone();
        new.set(&["spec", "selector", "matchLabels", "app"], "x");
        new.set(&["spec", "template", "metadata", "labels", "app"], "x");
        let errors = Deployment.validate_update(UpdateScope::Main, &new, &old);
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [r#"spec.selector: Invalid value: {"matchLabels":{"app":"x"}}: field is immutable"#]
        );
    }
}

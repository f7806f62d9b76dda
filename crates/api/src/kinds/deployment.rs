//! Deployments.

use super::{cells, pod_template, workload};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::int_or_string::IntOrString;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `apps/v1 Deployment`.
pub(crate) struct Deployment;

impl Strategy for Deployment {
    fn metadata_kept_by_status(&self) -> &'static [&'static str] {
        &["labels"]
    }

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

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        pod_template::warnings::for_workload(new, old, &["spec", "template"])
    }

    fn has_status(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec");
        let mut out = workload::validate(object, &field);
        out.extend(strategy_errors(object, &field.child("strategy")));
        for name in ["minReadySeconds", "revisionHistoryLimit"] {
            out.extend(validation::not_negative(&field.child(name), object.at(&["spec", name])));
        }
        if let Some(deadline) = object.i64_at(&["spec", "progressDeadlineSeconds"]) {
            let at = field.child("progressDeadlineSeconds");
            out.extend(validation::not_negative(&at, object.at(&["spec", "progressDeadlineSeconds"])));
            let ready = object.i64_at(&["spec", "minReadySeconds"]).unwrap_or(0);
            if deadline <= ready {
                out.push(FieldError::invalid(&at, deadline, "must be greater than minReadySeconds"));
            }
        }
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => {
                let mut out = self.validate_create(new);
                out.extend(workload::immutable_selector(new, old));
                out
            }
            UpdateScope::Status => status_errors(new, old),
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

fn strategy_errors(object: &Document, field: &FieldPath) -> FieldErrors {
    let strategy = object.at(&["spec", "strategy"]);
    let rolling = strategy.and_then(|s| s.get("rollingUpdate")).filter(|r| !r.is_null());
    match (strategy.map_or("", |s| s.str_at(&["type"])), rolling) {
        ("Recreate", Some(_)) => {
            let why = "may not be specified when strategy `type` is 'Recreate'";
            vec![FieldError::forbidden(&field.child("rollingUpdate"), why)]
        }
        ("Recreate", None) => Vec::new(),
        ("RollingUpdate", None) => {
            let why = "this should be defaulted and never be nil";
            vec![FieldError::required(&field.child("rollingUpdate"), why)]
        }
        ("RollingUpdate", Some(rolling)) => rolling_errors(rolling, &field.child("rollingUpdate")),
        (other, _) => {
            vec![FieldError::not_supported(&field.child("type"), other, &["Recreate", "RollingUpdate"])]
        }
    }
}

fn rolling_errors(rolling: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut zeros = 0;
    for name in ["maxUnavailable", "maxSurge"] {
        let at = field.child(name);
        let Some(value) = rolling.get(name) else { continue };
        out.extend(count_or_percent(value, &at));
        match IntOrString::from_document(value) {
            Some(IntOrString::Int(0)) => zeros += 1,
            Some(IntOrString::String(text)) => {
                let percent: Option<i64> = text.strip_suffix('%').and_then(|p| p.parse().ok());
                zeros += i32::from(percent == Some(0));
                if name == "maxUnavailable" && percent.is_some_and(|p| p > 100) {
                    out.push(FieldError::invalid(&at, value, "must not be greater than 100%"));
                }
            }
            _ => {}
        }
    }
    if zeros == 2 {
        let why = "may not be 0 when `maxSurge` is 0";
        let value = rolling.get("maxUnavailable").cloned();
        out.push(FieldError::invalid(&field.child("maxUnavailable"), value, why));
    }
    out
}

fn count_or_percent(value: &Document, field: &FieldPath) -> FieldErrors {
    match value.as_str() {
        None => validation::not_negative(field, Some(value)).into_iter().collect(),
        Some(text) => validation::invalid(field, text, skiff_apimachinery::names::percent(text)),
    }
}

fn status_errors(new: &Document, old: &Document) -> FieldErrors {
    let field = FieldPath::new("status");
    let count = |name: &str| new.i64_at(&["status", name]).unwrap_or(0);
    let mut out = FieldErrors::new();
    for name in [
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
    ] {
        out.extend(validation::not_negative(&field.child(name), new.at(&["status", name])));
    }
    for name in ["updatedReplicas", "readyReplicas", "availableReplicas"] {
        if count(name) > count("replicas") {
            let why = "cannot be greater than status.replicas";
            out.push(FieldError::invalid(&field.child(name), count(name), why));
        }
    }
    if count("availableReplicas") > count("readyReplicas") {
        let why = "cannot be greater than readyReplicas";
        out.push(FieldError::invalid(&field.child("availableReplicas"), count("availableReplicas"), why));
    }
    let collisions = |doc: &Document| doc.i64_at(&["status", "collisionCount"]);
    if let Some(before) = collisions(old)
        && collisions(new).is_none_or(|now| now < before)
    {
        let why = "cannot be decremented";
        out.push(FieldError::invalid(&field.child("collisionCount"), collisions(new), why));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn deployment() -> Document {
        let mut deployment = doc!({"metadata": {"name": "web"}, "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}
        }});
        Deployment.default(&mut deployment);
        deployment
    }

    fn errors(change: impl FnOnce(&mut Document)) -> Vec<String> {
        let mut object = deployment();
        change(&mut object);
        Deployment.validate_create(&object).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_defaulted_deployment_is_valid() {
        assert_eq!(errors(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn upstreams_messages_name_the_field() {
        assert_eq!(
            errors(|d| d.set(&["spec", "replicas"], -1)),
            ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]
        );
        assert_eq!(
            errors(|d| d.set(&["spec", "template", "metadata", "labels", "app"], "x")),
            [
                r#"spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`"#
            ]
        );
        assert_eq!(
            errors(
                |d| d.set(&["spec", "strategy", "rollingUpdate"], doc!({"maxSurge": 0, "maxUnavailable": 0}))
            ),
            [
                "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"
            ]
        );
    }

    #[test]
    fn the_selector_is_immutable() {
        let old = deployment();
        let mut new = old.clone();
        new.set(&["spec", "selector", "matchLabels", "app"], "x");
        new.set(&["spec", "template", "metadata", "labels", "app"], "x");
        let errors = Deployment.validate_update(UpdateScope::Main, &new, &old);
        assert_eq!(
            errors[0].to_string(),
            r#"spec.selector: Invalid value: {"matchLabels":{"app":"x"}}: field is immutable"#
        );
    }
}

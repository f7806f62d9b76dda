//! What is wrong with a Deployment.

use super::super::workload::{self, given};
use crate::validation;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// What is wrong with what is wanted.
pub(super) fn spec(deployment: &Document) -> FieldErrors {
    let field = FieldPath::new("spec");
    let spec = &deployment["spec"];
    let negative = |name: &str| validation::not_negative(&field.child(name), spec.get(name));
    let mut out = FieldErrors::new();
    out.extend(negative("replicas"));
    out.extend(workload::selector_and_template(spec, &field));
    out.extend(strategy(&spec["strategy"], &field.child("strategy")));
    out.extend(negative("minReadySeconds"));
    out.extend(negative("revisionHistoryLimit"));
    out.extend(negative("progressDeadlineSeconds"));
    let ready = spec.i64_at(&["minReadySeconds"]).unwrap_or(0);
    if let Some(deadline) = spec.i64_at(&["progressDeadlineSeconds"]).filter(|deadline| *deadline <= ready) {
        let at = field.child("progressDeadlineSeconds");
        out.push(FieldError::invalid(&at, deadline, "must be greater than minReadySeconds"));
    }
    out
}

/// What is wrong with the status that is told.
pub(super) fn status(new: &Document, old: &Document) -> FieldErrors {
    let mut out = workload::negative(
        new,
        &[
            "observedGeneration",
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "unavailableReplicas",
            "terminatingReplicas",
            "collisionCount",
        ],
    );
    out.extend(workload::above_replicas(
        new,
        &["updatedReplicas", "readyReplicas", "availableReplicas"],
        "cannot be greater than readyReplicas",
    ));
    out.extend(workload::fewer_collisions(new, old));
    out
}

fn strategy(strategy: &Document, field: &FieldPath) -> FieldErrors {
    let rolling = given(strategy, &["rollingUpdate"]);
    let at = field.child("rollingUpdate");
    match (strategy.str_at(&["type"]), rolling) {
        ("Recreate", Some(_)) => {
            let why = "may not be specified when strategy `type` is 'Recreate'";
            vec![FieldError::forbidden(&at, why)]
        }
        ("Recreate", None) => FieldErrors::new(),
        ("RollingUpdate", Some(rolling)) => rolling_update(rolling, &at),
        ("RollingUpdate", None) => {
            vec![FieldError::required(&at, "this should be defaulted and never be nil")]
        }
        _ => {
            let shown = workload::shown_strategy(strategy);
            vec![FieldError::not_supported(field, shown, &["Recreate", "RollingUpdate"])]
        }
    }
}

fn rolling_update(rolling: &Document, field: &FieldPath) -> FieldErrors {
    let (unavailable, surge) = (&rolling["maxUnavailable"], &rolling["maxSurge"]);
    let at = field.child("maxUnavailable");
    let mut out = workload::count_or_percent(&at, unavailable);
    out.extend(workload::count_or_percent(&field.child("maxSurge"), surge));
    if workload::amount(unavailable) == 0 && workload::amount(surge) == 0 {
        out.push(FieldError::invalid(&at, unavailable, "may not be 0 when `maxSurge` is 0"));
    }
    out.extend(workload::at_most_all(&at, unavailable));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use skiff_apimachinery::doc;

    fn deployment() -> Document {
        let mut deployment = doc!({"metadata": {"name": "web"}, "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}
        }});
        super::super::Deployment.default(&mut deployment);
        deployment
    }

    fn errors(path: &[&str], value: Document) -> Vec<String> {
        let mut object = deployment();
        object.set(path, value);
        spec(&object).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_defaulted_deployment_is_valid() {
        assert_eq!(spec(&deployment()), []);
    }

    #[test]
    fn upstreams_messages_name_the_field() {
        let cases: [(&[&str], Document, &[&str]); 14] = [
            (
                &["replicas"],
                (-1).into(),
                &["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (
                &["template", "metadata", "labels", "app"],
                "x".into(),
                &[
                    r#"spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`"#,
                ],
            ),
            (
                &["template", "spec", "restartPolicy"],
                "Never".into(),
                &[
                    r#"spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always""#,
                ],
            ),
            (
                &["template", "spec", "activeDeadlineSeconds"],
                5.into(),
                &[
                    "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported",
                ],
            ),
            (
                &["strategy"],
                doc!({"type": "Recreate", "rollingUpdate": {}}),
                &[
                    "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
                ],
            ),
            (
                &["strategy", "rollingUpdate"],
                Document::NULL,
                &["spec.strategy.rollingUpdate: Required value: this should be defaulted and never be nil"],
            ),
            (
                &["strategy"],
                doc!({"type": "Random"}),
                &[
                    r#"spec.strategy: Unsupported value: {"Type":"Random","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate""#,
                ],
            ),
            (
                &["strategy", "rollingUpdate"],
                doc!({"maxSurge": 0, "maxUnavailable": 0}),
                &[
                    "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
                ],
            ),
            (
                &["strategy", "rollingUpdate"],
                doc!({"maxSurge": "0%", "maxUnavailable": "0%"}),
                &[
                    r#"spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0"#,
                ],
            ),
            (&["strategy", "rollingUpdate"], doc!({"maxSurge": "150%", "maxUnavailable": 0}), &[]),
            (
                &["strategy", "rollingUpdate"],
                doc!({"maxSurge": 1, "maxUnavailable": "101%"}),
                &[
                    r#"spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%"#,
                ],
            ),
            (
                &["minReadySeconds"],
                600.into(),
                &["spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"],
            ),
            (
                &["revisionHistoryLimit"],
                (-2).into(),
                &["spec.revisionHistoryLimit: Invalid value: -2: must be greater than or equal to 0"],
            ),
            (
                &["progressDeadlineSeconds"],
                (-1).into(),
                &[
                    "spec.progressDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0",
                    "spec.progressDeadlineSeconds: Invalid value: -1: must be greater than minReadySeconds",
                ],
            ),
        ];
        for (path, value, expected) in cases {
            let full: Vec<&str> = ["spec"].iter().chain(path).copied().collect();
            assert_eq!(errors(&full, value), expected, "{path:?}");
        }
    }

    #[test]
    fn counts_of_the_status_fit_together() {
        let old = doc!({"status": {"collisionCount": 1}});
        let cases = [
            (
                doc!({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 1, "collisionCount": 1}),
                "",
            ),
            (
                doc!({"terminatingReplicas": -1, "collisionCount": 1}),
                "status.terminatingReplicas: Invalid value: -1: must be greater than or equal to 0",
            ),
            (
                doc!({"replicas": 1, "updatedReplicas": 2, "collisionCount": 1}),
                "status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas",
            ),
            (
                doc!({"replicas": 2, "readyReplicas": 1, "availableReplicas": 2, "collisionCount": 1}),
                "status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas",
            ),
            (doc!({"collisionCount": 0}), "status.collisionCount: Invalid value: 0: cannot be decremented"),
        ];
        for (told, expected) in cases {
            let errors = status(&doc!({"status": told.clone()}), &old);
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts.join("; "), expected, "{told}");
        }
    }
}

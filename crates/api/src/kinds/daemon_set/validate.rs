//! What is wrong with a DaemonSet.

use super::super::pod_template;
use super::super::workload::{self, given};
use crate::validation::{self, labels};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, LabelSelector};

/// What is wrong with what is wanted.
pub(super) fn spec(set: &Document) -> FieldErrors {
    let field = FieldPath::new("spec");
    let spec = &set["spec"];
    let template = field.child("template");
    let mut out = selector(spec, &field);
    out.extend(pod_template::validate(spec.get("template"), &template));
    out.extend(workload::always_restarted(spec.get("template"), &template, "DaemonSet"));
    let negative = |name: &str| validation::not_negative(&field.child(name), spec.get(name));
    out.extend(negative("minReadySeconds"));
    out.extend(update_strategy(&spec["updateStrategy"], &field.child("updateStrategy")));
    out.extend(negative("revisionHistoryLimit"));
    out
}

/// What is wrong with the status that is told.
pub(super) fn status(new: &Document, old: &Document) -> FieldErrors {
    let mut out = workload::negative(
        new,
        &[
            "currentNumberScheduled",
            "numberMisscheduled",
            "desiredNumberScheduled",
            "numberReady",
            "observedGeneration",
            "updatedNumberScheduled",
            "numberAvailable",
            "numberUnavailable",
            "collisionCount",
        ],
    );
    out.extend(workload::fewer_collisions(new, old));
    out
}

/// A selector that is not there is told by the labels that it does not select.
fn selector(spec: &Document, field: &FieldPath) -> FieldErrors {
    let at = field.child("selector");
    let selector = given(spec, &["selector"]);
    let mut out = labels::selector(&at, selector);
    if let Ok(parsed) = LabelSelector::from_object(selector) {
        out.extend(workload::mismatch(&parsed, spec.get("template"), &field.child("template")));
    }
    if let Some(selector) = selector.filter(|selector| labels::is_empty_selector(Some(selector))) {
        out.push(FieldError::invalid(&at, selector, "empty selector is invalid for daemonset"));
    }
    out
}

fn update_strategy(strategy: &Document, field: &FieldPath) -> FieldErrors {
    let at = field.child("rollingUpdate");
    match (strategy.str_at(&["type"]), given(strategy, &["rollingUpdate"])) {
        ("OnDelete", _) => FieldErrors::new(),
        ("RollingUpdate", Some(rolling)) => rolling_update(rolling, &at),
        ("RollingUpdate", None) => vec![FieldError::required(&at, "")],
        _ => {
            let shown = workload::shown_strategy(strategy);
            vec![FieldError::not_supported(field, shown, &["RollingUpdate", "OnDelete"])]
        }
    }
}

fn rolling_update(rolling: &Document, field: &FieldPath) -> FieldErrors {
    let limits = ["maxUnavailable", "maxSurge"].map(|name| (field.child(name), &rolling[name]));
    let mut out = FieldErrors::new();
    for (field, value) in &limits {
        out.extend(workload::count_or_percent(field, value));
    }
    for (field, value) in &limits {
        out.extend(workload::at_most_all(field, value));
    }
    let [(unavailable_at, unavailable), (surge_at, surge)] = &limits;
    match (workload::amount(unavailable) != 0, workload::amount(surge) != 0) {
        (true, true) => {
            let why = "may not be set when maxUnavailable is non-zero";
            out.push(FieldError::invalid(surge_at, *surge, why));
        }
        (false, false) => out.push(FieldError::required(unavailable_at, "cannot be 0 when maxSurge is 0")),
        _ => {}
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use skiff_apimachinery::doc;

    fn daemon_set() -> Document {
        let mut set = doc!({"metadata": {"name": "agent"}, "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "template": {"metadata": {"labels": {"app": "agent"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}
        }});
        super::super::DaemonSet.default(&mut set);
        set
    }

    #[test]
    fn upstreams_messages_name_the_field() {
        const MISMATCH: &str = r#"spec.template.metadata.labels: Invalid value: {"app":"agent"}: `selector` does not match template `labels`"#;
        let cases: [(&[&str], Document, &[&str]); 13] = [
            (&["minReadySeconds"], 5.into(), &[]),
            (&["selector"], Document::NULL, &[MISMATCH]),
            (
                &["selector"],
                doc!({}),
                &["spec.selector: Invalid value: {}: empty selector is invalid for daemonset"],
            ),
            (&["selector", "matchLabels", "app"], "x".into(), &[MISMATCH]),
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
                    "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported",
                ],
            ),
            (&["updateStrategy"], doc!({"type": "OnDelete"}), &[]),
            (
                &["updateStrategy"],
                doc!({"type": "Random"}),
                &[
                    r#"spec.updateStrategy: Unsupported value: {"Type":"Random","RollingUpdate":null}: supported values: "RollingUpdate", "OnDelete""#,
                ],
            ),
            (
                &["updateStrategy"],
                doc!({"type": "RollingUpdate"}),
                &["spec.updateStrategy.rollingUpdate: Required value"],
            ),
            (
                &["updateStrategy", "rollingUpdate"],
                doc!({"maxUnavailable": 0, "maxSurge": "0%"}),
                &[
                    "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
                ],
            ),
            (
                &["updateStrategy", "rollingUpdate"],
                doc!({"maxUnavailable": 1, "maxSurge": "10%"}),
                &[
                    r#"spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: "10%": may not be set when maxUnavailable is non-zero"#,
                ],
            ),
            (
                &["updateStrategy", "rollingUpdate"],
                doc!({"maxUnavailable": 0, "maxSurge": "101%"}),
                &[
                    r#"spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: "101%": must not be greater than 100%"#,
                ],
            ),
            (
                &["revisionHistoryLimit"],
                (-1).into(),
                &["spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0"],
            ),
        ];
        for (path, value, expected) in cases {
            let mut set = daemon_set();
            let full: Vec<&str> = ["spec"].iter().chain(path).copied().collect();
            set.set(&full, value);
            let texts: Vec<String> = spec(&set).iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{path:?}");
        }
    }

    #[test]
    fn counts_of_the_status_are_none_below_zero() {
        let new = doc!({"status": {"numberUnavailable": -1, "collisionCount": 1}});
        let old = doc!({"status": {"collisionCount": 2}});
        let texts: Vec<String> = status(&new, &old).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "status.numberUnavailable: Invalid value: -1: must be greater than or equal to 0",
                "status.collisionCount: Invalid value: 1: cannot be decremented"
            ]
        );
    }
}

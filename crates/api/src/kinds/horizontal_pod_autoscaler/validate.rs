//! What is wrong with an autoscaler.

use super::super::workload::given;
use super::reference::{self, Version};
use super::{behavior, metrics};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// What is allowed because the stored object has it.
struct Rules {
    fewest: i64,
    target: Version,
    metrics: Version,
}

/// What is wrong with a new autoscaler.
pub(super) fn created(scaler: &Document) -> FieldErrors {
    spec(scaler, &Rules { fewest: 1, target: Version::Grouped, metrics: Version::Any })
}

/// What is wrong with a changed autoscaler.
pub(super) fn changed(new: &Document, old: &Document) -> FieldErrors {
    let target = |scaler: &Document| {
        ["kind", "apiVersion"].map(|name| scaler.str_at(&["spec", "scaleTargetRef", name]).to_owned())
    };
    let rules = Rules {
        // Whoever could scale to nothing may go on.
        fewest: if old.i64_at(&["spec", "minReplicas"]) == Some(0) { 0 } else { 1 },
        target: if target(new) == target(old) { Version::Unchecked } else { Version::Grouped },
        metrics: if metrics::name_versions(old) { Version::Any } else { Version::Unchecked },
    };
    spec(new, &rules)
}

fn spec(scaler: &Document, rules: &Rules) -> FieldErrors {
    let field = FieldPath::new("spec");
    let spec = &scaler["spec"];
    let mut out = replicas(spec, &field, rules.fewest);
    out.extend(reference::validate(&spec["scaleTargetRef"], &field.child("scaleTargetRef"), rules.target));
    out.extend(metrics::validate(spec, &field.child("metrics"), rules.metrics));
    if let Some(behavior) = given(spec, &["behavior"]) {
        out.extend(behavior::validate(behavior, &field.child("behavior")));
    }
    out
}

fn replicas(spec: &Document, field: &FieldPath, fewest: i64) -> FieldErrors {
    let (min, max) = (spec.i64_at(&["minReplicas"]), spec.i64_at(&["maxReplicas"]).unwrap_or(0));
    let at = field.child("maxReplicas");
    let mut out = FieldErrors::new();
    if let Some(min) = min.filter(|min| *min < fewest) {
        let why = format!("must be greater than or equal to {fewest}");
        out.push(FieldError::invalid(&field.child("minReplicas"), min, why));
    }
    if max < 1 {
        out.push(FieldError::invalid(&at, max, "must be greater than 0"));
    }
    if min.is_some_and(|min| max < min) {
        out.push(FieldError::invalid(&at, max, "must be greater than or equal to `minReplicas`"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use skiff_apimachinery::doc;

    fn scaler() -> Document {
        let mut scaler = doc!({"spec": {
            "maxReplicas": 5, "scaleTargetRef": {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
        }});
        super::super::HorizontalPodAutoscaler::V2.default(&mut scaler);
        scaler
    }

    fn with(path: &[&str], value: impl Into<Document>) -> Document {
        let mut scaler = scaler();
        scaler.set(path, value);
        scaler
    }

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    const TO_ZERO: &str = "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas";

    #[test]
    fn upstreams_messages_name_the_field() {
        let cases: [(&[&str], Document, &[&str]); 6] = [
            (&["spec", "minReplicas"], 5.into(), &[]),
            (
                &["spec", "minReplicas"],
                0.into(),
                &["spec.minReplicas: Invalid value: 0: must be greater than or equal to 1", TO_ZERO],
            ),
            (
                &["spec", "minReplicas"],
                6.into(),
                &["spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`"],
            ),
            (
                &["spec", "maxReplicas"],
                0.into(),
                &[
                    "spec.maxReplicas: Invalid value: 0: must be greater than 0",
                    "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
                ],
            ),
            (
                &["spec", "scaleTargetRef", "apiVersion"],
                "v1".into(),
                &[
                    r#"spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group"#,
                ],
            ),
            (
                &["spec", "behavior"],
                doc!({"scaleUp": {}}),
                &["spec.behavior.scaleUp.policies: Required value: must specify at least one Policy"],
            ),
        ];
        for (path, value, expected) in cases {
            assert_eq!(texts(&created(&with(path, value))), expected, "{path:?}");
        }
    }

    #[test]
    fn what_is_stored_may_stay() {
        const VERSION: [&str; 3] = ["spec", "scaleTargetRef", "apiVersion"];
        let zero = with(&["spec", "minReplicas"], 0);
        assert_eq!(texts(&changed(&zero, &zero)), [TO_ZERO]);
        let bare = with(&VERSION, "v1");
        assert_eq!(texts(&changed(&bare, &bare)), Vec::<String>::new());
        assert_eq!(
            texts(&changed(&bare, &scaler())),
            [r#"spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group"#]
        );
        let named = |version: &str| {
            with(
                &["spec", "metrics"],
                doc!([{"type": "Object", "object": {
                    "describedObject": {"kind": "Service", "name": "s", "apiVersion": version},
                    "metric": {"name": "m"}, "target": {"type": "Value", "value": "1"}
                }}]),
            )
        };
        assert_eq!(texts(&changed(&named("a/b/c"), &named("a/b/c"))), Vec::<String>::new());
        assert_eq!(texts(&changed(&named("a/b/c"), &named("v1"))).len(), 1);
    }
}

//! What an autoscaler looks at, and what it wants to see there.

use super::super::workload::given;
use super::reference::{self, Version};
use crate::validation::{self, names, resources};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Quantity};

/// Metric sources by type, in the order in which upstream looks for them.
const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];
const TYPES: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];
const TARGETS: [&str; 3] = ["Utilization", "Value", "AverageValue"];

/// What is wrong with the metrics.
pub(super) fn validate(spec: &Document, field: &FieldPath, asked: Version) -> FieldErrors {
    let metrics = spec.array_at(&["metrics"]);
    let mut out = FieldErrors::new();
    for (i, metric) in metrics.iter().enumerate() {
        out.extend(metric_errors(metric, &field.index(i), asked));
    }
    // Metrics of pods say nothing where there are none.
    let tells_without_pods = |metric: &Document| ["Object", "External"].contains(&metric.str_at(&["type"]));
    if spec.i64_at(&["minReplicas"]) == Some(0) && !metrics.iter().any(tells_without_pods) {
        let why = "must specify at least one Object or External metric to support scaling to zero replicas";
        out.push(FieldError::forbidden(field, why));
    }
    out
}

/// Whether all objects that the metrics of an autoscaler describe are named with a version.
pub(super) fn name_versions(scaler: &Document) -> bool {
    let metrics = scaler.array_at(&["spec", "metrics"]).iter();
    let mut versions = metrics.map(|metric| metric.str_at(&["object", "describedObject", "apiVersion"]));
    versions.all(|version| reference::group(version).is_ok())
}

fn metric_errors(metric: &Document, field: &FieldPath, asked: Version) -> FieldErrors {
    let (ty, at) = (metric.str_at(&["type"]), field.child("type"));
    let unknown = || FieldError::not_supported(&at, ty, &TYPES);
    let expected = SOURCES.into_iter().find(|(known, _)| *known == ty).map(|(_, source)| source);
    let mut out = FieldErrors::new();
    if ty.is_empty() {
        out.push(FieldError::required(&at, "must specify a metric source type"));
    }
    if expected.is_none() {
        out.push(unknown());
    }
    let present: Vec<&str> = SOURCES
        .into_iter()
        .map(|(_, source)| source)
        .filter(|source| given(metric, &[source]).is_some())
        .collect();
    if let Some(first) = present.first() {
        out.extend(source_errors(first, &metric[*first], &field.child(first), asked));
    }
    match expected {
        // Upstream tells it once before it looks for sources and once after.
        None => out.push(unknown()),
        Some(source) if !present.contains(&source) => {
            let why = "must populate information for the given metric source";
            out.push(FieldError::required(&field.child(source), why));
        }
        Some(_) => {}
    }
    if present.len() != 1 {
        let others = present.iter().filter(|source| Some(**source) != expected);
        let why = "must populate the given metric source only";
        out.extend(others.map(|source| FieldError::forbidden(&field.child(source), why)));
    }
    out
}

fn source_errors(name: &str, source: &Document, field: &FieldPath, asked: Version) -> FieldErrors {
    match name {
        "object" => object(source, field, asked),
        "external" => external(source, field),
        "pods" => pods(source, field),
        "resource" => resource(source, field),
        _ => container_resource(source, field),
    }
}

fn object(source: &Document, field: &FieldPath, asked: Version) -> FieldErrors {
    let at = field.child("describedObject");
    let mut out = reference::validate(&source["describedObject"], &at, asked);
    out.extend(named_target(source, field));
    if !has(source, "value") && !has(source, "averageValue") {
        let why = "must set either a target value or averageValue";
        out.push(FieldError::required(&of_target(field, "averageValue"), why));
    }
    out
}

fn external(source: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = named_target(source, field);
    match (has(source, "value"), has(source, "averageValue")) {
        (false, false) => {
            let why = "must set either a target value for metric or a per-pod target";
            out.push(FieldError::required(&of_target(field, "averageValue"), why));
        }
        (true, true) => {
            let why = "may not set both a target value for metric and a per-pod target";
            out.push(FieldError::forbidden(&of_target(field, "value"), why));
        }
        _ => {}
    }
    out
}

fn pods(source: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = named_target(source, field);
    if !given(source, &["target", "averageValue"]).is_some_and(is_positive) {
        let why = "must specify a positive target averageValue";
        out.push(FieldError::required(&of_target(field, "averageValue"), why));
    }
    out
}

fn resource(source: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    if source.str_at(&["name"]).is_empty() {
        out.push(FieldError::required(&field.child("name"), "must specify a resource name"));
    }
    out.extend(share(source, field));
    out
}

fn container_resource(source: &Document, field: &FieldPath) -> FieldErrors {
    let (name, container) = (source.str_at(&["name"]), source.str_at(&["container"]));
    let at = field.child("name");
    let mut out = if name.is_empty() {
        vec![FieldError::required(&at, "must specify a resource name")]
    } else {
        resources::container_name(&at, name)
    };
    let at = field.child("container");
    if container.is_empty() {
        out.push(FieldError::required(&at, "must specify a container"));
    } else {
        out.extend(validation::invalid(&at, container, names::dns1123_label(container)));
    }
    out.extend(share(source, field));
    out
}

/// What a resource's use should be: an amount or a share of what was asked for.
fn share(source: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = target(&source["target"], &field.child("target"));
    match (has(source, "averageUtilization"), has(source, "averageValue")) {
        (false, false) => {
            let why = "must set either a target raw value or a target utilization";
            out.push(FieldError::required(&of_target(field, "averageUtilization"), why));
        }
        (true, true) => {
            let why = "may not set both a target raw value and a target utilization";
            out.push(FieldError::forbidden(&of_target(field, "averageValue"), why));
        }
        _ => {}
    }
    out
}

/// What is wrong with the name of a metric and what it should be.
fn named_target(source: &Document, field: &FieldPath) -> FieldErrors {
    let (name, at) = (source.str_at(&["metric", "name"]), field.child("metric").child("name"));
    let mut out = if name.is_empty() {
        vec![FieldError::required(&at, "must specify a metric name")]
    } else {
        validation::invalid(&at, name, names::path_segment(name))
    };
    out.extend(target(&source["target"], &field.child("target")));
    out
}

fn target(target: &Document, field: &FieldPath) -> FieldErrors {
    let (ty, at) = (target.str_at(&["type"]), field.child("type"));
    let mut out = FieldErrors::new();
    if ty.is_empty() {
        out.push(FieldError::required(&at, "must specify a metric target type"));
    }
    if !TARGETS.contains(&ty) {
        out.push(FieldError::invalid(&at, ty, "must be either Utilization, Value, or AverageValue"));
    }
    for name in ["value", "averageValue"] {
        if let Some(amount) = given(target, &[name]).filter(|amount| !is_positive(amount)) {
            out.push(FieldError::invalid(&field.child(name), amount, "must be positive"));
        }
    }
    if let Some(percent) = target.i64_at(&["averageUtilization"]).filter(|percent| *percent < 1) {
        let at = field.child("averageUtilization");
        out.push(FieldError::invalid(&at, percent, "must be greater than 0"));
    }
    out
}

fn has(source: &Document, name: &str) -> bool {
    given(source, &["target", name]).is_some()
}

fn of_target(field: &FieldPath, name: &str) -> FieldPath {
    field.child("target").child(name)
}

fn is_positive(amount: &Document) -> bool {
    let amount = Quantity::from_document(amount).and_then(Result::ok);
    amount.is_some_and(|amount| !amount.is_zero() && !amount.is_negative())
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn errors(metric: &Document) -> Vec<String> {
        let spec = doc!({"minReplicas": 1, "metrics": [metric.clone()]});
        validate(&spec, &FieldPath::new("m"), Version::Any).iter().map(ToString::to_string).collect()
    }

    fn check(cases: &[(Document, &[&str])]) {
        for (metric, expected) in cases {
            assert_eq!(errors(metric), *expected, "{metric}");
        }
    }

    #[test]
    fn a_metric_has_one_source() {
        const UNKNOWN: &str = r#"m[0].type: Unsupported value: "Random": supported values: "ContainerResource", "External", "Object", "Pods", "Resource""#;
        const NONE: &str = r#"m[0].type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource""#;
        let cpu = doc!({"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}});
        let pods = doc!({"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "1"}});
        check(&[
            (doc!({"type": "Resource", "resource": cpu.clone()}), &[]),
            (doc!({}), &["m[0].type: Required value: must specify a metric source type", NONE, NONE]),
            (doc!({"type": "Random"}), &[UNKNOWN, UNKNOWN]),
            (
                doc!({"type": "Resource"}),
                &["m[0].resource: Required value: must populate information for the given metric source"],
            ),
            (
                doc!({"type": "Resource", "resource": cpu.clone(), "pods": pods.clone()}),
                &["m[0].pods: Forbidden: must populate the given metric source only"],
            ),
            (
                doc!({"type": "Object", "resource": cpu, "pods": pods}),
                &[
                    "m[0].object: Required value: must populate information for the given metric source",
                    "m[0].pods: Forbidden: must populate the given metric source only",
                    "m[0].resource: Forbidden: must populate the given metric source only",
                ],
            ),
        ]);
    }

    #[test]
    fn sources_are_checked_in_upstreams_words() {
        let resource =
            |target: Document| doc!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
        let external = |target: Document| doc!({"type": "External", "external": {"metric": {"name": "q"}, "target": target}});
        check(&[
            (
                resource(doc!({"type": "Utilization"})),
                &[
                    "m[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization",
                ],
            ),
            (
                resource(doc!({"type": "Utilization", "averageUtilization": 5, "averageValue": "1"})),
                &[
                    "m[0].resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization",
                ],
            ),
            (
                resource(doc!({"averageUtilization": 0})),
                &[
                    "m[0].resource.target.type: Required value: must specify a metric target type",
                    r#"m[0].resource.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue"#,
                    "m[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0",
                ],
            ),
            (
                external(doc!({"type": "Value", "value": "0"})),
                &[r#"m[0].external.target.value: Invalid value: "0": must be positive"#],
            ),
            (
                external(doc!({"type": "Value"})),
                &[
                    "m[0].external.target.averageValue: Required value: must set either a target value for metric or a per-pod target",
                ],
            ),
            (
                external(doc!({"type": "Value", "value": "1", "averageValue": "1"})),
                &[
                    "m[0].external.target.value: Forbidden: may not set both a target value for metric and a per-pod target",
                ],
            ),
            (
                doc!({"type": "Pods", "pods": {"metric": {"name": "a/b"}, "target": {"type": "Value", "value": "1"}}}),
                &[
                    r#"m[0].pods.metric.name: Invalid value: "a/b": may not contain '/'"#,
                    "m[0].pods.target.averageValue: Required value: must specify a positive target averageValue",
                ],
            ),
            (
                doc!({"type": "Object", "object": {"describedObject": {"kind": "Service"}, "target": {"type": "Value"}}}),
                &[
                    "m[0].object.describedObject.name: Required value",
                    "m[0].object.metric.name: Required value: must specify a metric name",
                    "m[0].object.target.averageValue: Required value: must set either a target value or averageValue",
                ],
            ),
            (
                doc!({"type": "ContainerResource", "containerResource": {
                    "target": {"type": "Utilization", "averageUtilization": 5}
                }}),
                &[
                    "m[0].containerResource.name: Required value: must specify a resource name",
                    "m[0].containerResource.container: Required value: must specify a container",
                ],
            ),
            (
                doc!({"type": "ContainerResource", "containerResource": {
                    "name": "pods", "container": "a", "target": {"type": "Utilization", "averageUtilization": 5}
                }}),
                &[
                    r#"m[0].containerResource.name: Invalid value: "pods": must be a standard resource for containers"#,
                ],
            ),
        ]);
    }

    #[test]
    fn scaling_to_nothing_asks_for_a_metric_that_is_told_without_pods() {
        let external = doc!({"type": "External", "external": {"metric": {"name": "q"}, "target": {"type": "Value", "value": "1"}}});
        let spec = doc!({"minReplicas": 0, "metrics": [external]});
        assert_eq!(validate(&spec, &FieldPath::new("m"), Version::Any), []);
        let errors = validate(&doc!({"minReplicas": 0}), &FieldPath::new("m"), Version::Any);
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "m: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas"
            ]
        );
    }
}

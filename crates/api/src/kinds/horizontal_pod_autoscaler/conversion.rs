//! `autoscaling/v1` to `autoscaling/v2` and back.
//!
//! `v1` says one metric, the average CPU use; other metrics, their current values, conditions and the behaviour travel in
//! annotations as JSON, in the shape that upstream gives them there (`v1` has flat metric sources).

use crate::Conversion;
use skiff_apimachinery::{Document, doc, json};

/// `v1` to `v2` and back.
pub(crate) const CONVERSION: Conversion = Conversion { to_hub, from_hub };

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";

/// Metric sources by type.
const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
    ("External", "external"),
];

fn to_hub(object: &mut Document) {
    let percent = object.ensure(&["spec"]).remove(&["targetCPUUtilizationPercentage"]);
    let mut metrics = take(object, METRICS).map(Document::into_array).unwrap_or_default();
    metrics.iter_mut().for_each(|metric| nest(metric, "target"));
    if let Some(percent) = percent.filter(|p| !p.is_null()) {
        let target = doc!({"type": "Utilization", "averageUtilization": percent});
        metrics.push(doc!({"type": "Resource", "resource": {"name": "cpu", "target": target}}));
    }
    if !metrics.is_empty() {
        object.set(&["spec", "metrics"], metrics);
    }
    if let Some(behavior) = take(object, BEHAVIOR) {
        object.set(&["spec", "behavior"], behavior);
    }
    let percent = object.at_mut(&["status"]).and_then(|s| s.remove(&["currentCPUUtilizationPercentage"]));
    let current = take(object, CURRENT).map(Document::into_array);
    match (current, percent) {
        (Some(mut current), _) => {
            current.iter_mut().for_each(|metric| nest(metric, "current"));
            object.set(&["status", "currentMetrics"], current);
        }
        (None, Some(percent)) if !percent.is_null() => {
            let current = doc!({"averageUtilization": percent});
            let metric = doc!({"type": "Resource", "resource": {"name": "cpu", "current": current}});
            object.set(&["status", "currentMetrics"], vec![metric]);
        }
        _ => {}
    }
    if let Some(conditions) = take(object, CONDITIONS) {
        object.set(&["status", "conditions"], conditions);
    }
    drop_empty_annotations(object);
}

fn from_hub(object: &mut Document) {
    let metrics = object.remove(&["spec", "metrics"]).map(Document::into_array).unwrap_or_default();
    let (cpu, mut others): (Vec<Document>, Vec<Document>) = metrics.into_iter().partition(is_cpu_percent);
    if let Some(percent) = cpu.first().and_then(|m| m.at(&["resource", "target", "averageUtilization"])) {
        object.set(&["spec", "targetCPUUtilizationPercentage"], percent);
    }
    others.iter_mut().for_each(|metric| flatten(metric, "target"));
    put(object, METRICS, others.into());
    let behavior = object.remove(&["spec", "behavior"]).unwrap_or_default();
    put(object, BEHAVIOR, behavior);

    let mut current =
        object.remove(&["status", "currentMetrics"]).map(Document::into_array).unwrap_or_default();
    let percent = current
        .iter()
        .filter(|metric| metric.str_at(&["resource", "name"]) == "cpu")
        .find_map(|metric| metric.at(&["resource", "current", "averageUtilization"]).cloned());
    if let Some(percent) = percent {
        object.set(&["status", "currentCPUUtilizationPercentage"], percent);
    }
    current.iter_mut().for_each(|metric| flatten(metric, "current"));
    put(object, CURRENT, current.into());
    let conditions = object.remove(&["status", "conditions"]).unwrap_or_default();
    put(object, CONDITIONS, conditions);
}

fn is_cpu_percent(metric: &Document) -> bool {
    metric.str_at(&["type"]) == "Resource"
        && metric.str_at(&["resource", "name"]) == "cpu"
        && metric.at(&["resource", "target", "averageUtilization"]).is_some_and(|p| !p.is_null())
}

fn take(object: &mut Document, annotation: &str) -> Option<Document> {
    let text = object.at_mut(&["metadata", "annotations"])?.remove(&[annotation])?;
    json::decode(text.as_str()?.as_bytes()).ok()
}

fn put(object: &mut Document, annotation: &str, value: Document) {
    if !value.is_empty() {
        let text = String::from_utf8_lossy(&json::encode(&value)).into_owned();
        object.set(&["metadata", "annotations", annotation], text);
    }
}

fn drop_empty_annotations(object: &mut Document) {
    if object.object_at(&["metadata", "annotations"]).is_some_and(skiff_apimachinery::Map::is_empty) {
        object.remove(&["metadata", "annotations"]);
    }
}

fn source_of(metric: &Document) -> Option<&'static str> {
    SOURCES.iter().find(|(ty, _)| *ty == metric.str_at(&["type"])).map(|(_, key)| *key)
}

/// Names that the flat form gives a value of a target or of a current state.
fn flat(part: &str) -> [(&'static str, &'static str); 3] {
    if part == "target" {
        [
            ("averageUtilization", "targetAverageUtilization"),
            ("averageValue", "targetAverageValue"),
            ("value", "targetValue"),
        ]
    } else {
        [
            ("averageUtilization", "currentAverageUtilization"),
            ("averageValue", "currentAverageValue"),
            ("value", "currentValue"),
        ]
    }
}

/// `v1`'s flat source into `v2`'s nested one.
fn nest(metric: &mut Document, part: &str) {
    let Some(key) = source_of(metric) else { return };
    let Some(source) = metric.get_mut(key) else { return };
    if key == "object" {
        rename(source, "target", "describedObject");
        rename(
            source,
            "averageValue",
            if part == "target" { "targetAverageValue" } else { "currentAverageValue" },
        );
    }
    let mut values = Document::object();
    for (nested, flat) in flat(part) {
        if let Some(value) = source.remove(&[flat]) {
            values.insert(nested, value);
        }
    }
    if part == "target" {
        let ty = if values.get("averageUtilization").is_some() {
            "Utilization"
        } else if values.get("averageValue").is_some() {
            "AverageValue"
        } else {
            "Value"
        };
        values.insert("type", ty);
    }
    source.insert(part, values);
    for (flat, nested) in [("metricName", "name"), ("selector", "selector"), ("metricSelector", "selector")] {
        if let Some(value) = source.remove(&[flat]) {
            source.set(&["metric", nested], value);
        }
    }
}

/// `v2`'s nested source into `v1`'s flat one.
fn flatten(metric: &mut Document, part: &str) {
    let Some(key) = source_of(metric) else { return };
    let Some(source) = metric.get_mut(key) else { return };
    let values = source.remove(&[part]).unwrap_or_default();
    if key == "object" {
        rename(source, "describedObject", "target");
    }
    for (nested, flat) in flat(part) {
        if let Some(value) = values.get(nested) {
            let flat = if key == "object" && nested == "averageValue" { "averageValue" } else { flat };
            source.insert(flat, value);
        }
    }
    let named = source.remove(&["metric"]).unwrap_or_default();
    if let Some(name) = named.get("name") {
        source.insert("metricName", name);
    }
    if let Some(selector) = named.get("selector") {
        source.insert(if key == "external" { "metricSelector" } else { "selector" }, selector);
    }
}

fn rename(object: &mut Document, from: &str, to: &str) {
    if let Some(value) = object.remove(&[from]) {
        object.insert(to, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_v1_cannot_say_survives_in_annotations() {
        let stored = doc!({
            "metadata": {"name": "web"},
            "spec": {
                "maxReplicas": 5,
                "metrics": [
                    {"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "10"}}},
                    {"type": "External", "external": {
                        "metric": {"name": "q", "selector": {"matchLabels": {"a": "b"}}}, "target": {"type": "Value", "value": "3"}
                    }},
                    {"type": "Object", "object": {
                        "describedObject": {"kind": "Service", "name": "s"}, "metric": {"name": "m"},
                        "target": {"type": "AverageValue", "averageValue": "2"}
                    }},
                    {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}
                ],
                "behavior": {"scaleUp": {"selectPolicy": "Max"}}
            },
            "status": {
                "conditions": [{"type": "AbleToScale", "status": "True"}],
                "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 12}}}]
            }
        });
        let mut object = stored.clone();
        from_hub(&mut object);
        assert_eq!(object.i64_at(&["spec", "targetCPUUtilizationPercentage"]), Some(70));
        assert_eq!(object.i64_at(&["status", "currentCPUUtilizationPercentage"]), Some(12));
        assert!(object.annotation(METRICS).unwrap().contains("targetAverageValue"));
        to_hub(&mut object);
        assert_eq!(object, stored);
    }

    #[test]
    fn a_plain_v1_object_becomes_one_metric() {
        let mut object = doc!({"spec": {"targetCPUUtilizationPercentage": 50}});
        to_hub(&mut object);
        assert_eq!(
            object.at(&["spec", "metrics"]).unwrap(),
            &doc!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}])
        );
        from_hub(&mut object);
        assert_eq!(object, doc!({"spec": {"targetCPUUtilizationPercentage": 50}}));
    }
}

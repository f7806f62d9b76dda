//! HorizontalPodAutoscalers: `autoscaling/v2` is stored, `autoscaling/v1` keeps what it cannot say in annotations.

mod conversion;

pub(crate) use conversion::CONVERSION;

use super::cells;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};

/// An autoscaler in one of its versions.
pub(crate) enum HorizontalPodAutoscaler {
    /// `autoscaling/v1`.
    V1,
    /// `autoscaling/v2`.
    V2,
}

/// CPU use that autoscalers without metrics aim at, in percent.
const CPU_TARGET: i64 = 80;

impl Strategy for HorizontalPodAutoscaler {
    fn default(&self, object: &mut Document) {
        let spec = object.ensure(&["spec"]);
        spec.set_default(&["minReplicas"], 1);
        if matches!(self, Self::V1) {
            return;
        }
        if spec.array_at(&["metrics"]).is_empty() {
            let target = doc!({"type": "Utilization", "averageUtilization": CPU_TARGET});
            spec.insert(
                "metrics",
                doc!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]),
            );
        }
        for (direction, policies) in [
            (
                "scaleUp",
                doc!([
                    {"type": "Pods", "value": 4, "periodSeconds": 15},
                    {"type": "Percent", "value": 100, "periodSeconds": 15}
                ]),
            ),
            ("scaleDown", doc!([{"type": "Percent", "value": 100, "periodSeconds": 15}])),
        ] {
            if spec.at(&["behavior", direction]).is_some_and(|rules| !rules.is_null()) {
                let rules = spec.ensure(&["behavior", direction]);
                if direction == "scaleUp" {
                    rules.set_default(&["stabilizationWindowSeconds"], 0);
                }
                rules.set_default(&["selectPolicy"], "Max");
                rules.set_default(&["policies"], policies);
            }
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec");
        let spec = &object["spec"];
        let (min, max) = (spec.i64_at(&["minReplicas"]), spec.i64_at(&["maxReplicas"]).unwrap_or(0));
        let mut out = FieldErrors::new();
        if let Some(min) = min.filter(|min| *min < 1) {
            out.push(FieldError::invalid(
                &field.child("minReplicas"),
                min,
                "must be greater than or equal to 1",
            ));
        }
        if max < 1 {
            out.push(FieldError::invalid(&field.child("maxReplicas"), max, "must be greater than 0"));
        }
        if min.is_some_and(|min| max < min) {
            let why = "must be greater than or equal to `minReplicas`";
            out.push(FieldError::invalid(&field.child("maxReplicas"), max, why));
        }
        for key in ["kind", "name"] {
            if spec.str_at(&["scaleTargetRef", key]).is_empty() {
                out.push(FieldError::required(&field.child("scaleTargetRef").child(key), ""));
            }
        }
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("Reference"),
            Column::text("Targets"),
            Column::text("MinPods"),
            Column::text("MaxPods"),
            Column::integer("Replicas"),
            Column::age(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let mut converted;
        let object = match self {
            Self::V1 => {
                converted = object.clone();
                (CONVERSION.to_hub)(&mut converted);
                &converted
            }
            Self::V2 => object,
        };
        let target = &object["spec"]["scaleTargetRef"];
        let min =
            object.i64_at(&["spec", "minReplicas"]).map_or(cells::UNSET.to_owned(), |min| min.to_string());
        vec![
            cells::name(object),
            format!("{}/{}", target.str_at(&["kind"]), target.str_at(&["name"])).into(),
            targets(object).into(),
            min.into(),
            cells::integer(object, &["spec", "maxReplicas"]).to_string().into(),
            cells::integer(object, &["status", "currentReplicas"]),
            cells::age(object, now),
        ]
    }
}

/// How many metrics a row shows.
const SHOWN: usize = 2;

fn targets(object: &Document) -> String {
    let metrics = object.array_at(&["spec", "metrics"]);
    let statuses = object.array_at(&["status", "currentMetrics"]);
    if metrics.is_empty() {
        return cells::NONE.to_owned();
    }
    let texts: Vec<String> = metrics.iter().enumerate().map(|(i, m)| target(m, statuses.get(i))).collect();
    match texts.len() {
        ..=SHOWN => texts.join(", "),
        all => format!("{} + {} more...", texts[..SHOWN].join(", "), all - SHOWN),
    }
}

fn target(metric: &Document, status: Option<&Document>) -> String {
    let ty = metric.str_at(&["type"]);
    let key = match ty {
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        "Pods" => "pods",
        "Object" => "object",
        "External" => "external",
        _ => return "<unknown type>".to_owned(),
    };
    let goal = &metric[key]["target"];
    let current = status.map(|status| &status[key]["current"]);
    let current = |name: &str| {
        current.and_then(|c| c.get(name)).filter(|v| !v.is_null()).and_then(|v| cells::int_or_string(Some(v)))
    };
    let unknown = || cells::UNKNOWN.to_owned();
    let prefix = if matches!(ty, "Resource" | "ContainerResource") {
        format!("{}: ", metric.str_at(&[key, "name"]))
    } else {
        String::new()
    };
    if let Some(percent) = goal.i64_at(&["averageUtilization"]) {
        let now = current("averageUtilization").map_or_else(unknown, |now| format!("{now}%"));
        return format!("{prefix}{now}/{percent}%");
    }
    if let Some(average) = cells::int_or_string(goal.get("averageValue")) {
        let now = current("averageValue").unwrap_or_else(unknown);
        let mark = if matches!(ty, "Object" | "External") { " (avg)" } else { "" };
        return format!("{prefix}{now}/{average}{mark}");
    }
    let value = cells::int_or_string(goal.get("value")).unwrap_or_else(|| "<auto>".to_owned());
    format!("{prefix}{}/{value}", current("value").unwrap_or_else(unknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_show_now_and_goal() {
        let hpa = doc!({
            "spec": {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}}]},
            "status": {"currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 12}}}]}
        });
        assert_eq!(targets(&hpa), "cpu: 12%/80%");
    }
}

//! HorizontalPodAutoscalers: `autoscaling/v2` is stored, `autoscaling/v1` keeps what it cannot say in annotations.
//!
//! What is wrong with one is told part by part: `validate` has the whole, `reference` what it names, `metrics` what it
//! looks at, `behavior` how fast it scales.

mod behavior;
mod conversion;
mod metrics;
mod reference;
mod targets;
mod validate;

pub(crate) use conversion::CONVERSION;

use super::{cells, workload};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, doc};

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
        if let Some(behavior) = spec.get_mut("behavior") {
            behavior::default(behavior);
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::created(object)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => validate::changed(new, old),
            UpdateScope::Status => workload::negative(new, &["currentReplicas", "desiredReplicas"]),
        }
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
            targets::shown(object).into(),
            min.into(),
            cells::integer(object, &["spec", "maxReplicas"]),
            cells::integer(object, &["status", "currentReplicas"]),
            cells::age(object, now),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_direction_brings_the_defaults_of_both() {
        let percent = doc!([{"type": "Percent", "value": 100, "periodSeconds": 15}]);
        let up = doc!({
            "stabilizationWindowSeconds": 0, "selectPolicy": "Max",
            "policies": [
                {"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15}
            ]
        });
        let down = doc!({"selectPolicy": "Max", "policies": percent.clone()});
        let cases = [
            ("nothing", Document::NULL, Document::NULL),
            ("no direction", doc!({}), doc!({"scaleUp": up.clone(), "scaleDown": down})),
            (
                "one direction",
                doc!({"scaleDown": {"stabilizationWindowSeconds": 60, "policies": []}}),
                doc!({
                    "scaleUp": up,
                    "scaleDown": {"stabilizationWindowSeconds": 60, "policies": [], "selectPolicy": "Max"}
                }),
            ),
        ];
        for (case, given, expected) in cases {
            let mut object = doc!({"spec": {"behavior": given}});
            HorizontalPodAutoscaler::V2.default(&mut object);
            assert_eq!(object["spec"]["behavior"], expected, "{case}");
            assert_eq!(object.i64_at(&["spec", "minReplicas"]), Some(1));
            assert_eq!(object["spec"].array_at(&["metrics"]).len(), 1);
        }
    }

    #[test]
    fn counts_of_the_status_are_none_below_zero() {
        let new = doc!({"status": {"currentReplicas": 1, "desiredReplicas": -1}});
        let errors = HorizontalPodAutoscaler::V2.validate_update(UpdateScope::Status, &new, &doc!({}));
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["status.desiredReplicas: Invalid value: -1: must be greater than or equal to 0"]);
    }

    #[test]
    fn rows_of_both_versions_are_alike() {
        let v2 = doc!({"spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 1, "maxReplicas": 5,
            "metrics": [{"type": "Resource", "resource": {
                "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}
            }}]
        }});
        let mut v1 = v2.clone();
        (CONVERSION.from_hub)(&mut v1);
        let row = |version: &HorizontalPodAutoscaler, object: &Document| {
            version.cells(object, Timestamp::UNIX_EPOCH)
        };
        let rows = [row(&HorizontalPodAutoscaler::V1, &v1), row(&HorizontalPodAutoscaler::V2, &v2)];
        for row in rows {
            let expected = [
                Document::from("Deployment/web"),
                "cpu: <unknown>/80%".into(),
                "1".into(),
                5.into(),
                0.into(),
            ];
            assert_eq!(row[1..6], expected);
        }
    }
}

//! What one of `spec.metrics` proposes: a number of replicas, what it is called in events, and what the status tells of it.

use super::metrics::{Reading, Samples};
use super::replicas::Setting;
use crate::selector_text::selector_text;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, doc};

/// A proposal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Proposal {
    pub(super) replicas: i64,
    /// The metric, as events call it.
    pub(super) metric: String,
    /// One of `status.currentMetrics`.
    pub(super) status: Document,
}

/// Why a metric proposes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The reason, as events and conditions give it.
    pub(super) reason: &'static str,
    /// The text of the event.
    pub(super) cause: String,
    /// What is told of it beside other metrics.
    pub(super) error: String,
}

/// What a metric is compared with; amounts in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// Percent of what pods request.
    Utilization(i64),
    /// An amount for each pod.
    Average(i64),
    /// An amount for all pods together.
    Total(i64),
}

/// One of `spec.metrics`.
struct Metric<'m> {
    kind: &'m str,
    source: &'m Document,
}

const NO_RESOURCE_TARGET: &str = "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set";
const NO_OBJECT_TARGET: &str =
    "invalid object metric source: neither a value target nor an average value target was set";
const NO_EXTERNAL_TARGET: &str =
    "invalid external metric source: neither a value target nor an average value target was set";

/// Whether a metric says what it aims at, so that it is worth reading.
pub(super) fn has_aim(metric: &Document) -> bool {
    Metric::of(metric).aim().is_some()
}

/// What a metric proposes after what was read for it.
///
/// # Errors
/// If it could not be read or does not go together with the pods.
pub(super) fn of(
    metric: &Document,
    reading: &Result<Reading, String>,
    setting: &Setting<'_>,
) -> Result<Proposal, Failure> {
    let metric = Metric::of(metric);
    match metric.kind {
        "Resource" | "ContainerResource" => metric.resource(reading, setting),
        "Pods" => metric.pods(reading, setting),
        "Object" => metric.object(reading, setting),
        "External" => metric.external(reading, setting),
        kind => {
            let why = format!("unknown metric source type {kind:?}");
            Err(Failure { reason: "InvalidMetricSourceType", cause: why.clone(), error: why })
        }
    }
}

impl<'m> Metric<'m> {
    fn of(metric: &'m Document) -> Self {
        let kind = metric.str_at(&["type"]);
        let field = match kind {
            "Resource" => "resource",
            "ContainerResource" => "containerResource",
            "Pods" => "pods",
            "Object" => "object",
            "External" => "external",
            _ => "",
        };
        Self { kind, source: &metric[field] }
    }

    fn name(&self) -> &'m str {
        match self.kind {
            "Resource" | "ContainerResource" => self.source.str_at(&["name"]),
            _ => self.source.str_at(&["metric", "name"]),
        }
    }

    fn aim(&self) -> Option<Aim> {
        let target = &self.source["target"];
        let amount = |field: &str| {
            let amount = target.get(field).and_then(Quantity::from_document)?;
            amount.ok().map(Quantity::milli_value)
        };
        let average = || amount("averageValue").map(Aim::Average);
        let total = || amount("value").map(Aim::Total);
        match (self.kind, target.str_at(&["type"])) {
            ("Resource" | "ContainerResource", _) => {
                average().or_else(|| target.i64_at(&["averageUtilization"]).map(Aim::Utilization))
            }
            ("Pods", _) | ("Object", "AverageValue") => average(),
            ("Object", "Value") => total(),
            ("External", _) => average().or_else(total),
            _ => None,
        }
    }

    fn resource(
        &self,
        reading: &Result<Reading, String>,
        setting: &Setting<'_>,
    ) -> Result<Proposal, Failure> {
        let (name, container) = (self.name(), self.source.str_at(&["container"]));
        let of_container = self.kind == "ContainerResource";
        let proposal = self.of_resource(reading, setting);
        let (replicas, metric, current) = proposal.map_err(|cause| {
            let (reason, error) = if of_container {
                let error = format!("failed to get {container} container metric value: {cause}");
                ("FailedGetContainerResourceMetric", error)
            } else {
                ("FailedGetResourceMetric", format!("failed to get {name} resource metric value: {cause}"))
            };
            Failure { reason, cause, error }
        })?;
        let status = if of_container {
            let status = doc!({"name": name, "container": container, "current": current});
            doc!({"type": self.kind, "containerResource": status})
        } else {
            doc!({"type": self.kind, "resource": {"name": name, "current": current}})
        };
        Ok(Proposal { replicas, metric, status })
    }

    /// Replicas, what the metric is called, and its current value.
    fn of_resource(
        &self,
        reading: &Result<Reading, String>,
        setting: &Setting<'_>,
    ) -> Result<(i64, String, Document), String> {
        let (name, container) = (self.name(), self.source.str_at(&["container"]));
        let read =
            samples(reading).map_err(|why| format!("unable to get metrics for resource {name}: {why}"));
        match self.aim() {
            Some(Aim::Average(target)) => {
                let found = read.and_then(|samples| setting.for_average(samples, name, target));
                let (replicas, used) = found.map_err(|why| format!("failed to get {name} usage: {why}"))?;
                Ok((replicas, format!("{name} resource"), doc!({"averageValue": amount(used)})))
            }
            Some(Aim::Utilization(target)) => {
                let found =
                    read.and_then(|samples| setting.for_utilization(samples, (name, container), target));
                let (replicas, used) =
                    found.map_err(|why| format!("failed to get {name} utilization: {why}"))?;
                let of = if self.kind == "ContainerResource" { "container resource" } else { "resource" };
                let metric = format!("{name} {of} utilization (percentage of request)");
                let current =
                    doc!({"averageUtilization": used.percent, "averageValue": amount(used.average)});
                Ok((replicas, metric, current))
            }
            Some(Aim::Total(_)) | None => Err(NO_RESOURCE_TARGET.to_owned()),
        }
    }

    fn pods(&self, reading: &Result<Reading, String>, setting: &Setting<'_>) -> Result<Proposal, Failure> {
        let name = self.name();
        let Some(Aim::Average(target)) = self.aim() else {
            return Err(pods_failure(format!(
                "unable to get metric {name}: no average value target was set"
            )));
        };
        let read = samples(reading).map_err(|why| format!("unable to get metric {name}: {why}"));
        let found = read.and_then(|samples| setting.for_average(samples, "", target));
        let (replicas, used) = found.map_err(pods_failure)?;
        let current = doc!({"averageValue": amount(used)});
        let status = doc!({"type": "Pods", "pods": {"metric": self.identifier(), "current": current}});
        Ok(Proposal { replicas, metric: format!("pods metric {name}"), status })
    }

    fn object(&self, reading: &Result<Reading, String>, setting: &Setting<'_>) -> Result<Proposal, Failure> {
        let name = self.name();
        let object = &self.source["describedObject"];
        let kind = object.str_at(&["kind"]);
        let failure = |cause: String, told: &str| Failure {
            reason: "FailedGetObjectMetric",
            error: format!("failed to get object metric value: {told}{cause}"),
            cause,
        };
        let read = total(reading).map_err(|why| {
            let (namespace, object) = (setting.namespace, object.str_at(&["name"]));
            format!("unable to get metric {name}: {kind} on {namespace} {object}/{why}")
        });
        let (replicas, metric, current) = match self.aim() {
            Some(Aim::Average(target)) => {
                let told = format!("failed to get {name} object metric: ");
                let used = read.map_err(|why| failure(why, &told))?;
                let (replicas, share) = setting.for_share(used, target);
                (replicas, self.external_name(), doc!({"averageValue": amount(share)}))
            }
            Some(Aim::Total(target)) => {
                let found = read.and_then(|used| Ok((setting.for_total(used, target)?, used)));
                let (replicas, used) = found.map_err(|why| failure(why, ""))?;
                (replicas, format!("{kind} metric {name}"), doc!({"value": amount(used)}))
            }
            Some(Aim::Utilization(_)) | None => return Err(failure(NO_OBJECT_TARGET.to_owned(), "")),
        };
        let status = doc!({"metric": self.identifier(), "current": current, "describedObject": object});
        Ok(Proposal { replicas, metric, status: doc!({"type": "Object", "object": status}) })
    }

    fn external(
        &self,
        reading: &Result<Reading, String>,
        setting: &Setting<'_>,
    ) -> Result<Proposal, Failure> {
        let name = self.name();
        let failure = |cause: String, told: &str| Failure {
            reason: "FailedGetExternalMetric",
            error: format!("failed to get {name} external metric value: {told}{cause}"),
            cause,
        };
        let read = total(reading).map_err(|why| {
            let selector = selector_text(self.source.at(&["metric", "selector"]));
            format!("unable to get external metric {}/{name}/{selector}: {why}", setting.namespace)
        });
        let (replicas, current) = match self.aim() {
            Some(Aim::Average(target)) => {
                let told = format!("failed to get {name} external metric: ");
                let used = read.map_err(|why| failure(why, &told))?;
                let (replicas, share) = setting.for_share(used, target);
                (replicas, doc!({"averageValue": amount(share)}))
            }
            Some(Aim::Total(target)) => {
                let told = format!("failed to get external metric {name}: ");
                let found = read.and_then(|used| Ok((setting.for_total(used, target)?, used)));
                let (replicas, used) = found.map_err(|why| failure(why, &told))?;
                (replicas, doc!({"value": amount(used)}))
            }
            Some(Aim::Utilization(_)) | None => return Err(failure(NO_EXTERNAL_TARGET.to_owned(), "")),
        };
        let status = doc!({"metric": self.identifier(), "current": current});
        Ok(Proposal {
            replicas,
            metric: self.external_name(),
            status: doc!({"type": "External", "external": status}),
        })
    }

    /// The metric, as the status names it.
    fn identifier(&self) -> Document {
        let mut identifier = doc!({"name": self.name()});
        if let Some(selector) = self.source.at(&["metric", "selector"]).filter(|selector| !selector.is_null())
        {
            identifier.insert("selector", selector);
        }
        identifier
    }

    fn external_name(&self) -> String {
        let selector = selector_text(self.source.at(&["metric", "selector"]));
        format!("external metric {}({selector})", self.name())
    }
}

fn pods_failure(cause: String) -> Failure {
    let error = format!("failed to get pods metric value: {cause}");
    Failure { reason: "FailedGetPodsMetric", cause, error }
}

fn amount(millis: i64) -> Quantity {
    Quantity::from_millis(millis)
}

fn samples(reading: &Result<Reading, String>) -> Result<&Samples, String> {
    match reading {
        Ok(Reading::Pods(samples)) => Ok(samples),
        Ok(Reading::Values(_)) => Err("no metrics returned".to_owned()),
        Err(why) => Err(why.clone()),
    }
}

/// The sum of all series.
fn total(reading: &Result<Reading, String>) -> Result<i64, String> {
    match reading {
        Ok(Reading::Values(values)) => {
            Ok(values.iter().fold(0, |sum: i64, value| sum.saturating_add(*value)))
        }
        Ok(Reading::Pods(_)) => Err("no metrics returned".to_owned()),
        Err(why) => Err(why.clone()),
    }
}

//! Where use is read from: the resource metrics API (metrics-server), the custom metrics API and the external metrics API
//! (adapters). All amounts are thousandths.
//!
//! What is read comes in as values here; what follows from them is worked out elsewhere. A failure is a text in upstream's
//! words, because it goes into the autoscaler's conditions and events.

mod custom;
mod external;
mod mapping;
mod resource;

pub(super) use mapping::Mapper;

use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::selector::LabelSelector;
use skiff_apimachinery::time::parse_time;
use skiff_apimachinery::{Document, Status};
use skiff_client::Client;
use std::collections::BTreeMap;

/// The use of one pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sample {
    /// The amount.
    pub(super) value: i64,
    /// When it was measured.
    pub(super) at: Timestamp,
    /// Over which time it was measured.
    pub(super) window: SignedDuration,
}

/// The use of pods, by their names.
pub(super) type Samples = BTreeMap<String, Sample>;

/// What was read for one of the metrics of an autoscaler.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reading {
    /// The use of each pod.
    Pods(Samples),
    /// Amounts that are of no pod: one of an object, any number of an external metric.
    Values(Vec<i64>),
}

/// Reads metrics through the API.
pub(super) struct Reader<'r> {
    pub(super) client: &'r Client,
    pub(super) namespace: &'r str,
    /// Which pods are meant.
    pub(super) selector: &'r LabelSelector,
}

impl Reader<'_> {
    /// Reads what one of `spec.metrics` asks for.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) async fn read(&self, metric: &Document) -> Result<Reading, String> {
        match metric.str_at(&["type"]) {
            "Resource" => {
                let name = metric.str_at(&["resource", "name"]);
                self.resource(name, "").await.map(Reading::Pods)
            }
            "ContainerResource" => {
                let source = &metric["containerResource"];
                self.resource(source.str_at(&["name"]), source.str_at(&["container"]))
                    .await
                    .map(Reading::Pods)
            }
            "Pods" => self.of_pods(&metric["pods"]["metric"]).await.map(Reading::Pods),
            "Object" => {
                let source = &metric["object"];
                let value = self.of_object(&source["metric"], &source["describedObject"]).await?;
                Ok(Reading::Values(vec![value]))
            }
            "External" => self.external(&metric["external"]["metric"]).await.map(Reading::Values),
            _ => Ok(Reading::Values(Vec::new())),
        }
    }
}

/// What a failure says. Where the server only says that there is nothing or that nobody answers, clients add what they
/// asked for.
fn told(status: &Status, asked: &str) -> String {
    let generic = matches!(
        status.message.as_str(),
        "the server could not find the requested resource"
            | "the server is currently unable to handle the request"
    );
    if generic { format!("{} (get {asked})", status.message) } else { status.message.clone() }
}

/// The selector of a metric, as a parameter.
fn metric_selector(metric: &Document) -> Result<LabelSelector, String> {
    LabelSelector::from_object(metric.get("selector")).map_err(|error| error.to_string())
}

fn amount(value: &Document) -> Option<i64> {
    Some(Quantity::from_document(value)?.ok()?.milli_value())
}

/// When something was measured; what tells no time was measured long ago.
fn measured(item: &Document) -> Timestamp {
    parse_time(item.str_at(&["timestamp"])).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests;

//! The custom metrics API: what adapters know of pods and of other objects.

use super::{Mapper, Reader, Sample, Samples, amount, measured, metric_selector, told};
use jiff::SignedDuration;
use skiff_apimachinery::selector::LabelSelector;
use skiff_apimachinery::{Document, GroupVersion};
use skiff_client::{Call, Object, Resource, Verb};

const GROUP: &str = "custom.metrics.k8s.io";
/// The versions that are understood.
const VERSIONS: [&str; 2] = ["v1beta2", "v1beta1"];
/// The time over which something is taken to be measured that does not tell it.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// The name that stands for all objects that a selector selects.
const ALL: &str = "*";

/// Of what a metric is read.
struct Subject<'s> {
    /// Resource and group, as the API names them in its paths.
    resource: &'s str,
    name: &'s str,
    /// The metric's name, if that is not the object's place in the path.
    metric: &'s str,
}

impl Reader<'_> {
    /// The amount of a metric for each pod.
    pub(super) async fn of_pods(&self, metric: &Document) -> Result<Samples, String> {
        let selector = metric_selector(metric)?;
        let subject = Subject { resource: "pods", name: ALL, metric: metric.str_at(&["name"]) };
        let pods = self.selector.to_string();
        let list = self.custom(&subject, &pods, &selector).await.map_err(unfetched)?;
        let items = list.items();
        if items.is_empty() {
            return Err("no metrics returned from custom metrics API".to_owned());
        }
        let sample = |item: &Document| {
            let value = amount(&item["value"]).unwrap_or(0);
            let sample = Sample { value, at: measured(item), window: window(item) };
            (item.str_at(&["describedObject", "name"]).to_owned(), sample)
        };
        Ok(items.iter().map(sample).collect())
    }

    /// The amount of a metric of one object.
    pub(super) async fn of_object(&self, metric: &Document, object: &Document) -> Result<i64, String> {
        let selector = metric_selector(metric)?;
        let version = GroupVersion::parse(object.str_at(&["apiVersion"])).unwrap_or_default();
        let (kind, name, metric) =
            (object.str_at(&["kind"]), object.str_at(&["name"]), metric.str_at(&["name"]));
        let resource;
        let subject = if kind == "Namespace" && version.group.is_empty() {
            // Whatever name is given, an autoscaler only sees its own namespace.
            Subject { resource: "metrics", name: metric, metric: "" }
        } else {
            let mapped = Mapper { client: self.client }.resource(&version.group, kind).await;
            let mapped = mapped.map_err(|why| {
                let kind = skiff_apimachinery::GroupKind::new(version.group.clone(), kind.to_owned());
                unfetched(format!("unable to map kind {kind} to resource: {why}"))
            })?;
            resource = mapped.group_resource().to_string();
            Subject { resource: &resource, name, metric }
        };
        let list = self.custom(&subject, "", &selector).await.map_err(unfetched)?;
        match list.items() {
            [item] => Ok(amount(&item["value"]).unwrap_or(0)),
            items => Err(unfetched(format!(
                "the custom metrics API server returned {} results when we asked for exactly one",
                items.len()
            ))),
        }
    }

    async fn custom(
        &self,
        subject: &Subject<'_>,
        objects: &str,
        metric: &LabelSelector,
    ) -> Result<Object, String> {
        let version = self.version().await?;
        let resource = Resource {
            group: version.group,
            version: version.version,
            plural: subject.resource.to_owned().into(),
            kind: "MetricValueList".into(),
            namespaced: true,
        };
        let call = Call::new(Verb::Get, &resource, self.namespace, subject.name)
            .subresource(subject.metric)
            .query("labelSelector", objects)
            .query("metricLabelSelector", metric.to_string());
        let answer = self.client.transport().call(call).await;
        answer.map_err(|status| told(&status, &format!("{} {}", resource.group_resource(), subject.name)))
    }

    /// The version to read: the preferred one if it is understood, else the first that is.
    async fn version(&self) -> Result<GroupVersion, String> {
        let served = Mapper { client: self.client }.versions(GROUP).await?;
        if served.is_empty() {
            return Err(format!("no custom metrics API ({GROUP}) registered"));
        }
        let known = served.into_iter().find(|served| VERSIONS.contains(&&*served.version));
        known.ok_or_else(|| "no known available metric versions found".to_owned())
    }
}

fn unfetched(why: String) -> String {
    format!("unable to fetch metrics from custom metrics API: {why}")
}

/// The two versions name the field differently.
fn window(item: &Document) -> SignedDuration {
    let seconds = item.i64_at(&["windowSeconds"]).or_else(|| item.i64_at(&["window"]));
    seconds.map_or(WINDOW, SignedDuration::from_secs)
}

//! The resource metrics API: what the containers of pods use of cpu and memory.

use super::{Reader, Sample, Samples, amount, measured, told};
use jiff::SignedDuration;
use skiff_apimachinery::Document;
use skiff_apimachinery::go_duration::parse_duration;
use skiff_apimachinery::gvk::Str;
use skiff_client::{Resource, Selection};

const POD_METRICS: Resource = Resource {
    group: Str::Borrowed("metrics.k8s.io"),
    version: Str::Borrowed("v1beta1"),
    plural: Str::Borrowed("pods"),
    kind: Str::Borrowed("PodMetrics"),
    namespaced: true,
};

impl Reader<'_> {
    /// The use of a resource by each pod: by one of its containers if that is named, else by all of them.
    pub(super) async fn resource(&self, name: &str, container: &str) -> Result<Samples, String> {
        let selection = Selection { labels: self.selector.to_string(), ..Selection::default() };
        let list = self.client.list(&POD_METRICS, self.namespace, &selection).await.map_err(|status| {
            let why = told(&status, &POD_METRICS.group_resource().to_string());
            format!("unable to fetch metrics from resource metrics API: {why}")
        })?;
        if list.items.is_empty() {
            return Err("no metrics returned from resource metrics API".to_owned());
        }
        let mut samples = Samples::new();
        for pod in &list.items {
            let used = if container.is_empty() { of_all(pod, name) } else { of_one(pod, name, container)? };
            if let Some(value) = used {
                samples
                    .insert(pod.name().to_owned(), Sample { value, at: measured(pod), window: window(pod) });
            }
        }
        Ok(samples)
    }
}

/// The use of all containers; `None` if it is not known of each.
fn of_all(pod: &Document, resource: &str) -> Option<i64> {
    let containers = pod.array_at(&["containers"]);
    if containers.is_empty() {
        return None;
    }
    containers.iter().try_fold(0_i64, |sum, container| Some(sum.saturating_add(used(container, resource)?)))
}

/// The use of one container; `None` if it is not known.
fn of_one(pod: &Document, resource: &str, container: &str) -> Result<Option<i64>, String> {
    let containers = pod.array_at(&["containers"]);
    match containers.iter().find(|candidate| candidate.str_at(&["name"]) == container) {
        Some(container) => Ok(used(container, resource)),
        None => Err(format!(
            "failed to get container metrics: container {container} not present in metrics for pod {}/{}",
            pod.namespace(),
            pod.name()
        )),
    }
}

fn used(container: &Document, resource: &str) -> Option<i64> {
    container.at(&["usage", resource]).and_then(amount)
}

fn window(pod: &Document) -> SignedDuration {
    let window = parse_duration(pod.str_at(&["window"])).ok();
    window.and_then(|window| SignedDuration::try_from(window).ok()).unwrap_or(SignedDuration::ZERO)
}

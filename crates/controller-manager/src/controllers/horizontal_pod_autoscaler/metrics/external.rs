//! The external metrics API: what adapters know of things outside of the cluster, such as queues.

use super::{Reader, amount, metric_selector, told};
use skiff_apimachinery::Document;
use skiff_client::{Resource, Selection};

impl Reader<'_> {
    /// The amounts of a metric: one for each series that its selector selects.
    pub(super) async fn external(&self, metric: &Document) -> Result<Vec<i64>, String> {
        let name = metric.str_at(&["name"]);
        let selection = Selection { labels: metric_selector(metric)?.to_string(), ..Selection::default() };
        let resource = Resource {
            group: "external.metrics.k8s.io".into(),
            version: "v1beta1".into(),
            plural: name.to_owned().into(),
            kind: "ExternalMetricValue".into(),
            namespaced: true,
        };
        let list = self.client.list(&resource, self.namespace, &selection).await.map_err(|status| {
            let why = told(&status, &resource.group_resource().to_string());
            format!("unable to fetch metrics from external metrics API: {why}")
        })?;
        if list.items.is_empty() {
            return Err("no metrics returned from external metrics API".to_owned());
        }
        Ok(list.items.iter().map(|item| amount(&item["value"]).unwrap_or(0)).collect())
    }
}

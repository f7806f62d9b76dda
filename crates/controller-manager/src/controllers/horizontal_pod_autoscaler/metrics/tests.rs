//! What is asked of the metrics APIs, and what their answers and silence mean.

use super::*;
use futures::future::BoxFuture;
use skiff_apimachinery::doc;
use skiff_client::{Call, List, Object, Result as Answer, Transport, WatchStream};
use std::sync::{Arc, Mutex};

/// An API that answers by path and notes what it was asked.
#[derive(Default)]
struct Script {
    answers: Vec<(&'static str, Document)>,
    asked: Mutex<Vec<String>>,
}

impl Script {
    fn answer(&self, asked: String) -> Answer<Document> {
        let path = asked.split('?').next().unwrap_or("").to_owned();
        self.asked.lock().unwrap().push(asked);
        let found = self.answers.iter().find(|(known, _)| *known == path);
        found.map(|(_, answer)| answer.clone()).ok_or_else(Status::no_such_path)
    }
}

fn asked(call: &Call) -> String {
    let parts = [&*call.resource.plural, call.name.as_str(), call.subresource.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let query: Vec<String> = call.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let (version, namespace) = (call.resource.api_version(), &call.namespace);
    format!("{version}/{namespace}/{}?{}", parts.join("/"), query.join("&"))
}

impl Transport for Script {
    fn call(&self, call: Call) -> BoxFuture<'_, Answer<Object>> {
        Box::pin(std::future::ready(self.answer(asked(&call)).map(Arc::new)))
    }

    fn list(&self, call: Call) -> BoxFuture<'_, Answer<List>> {
        let list = self.answer(asked(&call)).map(|answer| List {
            items: answer.items().iter().cloned().map(Arc::new).collect(),
            resource_version: String::new(),
            continue_token: String::new(),
        });
        Box::pin(std::future::ready(list))
    }

    fn watch(&self, _call: Call) -> BoxFuture<'_, Answer<WatchStream>> {
        Box::pin(std::future::ready(Err(Status::no_such_path())))
    }

    fn get_path<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Answer<Object>> {
        Box::pin(std::future::ready(self.answer(path.to_owned()).map(Arc::new)))
    }
}

fn groups() -> Document {
    let group = |name: &str, versions: &[&str]| {
        let versions: Vec<Document> = versions
            .iter()
            .map(|version| doc!({"groupVersion": (format!("{name}/{version}")), "version": *version}))
            .collect();
        doc!({"name": name, "versions": versions.clone(), "preferredVersion": (versions[0].clone())})
    };
    doc!({"groups": [
        group("networking.k8s.io", &["v1", "v1beta1"]),
        group("custom.metrics.k8s.io", &["v1beta3", "v1beta2", "v1beta1"])
    ]})
}

/// What is read for a metric, and what was asked for that.
async fn read(
    answers: Vec<(&'static str, Document)>,
    metric: Document,
) -> (Result<Reading, String>, Vec<String>) {
    let script = Arc::new(Script { answers, ..Script::default() });
    let client = Client::new(script.clone());
    let selector = LabelSelector::parse("app=web").unwrap();
    let reader = Reader { client: &client, namespace: "n", selector: &selector };
    let reading = reader.read(&metric).await;
    let asked = script.asked.lock().unwrap().clone();
    (reading, asked)
}

fn sample(value: i64, seconds: i64) -> Sample {
    let at = "2026-01-01T12:00:00Z".parse().unwrap();
    Sample { value, at, window: SignedDuration::from_secs(seconds) }
}

fn pod_metrics() -> Document {
    let pod = |name: &str, containers: Document| doc!({"metadata": {"name": name, "namespace": "n"}, "timestamp": "2026-01-01T12:00:00Z", "window": "30s", "containers": containers});
    doc!({"items": [
        pod("a", doc!([{"name": "c", "usage": {"cpu": "100m", "memory": "1Ki"}}, {"name": "d", "usage": {"cpu": "2"}}])),
        pod("b", doc!([{"name": "c", "usage": {"cpu": "1n"}}]))
    ]})
}

#[tokio::test]
async fn resources_are_read_for_pods_and_for_containers() {
    let path = "metrics.k8s.io/v1beta1/n/pods";
    let metric = |name: &str| doc!({"type": "Resource", "resource": {"name": name}});
    let (reading, asked) = read(vec![(path, pod_metrics())], metric("cpu")).await;
    let all = [("a".to_owned(), sample(2100, 30)), ("b".to_owned(), sample(1, 30))];
    assert_eq!(reading, Ok(Reading::Pods(all.into())));
    assert_eq!(asked, ["metrics.k8s.io/v1beta1/n/pods?labelSelector=app=web"]);
    // What is not known of all containers is not known of the pod.
    let (reading, _) = read(vec![(path, pod_metrics())], metric("memory")).await;
    assert_eq!(reading, Ok(Reading::Pods(Samples::new())));

    let container = |name: &str| doc!({"type": "ContainerResource", "containerResource": {"name": "cpu", "container": name}});
    let (reading, _) = read(vec![(path, pod_metrics())], container("c")).await;
    let all = [("a".to_owned(), sample(100, 30)), ("b".to_owned(), sample(1, 30))];
    assert_eq!(reading, Ok(Reading::Pods(all.into())));
    let (reading, _) = read(vec![(path, pod_metrics())], container("d")).await;
    let why = "failed to get container metrics: container d not present in metrics for pod n/b";
    assert_eq!(reading, Err(why.to_owned()));
    let (reading, _) = read(vec![(path, doc!({"items": []}))], metric("cpu")).await;
    assert_eq!(reading, Err("no metrics returned from resource metrics API".to_owned()));
    let (reading, _) = read(vec![], metric("cpu")).await;
    let why = "unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)";
    assert_eq!(reading, Err(why.to_owned()));
}

#[tokio::test]
async fn metrics_of_pods_are_read_in_a_version_that_is_understood() {
    let metric = doc!({"type": "Pods", "pods": {"metric": {"name": "hits", "selector": {"matchLabels": {"verb": "GET"}}}}});
    let value = |pod: &str, value: &str| doc!({"describedObject": {"kind": "Pod", "name": pod}, "timestamp": "2026-01-01T12:00:00Z", "value": value});
    let mut second = value("b", "500m");
    second.insert("windowSeconds", 5);
    let values = doc!({"items": [value("a", "20"), second]});
    let answers = vec![("/apis", groups()), ("custom.metrics.k8s.io/v1beta2/n/pods/*/hits", values)];
    let (reading, asked) = read(answers, metric.clone()).await;
    let all = [("a".to_owned(), sample(20_000, 60)), ("b".to_owned(), sample(500, 5))];
    assert_eq!(reading, Ok(Reading::Pods(all.into())));
    let call =
        "custom.metrics.k8s.io/v1beta2/n/pods/*/hits?labelSelector=app=web&metricLabelSelector=verb=GET";
    assert_eq!(asked, ["/apis", call]);

    let (reading, _) = read(vec![("/apis", doc!({"groups": []}))], metric.clone()).await;
    let why = "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered";
    assert_eq!(reading, Err(why.to_owned()));
    let (reading, _) = read(vec![("/apis", groups())], metric).await;
    let why = "unable to fetch metrics from custom metrics API: the server could not find the requested resource (get pods.custom.metrics.k8s.io *)";
    assert_eq!(reading, Err(why.to_owned()));
}

#[tokio::test]
async fn metrics_of_an_object_are_read_where_its_kind_is_served() {
    let metric = |version: &str, kind: &str| {
        let object = doc!({"apiVersion": version, "kind": kind, "name": "main"});
        doc!({"type": "Object", "object": {"metric": {"name": "hits"}, "describedObject": object}})
    };
    let resources = doc!({"resources": [
        {"name": "ingresses/status", "kind": "Ingress", "namespaced": true},
        {"name": "ingresses", "kind": "Ingress", "namespaced": true}
    ]});
    let answers = |path: &'static str, values: Document| {
        vec![("/apis", groups()), ("/apis/networking.k8s.io/v1", resources.clone()), (path, values)]
    };
    let ingress = metric("networking.k8s.io/v1", "Ingress");
    let path = "custom.metrics.k8s.io/v1beta2/n/ingresses.networking.k8s.io/main/hits";
    let (reading, _) = read(answers(path, doc!({"items": [{"value": "3"}]})), ingress.clone()).await;
    assert_eq!(reading, Ok(Reading::Values(vec![3000])));
    let (reading, _) = read(answers(path, doc!({"items": []})), ingress).await;
    let why = "unable to fetch metrics from custom metrics API: the custom metrics API server returned 0 results when we asked for exactly one";
    assert_eq!(reading, Err(why.to_owned()));
    let path = "custom.metrics.k8s.io/v1beta2/n/metrics/hits";
    let (reading, _) =
        read(answers(path, doc!({"items": [{"value": "1"}]})), metric("v1", "Namespace")).await;
    assert_eq!(reading, Ok(Reading::Values(vec![1000])));
    let (reading, _) = read(answers("", doc!(null)), metric("networking.k8s.io/v1", "Gate")).await;
    let why = "unable to fetch metrics from custom metrics API: unable to map kind Gate.networking.k8s.io to resource: no matches for kind \"Gate\" in group \"networking.k8s.io\"";
    assert_eq!(reading, Err(why.to_owned()));
}

#[tokio::test]
async fn external_metrics_are_read_series_by_series() {
    let metric = doc!({"type": "External", "external": {"metric": {"name": "queue", "selector": {"matchLabels": {"q": "a"}}}}});
    let path = "external.metrics.k8s.io/v1beta1/n/queue";
    let values = doc!({"items": [{"value": "3"}, {"value": "1500m"}]});
    let (reading, asked) = read(vec![(path, values)], metric.clone()).await;
    assert_eq!(reading, Ok(Reading::Values(vec![3000, 1500])));
    assert_eq!(asked, ["external.metrics.k8s.io/v1beta1/n/queue?labelSelector=q=a"]);
    let (reading, _) = read(vec![(path, doc!({"items": []}))], metric.clone()).await;
    assert_eq!(reading, Err("no metrics returned from external metrics API".to_owned()));
    let (reading, _) = read(vec![], metric).await;
    let why = "unable to fetch metrics from external metrics API: the server could not find the requested resource (get queue.external.metrics.k8s.io)";
    assert_eq!(reading, Err(why.to_owned()));
}

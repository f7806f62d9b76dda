//! The controllers together on an API whose watches lag: from a Deployment to endpoints, and away again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod api;

use api::Api;
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::*;
use skiff_client::{Client, DeleteOptions, PatchKind};
use skiff_controller_manager::{Clients, Config, ControllerManager};
use std::sync::Arc;

const SERVED: [&skiff_client::Resource; 12] = [
    &PODS,
    &SERVICES,
    &NAMESPACES,
    &CONFIG_MAPS,
    &SERVICE_ACCOUNTS,
    &NODES,
    &DEPLOYMENTS,
    &REPLICA_SETS,
    &REPLICATION_CONTROLLERS,
    &DAEMON_SETS,
    &CONTROLLER_REVISIONS,
    &EVENTS,
];

/// Starts an API and all controllers on it.
fn start() -> (Api, Client) {
    let api = Api::new(&SERVED);
    let client = api.client();
    let clients = Clients {
        own: client.clone(),
        of: Arc::new({
            let client = client.clone();
            move |_| client.clone()
        }),
    };
    let config = Config {
        root_ca: "PEM".into(),
        cluster_cidrs: vec!["10.42.0.0/16".parse().unwrap()],
        ..Config::default()
    };
    let manager = ControllerManager::new(config, clients).unwrap();
    tokio::spawn(manager.run(std::future::pending()));
    (api, client)
}

fn deployment(replicas: i64) -> Document {
    doc!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "progressDeadlineSeconds": 600,
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "v1", "ports": [{"name": "http", "containerPort": 80}]}]}}}
    })
}

/// Stands in for scheduler and kubelet: every new pod gets a node, an address, and is ready.
async fn run_pods(api: Api, client: Client) {
    let mut number = 0;
    loop {
        let starting = |pod: &&skiff_client::Object| pod.str_at(&["status", "phase"]).is_empty();
        let next = api.list(&PODS).iter().find(starting).cloned();
        match next {
            Some(pod) => {
                number += 1;
                let ip = format!("10.42.0.{number}");
                let status = doc!({"status": {"phase": "Running", "podIP": ip.as_str(), "podIPs": [{"ip": ip.as_str()}], "conditions": [
                    {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
                let _ = client
                    .patch(&PODS, pod.namespace(), pod.name(), "status", PatchKind::Merge, status)
                    .await;
            }
            None => api.until("a new pod", |api| api.list(&PODS).iter().any(|pod| starting(&pod))).await,
        }
    }
}

fn available(api: &Api) -> i64 {
    let deployments = api.list(&DEPLOYMENTS);
    deployments.first().and_then(|d| d.i64_at(&["status", "availableReplicas"])).unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn a_deployment_becomes_exactly_its_pods_although_watches_lag() {
    let (api, client) = start();
    tokio::spawn(run_pods(api.clone(), client.clone()));
    client.create(&DEPLOYMENTS, "n", deployment(10)).await.unwrap();
    api.until("ten available pods", |api| available(api) == 10).await;
    assert_eq!((api.created(&REPLICA_SETS), api.created(&PODS)), (1, 10));

    let image = doc!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "v2"}]}}}});
    client.patch(&DEPLOYMENTS, "n", "web", "", PatchKind::Merge, image).await.unwrap();
    let complete = |api: &Api| {
        let deployment = &api.list(&DEPLOYMENTS)[0];
        let conditions = deployment.array_at(&["status", "conditions"]);
        deployment.i64_at(&["status", "observedGeneration"]) == Some(deployment.generation())
            && deployment.i64_at(&["status", "replicas"]) == Some(10)
            && deployment.i64_at(&["status", "updatedReplicas"]) == Some(10)
            && conditions.iter().any(|c| c.str_at(&["reason"]) == "NewReplicaSetAvailable")
    };
    api.until("the rollout", complete).await;
    assert_eq!((api.created(&REPLICA_SETS), api.created(&PODS)), (2, 20));
    assert_eq!(api.list(&DEPLOYMENTS)[0].annotation("deployment.kubernetes.io/revision"), Some("2"));
}

#[tokio::test(start_paused = true)]
async fn a_service_gets_slices_and_endpoints_of_its_ready_pods() {
    let (api, client) = start();
    tokio::spawn(run_pods(api.clone(), client.clone()));
    client.create(&DEPLOYMENTS, "n", deployment(3)).await.unwrap();
    let service = doc!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "clusterIP": "10.43.0.9", "ipFamilies": ["IPv4"], "ports": [{"port": 80, "targetPort": "http"}]}});
    client.create(&SERVICES, "n", service).await.unwrap();
    let ready = |object: &Document, list: &[&str]| object.array_at(list).len() == 3;
    api.until("three endpoints", |api| {
        let slices = api.list(&ENDPOINT_SLICES);
        let endpoints = api.list(&ENDPOINTS);
        slices.len() == 1
            && ready(&slices[0], &["endpoints"])
            && slices[0]
                .array_at(&["endpoints"])
                .iter()
                .all(|e| e.bool_at(&["conditions", "ready"]) == Some(true))
            && endpoints.len() == 1
            && endpoints[0].array_at(&["subsets"]).first().is_some_and(|subset| ready(subset, &["addresses"]))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn deleting_a_deployment_takes_everything_it_owns() {
    for policy in ["Background", "Foreground"] {
        let (api, client) = start();
        tokio::spawn(run_pods(api.clone(), client.clone()));
        client.create(&DEPLOYMENTS, "n", deployment(4)).await.unwrap();
        api.until("four available pods", |api| available(api) == 4).await;
        let options = DeleteOptions { propagation_policy: Some(policy), ..DeleteOptions::default() };
        client.delete(&DEPLOYMENTS, "n", "web", &options).await.unwrap();
        let gone = |api: &Api| [&DEPLOYMENTS, &REPLICA_SETS, &PODS].iter().all(|r| api.list(r).is_empty());
        api.until("the end", gone).await;
    }
}

#[tokio::test(start_paused = true)]
async fn orphaned_pods_stay_and_are_adopted_again() {
    let (api, client) = start();
    tokio::spawn(run_pods(api.clone(), client.clone()));
    client.create(&DEPLOYMENTS, "n", deployment(2)).await.unwrap();
    api.until("two available pods", |api| available(api) == 2).await;
    let orphan = DeleteOptions { propagation_policy: Some("Orphan"), ..DeleteOptions::default() };
    client.delete(&DEPLOYMENTS, "n", "web", &orphan).await.unwrap();
    api.until("an orphan", |api| {
        api.list(&DEPLOYMENTS).is_empty()
            && api.list(&REPLICA_SETS).iter().all(|set| set.owner_references().is_empty())
    })
    .await;
    client.create(&DEPLOYMENTS, "n", deployment(2)).await.unwrap();
    api.until("the adoption", |api| available(api) == 2).await;
    assert_eq!((api.created(&REPLICA_SETS), api.created(&PODS)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_is_furnished_and_emptied() {
    let (api, client) = start();
    let namespace = doc!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}, "spec": {"finalizers": ["kubernetes"]}});
    client.create(&NAMESPACES, "", namespace).await.unwrap();
    api.until("its furniture", |api| {
        api.list(&SERVICE_ACCOUNTS).len() == 1 && api.list(&CONFIG_MAPS).len() == 1
    })
    .await;
    client.create(&DEPLOYMENTS, "n", deployment(2)).await.unwrap();
    api.until("pods", |api| api.list(&PODS).len() == 2).await;
    client.delete(&NAMESPACES, "", "n", &DeleteOptions::default()).await.unwrap();
    api.until("the end", |api| api.list(&NAMESPACES).is_empty()).await;
    assert!(SERVED.iter().filter(|r| r.namespaced).all(|r| api.list(r).is_empty()));
}

#[tokio::test(start_paused = true)]
async fn a_node_gets_its_range() {
    let (api, client) = start();
    let node = doc!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "sail"}, "spec": {}});
    client.create(&NODES, "", node).await.unwrap();
    api.until("a range", |api| api.list(&NODES)[0].str_at(&["spec", "podCIDR"]) == "10.42.0.0/24").await;
}

#[tokio::test(start_paused = true)]
async fn a_quota_tells_what_is_used_and_gives_back_what_went() {
    let (api, client) = start();
    for name in ["a", "b"] {
        let map = doc!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        client.create(&CONFIG_MAPS, "n", map).await.unwrap();
    }
    let quota = doc!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"},
        "spec": {"hard": {"count/configmaps": "5", "pods": "3", "count/widgets.example.com": "1"}}});
    client.create(&RESOURCE_QUOTAS, "n", quota).await.unwrap();
    let tells = |api: &Api, used: Document| api.list(&RESOURCE_QUOTAS)[0]["status"]["used"] == used;
    api.until("two config maps", |api| tells(api, doc!({"count/configmaps": "2", "pods": "0"}))).await;
    client.delete(&CONFIG_MAPS, "n", "a", &DeleteOptions::default()).await.unwrap();
    api.until("one config map", |api| tells(api, doc!({"count/configmaps": "1", "pods": "0"}))).await;
}

#[tokio::test(start_paused = true)]
async fn a_replication_controller_keeps_its_pods() {
    let (api, client) = start();
    tokio::spawn(run_pods(api.clone(), client.clone()));
    let controller = doc!({"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "web"},
        "spec": {"replicas": 3, "selector": {"app": "web"},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "v1"}]}}}});
    client.create(&REPLICATION_CONTROLLERS, "n", controller).await.unwrap();
    let tells = |api: &Api, replicas: i64| {
        let status = &api.list(&REPLICATION_CONTROLLERS)[0]["status"];
        ["replicas", "readyReplicas", "availableReplicas"]
            .iter()
            .all(|field| status.i64_at(&[field]) == Some(replicas))
    };
    api.until("three pods", |api| tells(api, 3)).await;
    let fewer = doc!({"spec": {"replicas": 1}});
    client.patch(&REPLICATION_CONTROLLERS, "n", "web", "", PatchKind::Merge, fewer).await.unwrap();
    api.until("one pod", |api| tells(api, 1) && api.list(&PODS).len() == 1).await;
    assert_eq!(api.created(&PODS), 3);
}

#[tokio::test(start_paused = true)]
async fn a_daemon_set_has_a_pod_on_every_node_and_rolls_them() {
    let (api, client) = start();
    tokio::spawn(run_pods(api.clone(), client.clone()));
    let node = |name: &str| {
        doc!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    };
    for name in ["a", "b"] {
        client.create(&NODES, "", node(name)).await.unwrap();
    }
    let set = doc!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"},
        "spec": {"selector": {"matchLabels": {"app": "agent"}}, "revisionHistoryLimit": 10,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
            "template": {"metadata": {"labels": {"app": "agent"}}, "spec": {"containers": [{"name": "c", "image": "v1"}]}}}});
    client.create(&DAEMON_SETS, "n", set).await.unwrap();
    let complete = |api: &Api, nodes: i64| {
        let set = &api.list(&DAEMON_SETS)[0];
        let count = |field: &str| set.i64_at(&["status", field]).unwrap_or(0);
        count("observedGeneration") == set.generation()
            && count("updatedNumberScheduled") == nodes
            && count("numberAvailable") == nodes
    };
    api.until("two pods", |api| complete(api, 2)).await;
    client.create(&NODES, "", node("c")).await.unwrap();
    api.until("three pods", |api| complete(api, 3)).await;
    assert_eq!((api.created(&PODS), api.created(&CONTROLLER_REVISIONS)), (3, 1));

    let image = doc!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "v2"}]}}}});
    client.patch(&DAEMON_SETS, "n", "agent", "", PatchKind::Merge, image).await.unwrap();
    api.until("three new pods", |api| complete(api, 3)).await;
    assert_eq!((api.created(&PODS), api.created(&CONTROLLER_REVISIONS)), (6, 2));
}

#[tokio::test(start_paused = true)]
async fn a_budget_tells_how_many_pods_may_go() {
    let (api, client) = start();
    tokio::spawn(run_pods(api.clone(), client.clone()));
    let budget = doc!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}}});
    client.create(&POD_DISRUPTION_BUDGETS, "n", budget).await.unwrap();
    client.create(&DEPLOYMENTS, "n", deployment(3)).await.unwrap();
    api.until("a budget of one", |api| {
        let status = &api.list(&POD_DISRUPTION_BUDGETS)[0]["status"];
        let counts = ["expectedPods", "currentHealthy", "desiredHealthy", "disruptionsAllowed"];
        counts.map(|field| status.i64_at(&[field]).unwrap_or(0)) == [3, 3, 2, 1]
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn custom_endpoints_are_mirrored_while_they_are_there() {
    let (api, client) = start();
    let service = doc!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"}, "spec": {"ports": [{"port": 5432}]}});
    client.create(&SERVICES, "n", service).await.unwrap();
    let subsets =
        |ip: &str| doc!([{"addresses": [{"ip": ip}], "ports": [{"port": 5432, "protocol": "TCP"}]}]);
    let endpoints = doc!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "db"}, "subsets": subsets("10.0.0.1")});
    client.create(&ENDPOINTS, "n", endpoints).await.unwrap();
    let shows = |api: &Api, ip: &str| {
        let slices = api.list(&ENDPOINT_SLICES);
        let addresses = slices.iter().flat_map(|slice| slice.array_at(&["endpoints"]));
        addresses.map(|endpoint| endpoint["addresses"].clone()).collect::<Vec<_>>() == [doc!([ip])]
    };
    api.until("a slice", |api| shows(api, "10.0.0.1")).await;
    let moved = doc!({"subsets": subsets("10.0.0.2")});
    client.patch(&ENDPOINTS, "n", "db", "", PatchKind::Merge, moved).await.unwrap();
    api.until("the same slice with another address", |api| shows(api, "10.0.0.2")).await;
    assert_eq!(api.created(&ENDPOINT_SLICES), 1);
    client.delete(&ENDPOINTS, "n", "db", &DeleteOptions::default()).await.unwrap();
    api.until("no slice", |api| api.list(&ENDPOINT_SLICES).is_empty()).await;
}

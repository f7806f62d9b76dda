//! One kind of request at a time, over 32 connections: how many a second, how long each, what CPU a thousand cost the server
//! and what memory it had at most.
//!
//! The server is the API server and its store alone, as upstream was measured: what controllers make of the objects is not in
//! the figures. Upstream's CPU is that of kube-apiserver and etcd together, so the budgets are of the embedded store; with an
//! etcd, that one's CPU is told apart and is what it is.

use crate::connection::{APPLY_PATCH, Call, Connection, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH};
use crate::figure::Figure;
use crate::load::{CONNECTIONS, closed_loop};
use crate::objects::{self, NAMESPACE, SEQUENCE};
use crate::process;
use crate::row::{Bench, Measured, Row};
use crate::site::{Parts, Site, Store};
use crate::target::Target;
use anyhow::Result;
use skiff_apimachinery::doc;

/// Objects that writes to existing ones are spread over.
const SPREAD: usize = 200;
const CONFIG_MAPS: &str = "/api/v1/namespaces/bench/configmaps";
const PODS: &str = "/api/v1/namespaces/bench/pods";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/bench/deployments";

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say what they are")]
pub enum Operation {
    CreateConfigMap,
    CreatePod,
    GetConfigMap,
    GetPod,
    PutConfigMap,
    MergePatchPod,
    StrategicPatchPod,
    JsonPatchPod,
    ApplyDeployment,
    ApplyNewConfigMap,
    DeleteConfigMap,
}

/// An operation on a server with one of the stores.
#[derive(Debug, Clone, Copy)]
pub struct Operations {
    operation: Operation,
    store: Store,
}

/// What the design compares an operation with.
struct Reference {
    /// The row's, for each store.
    names: [&'static str; 2],
    what: &'static str,
    /// CPU seconds that a thousand cost upstream's API server and etcd.
    upstream: f64,
    /// How many times less it has to be.
    factor: f64,
}

impl Operation {
    /// All, in the order of the design.
    pub const ALL: [Self; 11] = [
        Self::CreateConfigMap,
        Self::CreatePod,
        Self::GetConfigMap,
        Self::GetPod,
        Self::PutConfigMap,
        Self::MergePatchPod,
        Self::StrategicPatchPod,
        Self::JsonPatchPod,
        Self::ApplyDeployment,
        Self::ApplyNewConfigMap,
        Self::DeleteConfigMap,
    ];

    fn reference(self) -> Reference {
        let (names, what, upstream, factor) = match self {
            Self::CreateConfigMap => {
                (["create-configmap", "etcd-create-configmap"], "create ConfigMap 1 KiB, durable", 1.18, 10.0)
            }
            Self::CreatePod => (["create-pod", "etcd-create-pod"], "create Pod, durable", 2.07, 5.0),
            Self::GetConfigMap => (["get-configmap", "etcd-get-configmap"], "GET ConfigMap", 0.64, 10.0),
            Self::GetPod => (["get-pod", "etcd-get-pod"], "GET Pod", 0.75, 10.0),
            Self::PutConfigMap => (["put-configmap", "etcd-put-configmap"], "PUT ConfigMap", 1.50, 5.0),
            Self::MergePatchPod => {
                (["merge-patch-pod", "etcd-merge-patch-pod"], "merge patch Pod", 3.03, 5.0)
            }
            Self::StrategicPatchPod => {
                (["strategic-patch-pod", "etcd-strategic-patch-pod"], "strategic merge patch Pod", 2.87, 5.0)
            }
            Self::JsonPatchPod => (["json-patch-pod", "etcd-json-patch-pod"], "JSON patch Pod", 2.72, 5.0),
            Self::ApplyDeployment => {
                (["apply-deployment", "etcd-apply-deployment"], "apply, existing Deployment", 3.41, 5.0)
            }
            Self::ApplyNewConfigMap => {
                (["apply-configmap", "etcd-apply-configmap"], "apply, new ConfigMap", 1.69, 5.0)
            }
            Self::DeleteConfigMap => {
                (["delete-configmap", "etcd-delete-configmap"], "DELETE ConfigMap", 1.22, 5.0)
            }
        };
        Reference { names, what, upstream, factor }
    }

    /// What has to be there before.
    fn before(self, count: usize) -> Vec<Call> {
        let config_maps = |count: usize| {
            (0..count).map(|n| Call::post(CONFIG_MAPS, &objects::config_map(&name(n), 'x'))).collect()
        };
        let pods = |count: usize| (0..count).map(|n| Call::post(PODS, &objects::pod(&name(n)))).collect();
        match self {
            Self::CreateConfigMap | Self::CreatePod | Self::ApplyNewConfigMap => Vec::new(),
            Self::GetConfigMap => config_maps(1),
            Self::GetPod => pods(1),
            Self::PutConfigMap => config_maps(SPREAD.min(count)),
            Self::DeleteConfigMap => config_maps(count),
            Self::MergePatchPod | Self::StrategicPatchPod | Self::JsonPatchPod => pods(SPREAD.min(count)),
            Self::ApplyDeployment => (0..SPREAD.min(count)).map(|n| apply_deployment(n, 0)).collect(),
        }
    }

    /// One request of many.
    fn call(self, number: usize) -> Call {
        let spread = number % SPREAD;
        let merge = || doc!({"metadata": {"annotations": {(SEQUENCE): (number + 1).to_string()}}});
        match self {
            Self::CreateConfigMap => Call::post(CONFIG_MAPS, &objects::config_map(&name(number), 'x')),
            Self::CreatePod => Call::post(PODS, &objects::pod(&name(number))),
            Self::GetConfigMap => Call::get(format!("{CONFIG_MAPS}/{}", name(0))),
            Self::GetPod => Call::get(format!("{PODS}/{}", name(0))),
            Self::PutConfigMap => {
                let fill = if (number / SPREAD).is_multiple_of(2) { 'y' } else { 'z' };
                let name = name(spread);
                Call::put(format!("{CONFIG_MAPS}/{name}"), &objects::config_map(&name, fill))
            }
            Self::MergePatchPod => Call::patch(format!("{PODS}/{}", name(spread)), MERGE_PATCH, &merge()),
            Self::StrategicPatchPod => {
                Call::patch(format!("{PODS}/{}", name(spread)), STRATEGIC_PATCH, &merge())
            }
            Self::JsonPatchPod => {
                let path = format!("/metadata/annotations/{}", SEQUENCE.replace('/', "~1"));
                let steps = doc!([{"op": "replace", "path": path, "value": (number + 1).to_string()}]);
                Call::patch(format!("{PODS}/{}", name(spread)), JSON_PATCH, &steps)
            }
            Self::ApplyDeployment => apply_deployment(spread, number + 1),
            Self::ApplyNewConfigMap => {
                let name = name(number);
                let path = format!("{CONFIG_MAPS}/{name}?fieldManager=bench");
                Call::patch(path, APPLY_PATCH, &objects::config_map(&name, 'x'))
            }
            Self::DeleteConfigMap => Call::delete(format!("{CONFIG_MAPS}/{}", name(number))),
        }
    }
}

impl Operations {
    /// All operations on one store.
    pub fn all(store: Store) -> impl Iterator<Item = Self> {
        Operation::ALL.into_iter().map(move |operation| Self { operation, store })
    }
}

impl Row for Operations {
    fn name(&self) -> &'static str {
        let [embedded, etcd] = self.operation.reference().names;
        if self.store == Store::Etcd { etcd } else { embedded }
    }

    fn figures(&self) -> Vec<Figure> {
        let Reference { what, upstream, factor, .. } = self.operation.reference();
        let what = format!("{}{what}", self.store.prefix());
        let cpu = Figure::new("cpu", format!("{what}: server CPU for 1,000"), "s");
        let mut figures = match self.store {
            Store::Embedded => vec![cpu.below(upstream / factor)],
            Store::Etcd => vec![cpu, Figure::new("etcd", format!("{what}: etcd's CPU for 1,000"), "s")],
        };
        figures.extend([
            Figure::new("rate", format!("{what}: {CONNECTIONS} connections"), "/s"),
            Figure::new("p50", format!("{what}: p50"), "ms"),
            Figure::new("p99", format!("{what}: p99"), "ms"),
            Figure::new("memory", format!("{what}: server's memory at most"), "MiB"),
        ]);
        figures
    }

    fn measure(&self, bench: &Bench) -> Result<Measured> {
        let Self { operation, store } = *self;
        let count = bench.count(5_000, 40);
        // Counts of CPU are in hundredths of a second.
        let count = if operation.reference().factor > 5.0 { count * 2 } else { count };
        let mut site = Site::started_on(bench, Parts::ApiServer, store)?;
        let (target, server, etcd) = (site.target()?, site.pid()?, site.etcd());
        site.run(async move {
            prepare(&target).await?;
            closed_loop(&target, CONNECTIONS, server, operation.before(count)).await?;
            let calls = (0..count).map(|number| operation.call(number % count)).collect();
            process::reset_peak(server)?;
            let before = etcd.map(process::cpu).transpose()?;
            let load = closed_loop(&target, CONNECTIONS, server, calls).await?;
            let mut measured = Measured::from([
                ("cpu", load.cpu_per_thousand()),
                ("rate", load.rate()),
                ("p50", load.latency(0.5)),
                ("p99", load.latency(0.99)),
                ("memory", process::peak(server)?),
            ]);
            if let (Some(etcd), Some(before)) = (etcd, before) {
                let used = process::cpu(etcd)? - before;
                measured.insert("etcd", used * 1000.0 / load.latencies.len().max(1) as f64);
            }
            Ok(measured)
        })
    }
}

/// Makes the namespace, and in it the account that pods need, where no controller does.
///
/// # Errors
/// If the server refuses.
pub async fn prepare(target: &Target) -> Result<()> {
    let mut connection = Connection::open(target).await?;
    connection.drain(&Call::post("/api/v1/namespaces", &objects::namespace())).await?;
    let accounts = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts");
    connection.drain(&Call::post(accounts, &objects::service_account())).await?;
    Ok(())
}

fn name(number: usize) -> String {
    format!("object-{number}")
}

fn apply_deployment(of: usize, number: usize) -> Call {
    let name = name(of);
    let path = format!("{DEPLOYMENTS}/{name}?fieldManager=bench&force=true");
    Call::patch(path, APPLY_PATCH, &objects::deployment(&name, number))
}

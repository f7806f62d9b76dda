//! Scheduling end to end: pods are created through the API and counted when a watch shows their node. 5,000 Nodes are there
//! as objects, without kubelets.

use crate::connection::{Call, Connection};
use crate::figure::Figure;
use crate::load::{CONNECTIONS, closed_loop};
use crate::objects;
use crate::process;
use crate::row::{Bench, Measured, Row};
use crate::rows::start::create_first;
use crate::site::{PATIENCE, Parts, Site};
use crate::target::Target;
use anyhow::{Result, ensure};
use std::time::Instant;

const PODS: &str = "/api/v1/namespaces/default/pods";
/// A node without a kubelet counts as lost after 40 s; the row has to be done before.
const LONGEST: f64 = 35.0;

/// The row.
pub struct SchedulingApi;

impl Row for SchedulingApi {
    fn name(&self) -> &'static str {
        "scheduling-api"
    }

    fn figures(&self) -> Vec<Figure> {
        vec![
            Figure::new("rate", "pods created, scheduled and bound through the API, 5,000 nodes", "pods/s")
                .at_least(2_000.0),
            Figure::new("cpu", "the same: server CPU for 1,000 pods", "s"),
        ]
    }

    fn measure(&self, bench: &Bench) -> Result<Measured> {
        let (nodes, pods) = (bench.count(5_000, 10), bench.count(5_000, 20));
        let mut site = Site::started(bench, Parts::ControlPlane)?;
        let (target, server) = (site.target()?, site.pid()?);
        site.run(async move {
            create_first(&target, &objects::pod("first")).await?;
            let begin = Instant::now();
            let create = (0..nodes).map(|n| Call::post("/api/v1/nodes", &objects::node(n))).collect();
            closed_loop(&target, CONNECTIONS, server, create).await?;
            until_untainted(&target).await?;
            Site::rest(server).await?;
            let selector = "fieldSelector=spec.nodeName!%3D";
            let mut watch =
                Connection::open(&target).await?.watch(&format!("{PODS}?watch=true&{selector}")).await?;
            let create =
                (0..pods).map(|n| Call::post(PODS, &objects::schedulable_pod(&format!("pod-{n}")))).collect();
            let (start, cpu) = (Instant::now(), process::cpu(server)?);
            let bound = async {
                let mut bound = 0;
                while bound < pods {
                    let line = watch.line().await?;
                    bound += usize::from(line.starts_with(b"{\"type\":\"ADDED\""));
                }
                anyhow::Ok(())
            };
            let load = closed_loop(&target, CONNECTIONS, server, create);
            tokio::time::timeout(PATIENCE, async { tokio::try_join!(bound, load) }).await??;
            let (wall, cpu) = (start.elapsed(), process::cpu(server)? - cpu);
            ensure!(begin.elapsed().as_secs_f64() < LONGEST, "this took so long that nodes counted as lost");
            Ok([("rate", pods as f64 / wall.as_secs_f64()), ("cpu", cpu * 1000.0 / pods as f64)].into())
        })
    }
}

/// Waits until no node has the taint that new ones get.
async fn until_untainted(target: &Target) -> Result<()> {
    let mut connection = Connection::open(target).await?;
    let start = Instant::now();
    loop {
        let nodes = connection.call(&Call::get("/api/v1/nodes?resourceVersion=0")).await?;
        if memchr::memmem::find(&nodes, b"node.kubernetes.io/not-ready").is_none() {
            return Ok(());
        }
        ensure!(start.elapsed() < PATIENCE, "nodes keep the taint of new ones");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

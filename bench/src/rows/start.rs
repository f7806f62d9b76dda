//! From the start of the process to an API that is ready, a node that is Ready, a pod that runs.
//!
//! Readiness is polled over one connection that stays open; the node and the pod are watched. The first two are measured with
//! an empty data directory, the pod with one that has nothing but its image.

use crate::connection::{Call, Connection};
use crate::figure::Figure;
use crate::objects;
use crate::row::{Bench, Measured, Row};
use crate::site::{PATIENCE, PAUSE, Parts, Site};
use crate::target::Target;
use anyhow::{Result, ensure};
use skiff_apimachinery::Document;
use std::time::Instant;

/// The row.
pub struct Start;

impl Row for Start {
    fn name(&self) -> &'static str {
        "start"
    }

    fn figures(&self) -> Vec<Figure> {
        vec![
            Figure::new("readyz", "process start to /readyz, empty data directory", "s").below(0.5),
            Figure::new("node_ready", "process start to node Ready", "s").below(1.0),
            Figure::new("pod_running", "process start to first pod Running, image present", "s").below(2.0),
        ]
    }

    fn needs_root(&self) -> bool {
        true
    }

    fn measure(&self, bench: &Bench) -> Result<Measured> {
        let mut site = Site::new(bench, Parts::Node)?;
        let start = site.start()?;
        let target = site.target()?;
        let (readyz, node_ready) = site.run(async move {
            ready(&target).await?;
            let readyz = start.elapsed();
            let watch = Connection::open(&target).await?.watch("/api/v1/nodes?watch=true").await?;
            tokio::time::timeout(PATIENCE, until_node_ready(watch)).await??;
            Ok((readyz, start.elapsed()))
        })?;
        drop(site);

        let mut site = Site::new(bench, Parts::Node)?;
        site.import_image()?;
        let start = site.start()?;
        let target = site.target()?;
        let pod_running = site.run(async move {
            ready(&target).await?;
            let mut watch =
                Connection::open(&target).await?.watch("/api/v1/namespaces/default/pods?watch=true").await?;
            create_first(&target, &objects::running_pod("first")).await?;
            tokio::time::timeout(PATIENCE, watch.until(|_, pod| is_running(pod))).await??;
            Ok(start.elapsed())
        })?;
        Ok([
            ("readyz", readyz.as_secs_f64()),
            ("node_ready", node_ready.as_secs_f64()),
            ("pod_running", pod_running.as_secs_f64()),
        ]
        .into())
    }
}

/// Waits until the server says that it is ready.
///
/// # Errors
/// If it takes too long.
pub async fn ready(target: &Target) -> Result<()> {
    let start = Instant::now();
    let mut connection = loop {
        match Connection::open(target).await {
            Ok(connection) => break connection,
            Err(error) if start.elapsed() > PATIENCE => return Err(error),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    };
    loop {
        match connection.drain(&Call::get("/readyz")).await {
            Ok(_) => return Ok(()),
            Err(error) if start.elapsed() > PATIENCE => return Err(error),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Creates the first pod of a cluster, as soon as the account is there that it needs.
///
/// # Errors
/// If that takes too long.
pub async fn create_first(target: &Target, pod: &Document) -> Result<()> {
    let mut connection = Connection::open(target).await?;
    let start = Instant::now();
    let create = Call::post("/api/v1/namespaces/default/pods", pod);
    while let Err(error) = connection.drain(&create).await {
        ensure!(start.elapsed() < PATIENCE, error);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Waits until the node is Ready.
///
/// # Errors
/// If the watch ends.
pub async fn until_node_ready(mut watch: crate::connection::Watch) -> Result<()> {
    watch
        .until(|_, node| {
            let conditions = node.array_at(&["status", "conditions"]);
            conditions.iter().any(|c| c.str_at(&["type"]) == "Ready" && c.str_at(&["status"]) == "True")
        })
        .await
}

/// Whether a pod's status says that it runs.
pub fn is_running(pod: &Document) -> bool {
    pod.str_at(&["status", "phase"]) == "Running"
}

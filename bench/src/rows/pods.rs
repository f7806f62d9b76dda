//! Real pods on a real node with their image present: from creating to a watched status of Running.

use crate::connection::{Call, Connection, Watch};
use crate::figure::Figure;
use crate::load::closed_loop;
use crate::objects;
use crate::row::{Bench, Measured, Row};
use crate::rows::start::{create_first, is_running};
use crate::site::{PATIENCE, PAUSE, Parts, Site};
use crate::statistics::{milliseconds, quantile};
use crate::target::Target;
use anyhow::{Result, ensure};
use std::collections::BTreeSet;
use std::time::Instant;

const PODS: &str = "/api/v1/namespaces/default/pods";
/// Most pods of a node, as upstream sets it.
const MOST: usize = 110;

/// One pod, and when it runs the next.
pub struct OneAtATime;

/// A node full of pods at once.
pub struct AtOnce;

impl Row for OneAtATime {
    fn name(&self) -> &'static str {
        "pod-start"
    }

    fn figures(&self) -> Vec<Figure> {
        vec![
            Figure::new("p50", "pod start, one at a time, to status Running, image present: p50", "ms")
                .below(150.0),
            Figure::new("p99", "pod start, one at a time, to status Running, image present: p99", "ms")
                .below(1000.0),
        ]
    }

    fn needs_root(&self) -> bool {
        true
    }

    fn measure(&self, bench: &Bench) -> Result<Measured> {
        let count = bench.count(30, 3);
        let (site, target) = site(bench)?;
        site.run(async {
            let mut watch = begin(&site, &target).await?;
            let mut connection = Connection::open(&target).await?;
            let mut times = Vec::new();
            for number in 0..count {
                let name = format!("pod-{number}");
                let create = Call::post(PODS, &objects::running_pod(&name));
                let start = Instant::now();
                connection.drain(&create).await?;
                let runs = watch.until(|_, pod| pod.name() == name && is_running(pod));
                tokio::time::timeout(PATIENCE, runs).await??;
                times.push(start.elapsed());
                connection.drain(&Call::delete(format!("{PODS}/{name}"))).await?;
                let gone = watch.until(|kind, pod| pod.name() == name && kind == "DELETED");
                tokio::time::timeout(PATIENCE, gone).await??;
            }
            let times = milliseconds(&times);
            Ok([("p50", quantile(&times, 0.5)), ("p99", quantile(&times, 0.99))].into())
        })
    }
}

impl Row for AtOnce {
    fn name(&self) -> &'static str {
        "pods-at-once"
    }

    fn figures(&self) -> Vec<Figure> {
        vec![
            Figure::new("rate", "110 pods at once to status Running, image present", "pods/s").at_least(30.0),
        ]
    }

    fn needs_root(&self) -> bool {
        true
    }

    fn measure(&self, bench: &Bench) -> Result<Measured> {
        let count = bench.count(MOST, 4);
        let (site, target) = site(bench)?;
        let server = site.pid()?;
        site.run(async {
            let mut watch = begin(&site, &target).await?;
            let create =
                (0..count).map(|n| Call::post(PODS, &objects::running_pod(&format!("pod-{n}")))).collect();
            let start = Instant::now();
            let load = closed_loop(&target, 8, server, create);
            let all = all_running(&mut watch, count);
            tokio::time::timeout(PATIENCE, async { tokio::try_join!(load, all) }).await??;
            Ok([("rate", count as f64 / start.elapsed().as_secs_f64())].into())
        })
    }
}

/// A server with the image.
///
/// # Errors
/// If it does not start.
pub fn site(bench: &Bench) -> Result<(Site, Target)> {
    let mut site = Site::new(bench, Parts::Node)?;
    site.import_image()?;
    site.start()?;
    let target = site.target()?;
    Ok((site, target))
}

/// Starts a first pod and removes it, so that everything is there that the first one makes; returns a watch of pods.
async fn begin(site: &Site, target: &Target) -> Result<Watch> {
    super::start::ready(target).await?;
    let mut watch = Connection::open(target).await?.watch(&format!("{PODS}?watch=true")).await?;
    create_first(target, &objects::running_pod("first")).await?;
    tokio::time::timeout(PATIENCE, watch.until(|_, pod| is_running(pod))).await??;
    Connection::open(target).await?.drain(&Call::delete(format!("{PODS}/first"))).await?;
    tokio::time::timeout(PATIENCE, watch.until(|kind, _| kind == "DELETED")).await??;
    // The node lets it go later than the API, and until then has room for one less.
    let deleted = Instant::now();
    while !site.shims()?.is_empty() {
        ensure!(deleted.elapsed() < PATIENCE, "the first pod stays on the node");
        tokio::time::sleep(PAUSE).await;
    }
    Ok(watch)
}

/// Waits until so many pods run.
///
/// # Errors
/// If the watch ends.
pub async fn all_running(watch: &mut Watch, count: usize) -> Result<()> {
    let mut running = BTreeSet::new();
    watch
        .until(|_, pod| {
            if is_running(pod) {
                running.insert(pod.name().to_owned());
            }
            running.len() >= count
        })
        .await
}

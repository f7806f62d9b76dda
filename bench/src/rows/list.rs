//! LIST of 10,000 Pods over TLS: from memory (`resourceVersion=0`) and consistent, by one client and by eight and nine at the
//! same time.

use crate::connection::Call;
use crate::figure::Figure;
use crate::load::{CONNECTIONS, Load, closed_loop};
use crate::objects;
use crate::process;
use crate::row::{Bench, Measured, Row};
use crate::rows::operations::prepare;
use crate::site::{Parts, Site, Store};
use crate::statistics::{median, milliseconds};
use crate::target::Target;
use anyhow::Result;

const PODS: &str = "/api/v1/namespaces/bench/pods";
/// As informers once began: whatever is in memory.
const FROM_MEMORY: &str = "/api/v1/pods?resourceVersion=0";
/// As kubectl asks: what is stored now.
const CONSISTENT: &str = "/api/v1/pods";
/// Lists that one client asks for, one after the other.
const LISTS: usize = 10;
/// Clients that list at the same time, beside the first.
const FURTHER: usize = 8;
/// Clients of the consistent lists, as upstream was measured with.
const CLIENTS: usize = 8;
const MEBIBYTE: f64 = 1_048_576.0;

/// The row, for a store.
pub struct List(pub Store);

impl Row for List {
    fn name(&self) -> &'static str {
        match self.0 {
            Store::Embedded => "list-pods",
            Store::Etcd => "etcd-list-pods",
        }
    }

    fn figures(&self) -> Vec<Figure> {
        let what = |what: &str| format!("{}LIST 10,000 pods{what}", self.0.prefix());
        vec![
            Figure::new("rate", what(", RV=0, TLS, one client"), "MiB/s").at_least(400.0),
            Figure::new("p50", what(": p50"), "ms"),
            Figure::new("cpu", what(": server CPU for one"), "s"),
            Figure::new("further", what(": memory for each of eight further clients"), "MiB").below(8.0),
            Figure::new("consistent-rate", what(", consistent, one client"), "MiB/s"),
            Figure::new("consistent-p50", what(", consistent, one client: p50"), "ms"),
            Figure::new("consistent-p99", what(", consistent, one client: p99"), "ms"),
            Figure::new("clients-rate", what(", consistent, eight clients"), "MiB/s"),
            Figure::new("clients-p50", what(", consistent, eight clients: p50"), "ms"),
            Figure::new("clients-p99", what(", consistent, eight clients: p99"), "ms"),
            Figure::new("clients-cpu", what(", consistent, eight clients: server CPU for one"), "s"),
            Figure::new("memory", what(": server's memory at most"), "MiB"),
        ]
    }

    fn measure(&self, bench: &Bench) -> Result<Measured> {
        let objects = bench.count(10_000, 50);
        let mut site = Site::started_on(bench, Parts::ApiServer, self.0)?;
        let (target, server) = (site.target()?, site.pid()?);
        site.run(async move {
            prepare(&target).await?;
            let pods = (0..objects).map(|n| Call::post(PODS, &objects::pod(&format!("pod-{n}"))));
            closed_loop(&target, CONNECTIONS, server, pods.collect()).await?;
            lists(&target, server, FROM_MEMORY, 1, 1).await?;
            Site::rest(server).await?;
            process::reset_peak(server)?;
            let one = lists(&target, server, FROM_MEMORY, 1, LISTS).await?;
            let alone = process::peak(server)?;
            process::reset_peak(server)?;
            lists(&target, server, FROM_MEMORY, 1 + FURTHER, (1 + FURTHER) * 2).await?;
            let together = process::peak(server)?;
            let consistent = lists(&target, server, CONSISTENT, 1, LISTS).await?;
            let clients = lists(&target, server, CONSISTENT, CLIENTS, CLIENTS * LISTS).await?;
            let p50 = median(&milliseconds(&one.latencies));
            let size = one.bytes as f64 / LISTS as f64 / MEBIBYTE;
            Ok([
                ("rate", size / (p50 / 1000.0)),
                ("p50", p50),
                ("cpu", one.cpu_per_thousand() / 1000.0),
                ("further", (together - alone).max(0.0) / FURTHER as f64),
                ("consistent-rate", throughput(&consistent)),
                ("consistent-p50", consistent.latency(0.5)),
                ("consistent-p99", consistent.latency(0.99)),
                ("clients-rate", throughput(&clients)),
                ("clients-p50", clients.latency(0.5)),
                ("clients-p99", clients.latency(0.99)),
                ("clients-cpu", clients.cpu_per_thousand() / 1000.0),
                ("memory", process::peak(server)?),
            ]
            .into())
        })
    }
}

/// So many lists by so many clients.
async fn lists(
    target: &Target,
    server: u32,
    path: &'static str,
    clients: usize,
    count: usize,
) -> Result<Load> {
    closed_loop(target, clients, server, vec![Call::get(path); count]).await
}

/// Mebibytes a second.
fn throughput(load: &Load) -> f64 {
    load.bytes as f64 / MEBIBYTE / load.wall.as_secs_f64()
}

//! LIST of 10,000 Pods from memory (`resourceVersion=0`) over TLS, alone and with eight others at the same time.

use crate::connection::Call;
use crate::figure::Figure;
use crate::load::{CONNECTIONS, closed_loop};
use crate::objects;
use crate::process;
use crate::row::{Bench, Measured, Row};
use crate::rows::operations::prepare;
use crate::site::{Parts, Site};
use crate::statistics::{median, milliseconds};
use anyhow::Result;

const PODS: &str = "/api/v1/namespaces/bench/pods";
const LIST: &str = "/api/v1/pods?resourceVersion=0";
/// Lists that one client asks for, one after the other.
const LISTS: usize = 10;
/// Clients that list at the same time, beside the first.
const FURTHER: usize = 8;
const MEBIBYTE: f64 = 1_048_576.0;

/// The row.
pub struct List;

impl Row for List {
    fn name(&self) -> &'static str {
        "list-pods"
    }

    fn figures(&self) -> Vec<Figure> {
        vec![
            Figure::new("rate", "LIST 10,000 pods, RV=0, TLS, one client", "MiB/s").at_least(400.0),
            Figure::new("p50", "LIST 10,000 pods: p50", "ms"),
            Figure::new("cpu", "LIST 10,000 pods: server CPU for one", "s"),
            Figure::new("further", "LIST 10,000 pods: memory for each of eight further clients", "MiB")
                .below(8.0),
        ]
    }

    fn measure(&self, bench: &Bench) -> Result<Measured> {
        let objects = bench.count(10_000, 50);
        let mut site = Site::started(bench, Parts::ApiServer)?;
        let (target, server) = (site.target()?, site.pid()?);
        let (one, further) = site.run(async move {
            prepare(&target).await?;
            let pods = (0..objects).map(|n| Call::post(PODS, &objects::pod(&format!("pod-{n}"))));
            closed_loop(&target, CONNECTIONS, server, pods.collect()).await?;
            let lists = |count: usize| vec![Call::get(LIST); count];
            closed_loop(&target, 1, server, lists(1)).await?;
            Site::rest(server).await?;
            process::reset_peak(server)?;
            let one = closed_loop(&target, 1, server, lists(LISTS)).await?;
            let alone = process::peak(server)?;
            process::reset_peak(server)?;
            closed_loop(&target, 1 + FURTHER, server, lists((1 + FURTHER) * 2)).await?;
            let together = process::peak(server)?;
            Ok((one, (together - alone).max(0.0) / FURTHER as f64))
        })?;
        let p50 = median(&milliseconds(&one.latencies));
        let size = one.bytes as f64 / LISTS as f64 / MEBIBYTE;
        Ok([
            ("rate", size / (p50 / 1000.0)),
            ("p50", p50),
            ("cpu", one.cpu_per_thousand() / 1000.0),
            ("further", further),
        ]
        .into())
    }
}

//! What a server with a node uses when nothing changes.

use crate::connection::Connection;
use crate::figure::Figure;
use crate::process;
use crate::row::{Bench, Measured, Row};
use crate::site::{Parts, Site};
use anyhow::Result;
use std::time::Duration;

/// Memory is read so long after the start, and CPU is counted for so long from there.
const MINUTE: Duration = Duration::from_secs(60);

/// The row.
pub struct Idle;

impl Row for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    fn figures(&self) -> Vec<Figure> {
        vec![
            Figure::new("memory", "idle memory 60 s after start, server with node and shims (PSS)", "MiB")
                .below(100.0 * 1e6 / 1_048_576.0),
            Figure::new("cpu", "idle CPU over 60 s, server with node", "% of a core").below(0.5),
        ]
    }

    fn needs_root(&self) -> bool {
        true
    }

    fn measure(&self, bench: &Bench) -> Result<Measured> {
        let site = Site::started(bench, Parts::Node)?;
        let mut site = site;
        let target = site.target()?;
        site.run(async move {
            let watch = Connection::open(&target).await?.watch("/api/v1/nodes?watch=true").await?;
            super::start::until_node_ready(watch).await
        })?;
        let span = bench.duration(MINUTE, Duration::from_secs(1));
        std::thread::sleep(span);
        let server = site.pid()?;
        let mut memory = process::memory(server)?.proportional;
        for shim in site.shims()? {
            memory += process::memory(shim)?.proportional;
        }
        let before = process::cpu(server)?;
        std::thread::sleep(span);
        let cpu = process::cpu(server)? - before;
        Ok([("memory", memory), ("cpu", cpu / span.as_secs_f64() * 100.0)].into())
    }
}

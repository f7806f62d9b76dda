//! What each running pod costs beside its containers: the memory of its shim.

use crate::connection::{Call, Connection};
use crate::figure::Figure;
use crate::load::closed_loop;
use crate::objects;
use crate::process;
use crate::row::{Bench, Measured, Row};
use crate::rows::pods::{all_running, site};
use crate::rows::start::{create_first, ready};
use crate::site::PATIENCE;
use anyhow::{Result, ensure};

const PODS: &str = "/api/v1/namespaces/default/pods";

/// The row.
pub struct Shim;

impl Row for Shim {
    fn name(&self) -> &'static str {
        "shim"
    }

    fn figures(&self) -> Vec<Figure> {
        vec![
            Figure::new("private_dirty", "shim of a running pod, private dirty memory", "MiB").below(1.0),
            Figure::new("proportional", "shim of a running pod, PSS", "MiB"),
        ]
    }

    fn needs_root(&self) -> bool {
        true
    }

    fn measure(&self, bench: &Bench) -> Result<Measured> {
        let count = bench.count(20, 2);
        let (site, target) = site(bench)?;
        let server = site.pid()?;
        site.run(async move {
            ready(&target).await?;
            let mut watch = Connection::open(&target).await?.watch(&format!("{PODS}?watch=true")).await?;
            create_first(&target, &objects::running_pod("pod-0")).await?;
            let create =
                (1..count).map(|n| Call::post(PODS, &objects::running_pod(&format!("pod-{n}")))).collect();
            closed_loop(&target, 4, server, create).await?;
            tokio::time::timeout(PATIENCE, all_running(&mut watch, count)).await??;
            Ok(())
        })?;
        let shims = site.shims()?;
        ensure!(shims.len() == count, "{count} pods run with {} shims", shims.len());
        let (mut dirty, mut proportional) = (0.0, 0.0);
        for shim in shims {
            let memory = process::memory(shim)?;
            dirty += memory.private_dirty / count as f64;
            proportional += memory.proportional / count as f64;
        }
        Ok([("private_dirty", dirty), ("proportional", proportional)].into())
    }
}

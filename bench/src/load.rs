//! A closed loop: some connections, each sending its next request when the last is answered.

use crate::connection::{Call, Connection};
use crate::process;
use crate::statistics::{milliseconds, quantile};
use crate::target::Target;
use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Connections of the API rows, as upstream was measured with.
pub const CONNECTIONS: usize = 32;

/// What a load was like.
#[derive(Debug)]
pub struct Load {
    /// Of each request, from handing it to the connection to the last byte of the answer.
    pub latencies: Vec<Duration>,
    /// Of all of it.
    pub wall: Duration,
    /// Bytes of all answers.
    pub bytes: usize,
    /// CPU seconds that the server used.
    pub cpu: f64,
}

impl Load {
    /// Requests in a second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.wall.as_secs_f64()
    }

    /// A quantile of the latencies in milliseconds.
    pub fn latency(&self, share: f64) -> f64 {
        quantile(&milliseconds(&self.latencies), share)
    }

    /// CPU seconds that a thousand requests cost the server.
    pub fn cpu_per_thousand(&self) -> f64 {
        self.cpu * 1000.0 / self.latencies.len().max(1) as f64
    }
}

/// Sends all calls over some connections; `server` is the process whose CPU counts.
///
/// # Errors
/// If any request is refused.
pub async fn closed_loop(target: &Target, connections: usize, server: u32, calls: Vec<Call>) -> Result<Load> {
    let mut open = Vec::new();
    for _ in 0..connections.min(calls.len()) {
        open.push(Connection::open(target).await?);
    }
    let calls = Arc::new(calls);
    let next = Arc::new(AtomicUsize::new(0));
    let cpu = process::cpu(server)?;
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for mut connection in open {
        let (calls, next) = (Arc::clone(&calls), Arc::clone(&next));
        workers.spawn(async move {
            let (mut latencies, mut bytes) = (Vec::new(), 0);
            while let Some(call) = calls.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sent = Instant::now();
                bytes += connection.drain(call).await?;
                latencies.push(sent.elapsed());
            }
            anyhow::Ok((latencies, bytes))
        });
    }
    let mut load = Load { latencies: Vec::new(), wall: Duration::ZERO, bytes: 0, cpu: 0.0 };
    while let Some(worker) = workers.join_next().await {
        let (latencies, bytes) = worker??;
        load.latencies.extend(latencies);
        load.bytes += bytes;
    }
    load.wall = start.elapsed();
    load.cpu = process::cpu(server)? - cpu;
    Ok(load)
}

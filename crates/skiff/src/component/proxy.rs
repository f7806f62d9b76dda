//! The Service proxy of a node.

use super::access;
use super::monitor::{self, AliveWithMetrics, Endpoint, Page, Pages};
use anyhow::Result;
use http::StatusCode;
use skiff_client::kubeconfig::Access;
use skiff_client::{Client, SharedInformers};
use skiff_proxy::{Health, Proxy, ProxyConfig};
use skiff_telemetry::Registry;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Upstream's port for health checks.
pub(crate) const HEALTHZ_PORT: u16 = 10256;

/// How a proxy of its own is set up.
pub(crate) struct Config {
    pub(crate) access: Access,
    pub(crate) proxy: ProxyConfig,
    pub(crate) monitors: Monitors,
}

/// Where the proxy tells how it is.
#[derive(Default)]
pub(crate) struct Monitors {
    /// `/healthz` for load balancers.
    pub(crate) healthz: Option<Endpoint>,
    /// `/metrics`.
    pub(crate) metrics: Option<Endpoint>,
}

/// A proxy that speaks through this client and tells how it is.
pub(crate) async fn assemble(
    config: ProxyConfig,
    monitors: Monitors,
    client: Client,
    metrics: &Registry,
    shutdown: CancellationToken,
) -> Result<Proxy> {
    let proxy = Proxy::new(config, &SharedInformers::new(client.clone())).metrics(metrics);
    if let Some(endpoint) = monitors.healthz {
        let pages = Arc::new(Healthz(proxy.health()));
        monitor::open(endpoint, pages, client.clone(), shutdown.clone()).await?;
    }
    if let Some(endpoint) = monitors.metrics {
        let pages = Arc::new(MetricsServer(AliveWithMetrics(metrics.clone())));
        monitor::open(endpoint, pages, client, shutdown).await?;
    }
    Ok(proxy)
}

/// Runs until the token is cancelled; the rules stay.
pub(crate) async fn serve(config: Config, shutdown: CancellationToken) -> Result<()> {
    let client = access::client(config.access, "kube-proxy")?;
    let metrics = Registry::new();
    let proxy = assemble(config.proxy, config.monitors, client, &metrics, shutdown.clone()).await?;
    Ok(proxy.run(shutdown.cancelled()).await?)
}

/// Whether rules are current, in upstream's form.
struct Healthz(Health);

/// Metrics, and which back end works.
struct MetricsServer(AliveWithMetrics);

impl Pages for Healthz {
    fn page(&self, path: &str) -> Option<Page> {
        if !matches!(path, "/healthz" | "/livez") {
            return None;
        }
        let now = jiff::Timestamp::now();
        let healthy = self.0.is_healthy(now);
        let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        Some(Page { status, media_type: "application/json", body: self.0.body(now) })
    }
}

impl Pages for MetricsServer {
    fn page(&self, path: &str) -> Option<Page> {
        if path == "/proxyMode" {
            return Some(Page::text(StatusCode::OK, "nftables"));
        }
        self.0.page(path)
    }
}

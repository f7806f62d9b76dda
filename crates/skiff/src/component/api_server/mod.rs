//! The API server: store, caches, authentication, authorization and admission put together, and what every cluster starts
//! with.

mod compaction;
mod identity;
mod local;
mod seeds;

use super::admission_plugins::AdmissionPlugins;
use anyhow::{Context, Result};
use http::HeaderValue;
use ipnet::IpNet;
use local::InProcess;
use rustls::server::ResolvesServerCert;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use skiff_api::{FeatureGates, Resource, RuntimeConfig};
use skiff_apimachinery::time::{Clock, SystemClock};
use skiff_apimachinery::{GroupResource, GroupVersion};
use skiff_apiserver::admission::PluginInitializer;
use skiff_apiserver::audit::AuditLog;
use skiff_apiserver::authentication::certificate::ClientCertificate;
use skiff_apiserver::authentication::legacy_token::LegacyTokens;
use skiff_apiserver::authentication::no_anonymous::NoAnonymous;
use skiff_apiserver::authentication::openid::OpenIdMetadata;
use skiff_apiserver::authentication::service_account::ServiceAccountTokens;
use skiff_apiserver::authentication::{Authenticator, Chain as Authenticators};
use skiff_apiserver::authorization::always::{AlwaysAllow, AlwaysDeny};
use skiff_apiserver::authorization::node::Node;
use skiff_apiserver::authorization::rbac::Rbac;
use skiff_apiserver::authorization::review::Reviews;
use skiff_apiserver::authorization::{Authorizer, Chain as Authorizers};
use skiff_apiserver::bootstrap::Keeper;
use skiff_apiserver::cache::Caches;
use skiff_apiserver::connect::{DirectDial, Kubelets};
use skiff_apiserver::objects::Objects;
use skiff_apiserver::registry::services::ServiceNetwork;
use skiff_apiserver::{ApiServer, Cors, Hold, OwnDoor, TlsConfig, bootstrap};
use skiff_client::Client;
use skiff_pki::TokenKeys;
use skiff_storage::Storage;
use skiff_storage::transform::Transformer;
use skiff_telemetry::Registry;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Checks that pass when the cluster holds what it must.
const BOOTSTRAP_CHECKS: [&str; 9] = [
    "poststarthook/start-system-namespaces-controller",
    "poststarthook/start-kube-apiserver-identity-lease-controller",
    "poststarthook/start-legacy-token-tracking-controller",
    "poststarthook/rbac/bootstrap-roles",
    "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/bootstrap-controller",
    "poststarthook/start-kubernetes-service-cidr-controller",
    "poststarthook/kube-apiserver-autoregistration",
    "autoregister-completion",
];
/// How long a server that stops may take to be an endpoint no more.
const WITHDRAWAL: Duration = Duration::from_secs(5);

/// How an API server is set up.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) bind_address: IpAddr,
    pub(crate) port: u16,
    /// How pods reach it.
    pub(crate) advertise_addresses: Vec<IpAddr>,
    pub(crate) service_cidrs: Vec<IpNet>,
    pub(crate) node_port_range: (u16, u16),
    pub(crate) tokens: Tokens,
    pub(crate) requests: Requests,
    /// Whether other API servers may use the same store.
    pub(crate) shared_store: bool,
    pub(crate) authorization: Vec<AuthorizationMode>,
    /// Whether requests without credentials are let in as `system:anonymous`.
    pub(crate) anonymous: bool,
    pub(crate) admission: AdmissionPlugins,
    pub(crate) audit_log: Option<PathBuf>,
    pub(crate) runtime_config: RuntimeConfig,
    pub(crate) features: FeatureGates,
}

/// Service-account tokens: who issues them, and for whom.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    /// Tokens of all of them are taken; the first issues.
    pub(crate) issuers: Vec<String>,
    /// Where clients outside find the keys; at this server without.
    pub(crate) keys_uri: Option<String>,
    /// Audiences that the API server answers to.
    pub(crate) audiences: Vec<String>,
    /// Longest time that a token may be asked for, in seconds.
    pub(crate) max_expiration: Option<i64>,
    /// Whether tokens of volumes live longer than asked for.
    pub(crate) extend_expiration: bool,
}

/// How requests are treated, and those who send them; each field is one of upstream's flags.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    pub(crate) timeout: Duration,
    pub(crate) min_timeout: Duration,
    /// Reading and changing ones.
    pub(crate) max_in_flight: (usize, usize),
    pub(crate) shutdown_delay: Duration,
    pub(crate) livez_grace: Duration,
    pub(crate) goaway_chance: f64,
    pub(crate) cors: Option<Cors>,
    pub(crate) hsts: Option<HeaderValue>,
}

/// An authorizer, by its name in `--authorization-mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthorizationMode {
    Node,
    Rbac,
    AlwaysAllow,
    AlwaysDeny,
}

/// What an API server shows and believes.
pub(crate) struct Keys {
    pub(crate) serving: Arc<dyn ResolvesServerCert>,
    /// PEM of the authorities of client certificates; empty takes none.
    pub(crate) client_ca: String,
    pub(crate) tokens: Arc<TokenKeys>,
    /// How it shows itself to kubelets, and whom it believes there.
    pub(crate) kubelet_client: Arc<rustls::ClientConfig>,
}

/// Where it keeps objects, and how those of some resources are sealed.
pub(crate) struct Store {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) transformers: HashMap<GroupResource, Arc<dyn Transformer>>,
    /// How often old revisions are forgotten; `None` leaves that to others.
    pub(crate) compaction_interval: Option<Duration>,
}

/// A running API server.
pub(crate) struct Running {
    api: ApiServer,
    metrics: Registry,
    serving: JoinHandle<Result<(), rustls::Error>>,
    keeping: JoinHandle<()>,
    shutdown: CancellationToken,
}

/// Takes the address; before anything else is touched, so that a used port harms nothing.
pub(crate) async fn listen(config: &Config) -> Result<TcpListener> {
    let socket = SocketAddr::new(config.bind_address, config.port);
    TcpListener::bind(socket).await.with_context(|| format!("cannot listen on {socket}"))
}

/// Starts the API server: when this returns, requests are answered and the cluster holds what it must.
pub(crate) async fn start(
    config: &Config,
    listener: TcpListener,
    keys: Keys,
    store: Store,
) -> Result<Running> {
    let rows = skiff_api::served(&config.runtime_config, &config.features);
    let versions = versions_of(&rows);
    let caches = Caches::new(store.storage.clone(), rows, store.transformers);
    let metrics = Registry::new();
    tell_features(&config.features, &metrics);
    let api = ApiServer::new(parts(config, &keys, &caches, metrics.clone())?).await;
    let held: Vec<Hold> = BOOTSTRAP_CHECKS.iter().map(|check| api.hold_readiness(check)).collect();
    let tls = TlsConfig { certificates: keys.serving, client_authorities: certificates(&keys.client_ca)? };
    // The server goes on while components finish, and stops when they have.
    let shutdown = CancellationToken::new();
    let (server, stop) = (api.clone(), shutdown.clone());
    let serving = tokio::spawn(async move { server.run(&tls, vec![listener], stop).await });

    let own = identity::component("system:apiserver", &["system:masters"]);
    let door = seeds::LocalDoor(api.local(own, "kube-apiserver"));
    let seeds = seeds_config(config, keys.client_ca, versions);
    bootstrap::reconcile(&door, &seeds).await.context("bootstrap")?;
    let keeper = Keeper::new(seeds, Arc::new(door), caches, Arc::new(SystemClock));
    keeper.begin().await.context("bootstrap")?;
    held.iter().for_each(Hold::pass);
    let keeping = tokio::spawn(keeper.run(shutdown.clone()));
    if let Some(interval) = store.compaction_interval {
        tokio::spawn(compaction::run(store.storage, interval, shutdown.clone()));
    }
    Ok(Running { api, metrics, serving, keeping, shutdown })
}

// === impl Running ===

impl Running {
    /// A client with an identity, for a component of this process.
    pub(crate) fn client_of(&self, user: &str, groups: &[&str]) -> Client {
        let agent = user.rsplit(':').next().unwrap_or(user);
        Client::new(Arc::new(InProcess(self.api.local(identity::component(user, groups), agent))))
    }

    /// Makes clients of service accounts in kube-system.
    pub(crate) fn service_account_clients(&self) -> Arc<dyn Fn(&str) -> Client + Send + Sync> {
        let api = self.api.clone();
        Arc::new(move |account| {
            Client::new(Arc::new(InProcess(
                api.local(identity::controller(account), "kube-controller-manager"),
            )))
        })
    }

    /// The registry of this process's metrics.
    pub(crate) fn metrics(&self) -> &Registry {
        &self.metrics
    }

    /// Waits until the API server ends by itself.
    pub(crate) async fn ended(&mut self) -> Result<()> {
        (&mut self.serving).await.context("the API server died")?.context("the API server")
    }

    /// Stops the API server and waits for it.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        // Being an endpoint no more comes first, but must not keep the server from stopping.
        if tokio::time::timeout(WITHDRAWAL, self.keeping).await.is_err() {
            tracing::warn!("this server stays an endpoint of the kubernetes service");
        }
        match self.serving.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "API server"),
            Err(died) => tracing::error!(%died, "API server"),
        }
    }
}

/// Tells which features are on, as upstream's components do.
fn tell_features(features: &FeatureGates, metrics: &Registry) {
    let told = metrics.gauges(
        "kubernetes_feature_enabled",
        "This metric records the data about the stage and enablement of a k8s feature.",
        &["name", "stage"],
    );
    for (gate, on) in features.all() {
        told.with(&[gate.name, gate.stage.label()]).set(i64::from(on));
    }
}

fn parts(
    config: &Config,
    keys: &Keys,
    caches: &Arc<Caches>,
    metrics: Registry,
) -> Result<skiff_apiserver::Config> {
    let objects: Arc<dyn Objects> = caches.clone();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let own_door = Arc::<OwnDoor>::default();
    let mut tokens = ServiceAccountTokens::new(
        keys.tokens.clone(),
        config.tokens.issuers.clone(),
        config.tokens.audiences.clone(),
        objects.clone(),
        clock.clone(),
    );
    tokens.max_expiration = config.tokens.max_expiration;
    tokens.extend_expiration = config.tokens.extend_expiration;
    tokens.legacy = LegacyTokens::new(own_door.clone());
    let tokens = Arc::new(tokens);
    let rbac = Arc::new(Rbac::new(objects.clone()));
    let authorizer: Arc<dyn Authorizer> = Arc::new(Authorizers::new(
        config.authorization.iter().map(|mode| mode.authorizer(&objects, &rbac)).collect(),
    ));
    let mut authenticators: Vec<Arc<dyn Authenticator>> = vec![Arc::new(ClientCertificate), tokens.clone()];
    if !config.anonymous {
        authenticators.push(Arc::new(NoAnonymous));
    }
    let authenticator = Arc::new(Authenticators::new(authenticators));
    let mut parts = skiff_apiserver::Config::new(caches.clone(), authenticator, authorizer.clone());
    parts.own_door = own_door;
    parts.admission = config.admission.chain(&PluginInitializer {
        objects,
        authorizer: authorizer.clone(),
        rbac,
        mapper: caches.table().clone(),
        own_door: parts.own_door.clone(),
        features: config.features.clone(),
        clock: clock.clone(),
    });
    parts.reviews = Some(Arc::new(Reviews { tokens: tokens.clone(), authorizer }));
    parts.tokens = Some(tokens);
    parts.kubelets = Some(Kubelets::new(Arc::new(DirectDial), keys.kubelet_client.clone()));
    if let Some(path) = &config.audit_log {
        let log = AuditLog::open(path).with_context(|| format!("cannot write {}", path.display()))?;
        parts.audit = Some(Arc::new(log));
    }
    let (low, high) = config.node_port_range;
    parts.services = ServiceNetwork { cidrs: config.service_cidrs.clone(), node_ports: low..=high };
    let public = config.advertise_addresses.first().copied().unwrap_or(Ipv4Addr::LOCALHOST.into());
    parts.public_address = SocketAddr::new(public, config.port).to_string();
    parts.openid = openid(config, keys, &parts.public_address);
    parts.clock = clock;
    parts.metrics = metrics;
    treat_requests(&mut parts, &config.requests);
    Ok(parts)
}

fn treat_requests(parts: &mut skiff_apiserver::Config, requests: &Requests) {
    parts.request_timeout = requests.timeout;
    parts.min_request_timeout = requests.min_timeout;
    parts.max_in_flight = requests.max_in_flight;
    parts.shutdown_delay = requests.shutdown_delay;
    parts.livez_grace = requests.livez_grace;
    parts.goaway_chance = requests.goaway_chance;
    parts.cors.clone_from(&requests.cors);
    parts.hsts.clone_from(&requests.hsts);
}

/// What OpenID Connect clients are told of the issuer. Tokens are none the worse without.
fn openid(config: &Config, keys: &Keys, public_address: &str) -> Option<OpenIdMetadata> {
    let issuer = config.tokens.issuers.first()?;
    let keys_uri = config.tokens.keys_uri.as_deref();
    match OpenIdMetadata::new(issuer, keys_uri, public_address, &keys.tokens) {
        Ok(metadata) => Some(metadata),
        Err(error) => {
            tracing::error!(%error, "the issuer of service-account tokens cannot be discovered");
            None
        }
    }
}

/// The API versions of rows that are served.
fn versions_of(rows: &[Arc<Resource>]) -> Vec<GroupVersion> {
    let mut versions: Vec<GroupVersion> = Vec::new();
    for row in rows.iter().filter(|row| row.enabled) {
        let version = GroupVersion::new(row.gvk.group.clone(), row.gvk.version.clone());
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    versions
}

impl AuthorizationMode {
    fn authorizer(self, objects: &Arc<dyn Objects>, rbac: &Arc<Rbac>) -> Arc<dyn Authorizer> {
        match self {
            Self::Node => Arc::new(Node::new(objects.clone())),
            Self::Rbac => rbac.clone(),
            Self::AlwaysAllow => Arc::new(AlwaysAllow),
            Self::AlwaysDeny => Arc::new(AlwaysDeny),
        }
    }
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().context("client CA")
}

fn seeds_config(config: &Config, client_ca: String, versions: Vec<GroupVersion>) -> bootstrap::Config {
    bootstrap::Config {
        service_addresses: config
            .service_cidrs
            .iter()
            .filter_map(|block| crate::server::address::nth(block, 1))
            .collect(),
        service_cidrs: config.service_cidrs.iter().map(|block| block.trunc().to_string()).collect(),
        advertise_addresses: config.advertise_addresses.clone(),
        port: config.port,
        client_ca,
        versions,
        hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        shared_store: config.shared_store,
    }
}

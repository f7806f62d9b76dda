//! The API server put together: what it is made from, how it runs, and the doors to it.

use crate::admission::Plugin;
use crate::authentication::openid::OpenIdMetadata;
use crate::authentication::{Authenticator, UserInfo};
use crate::authorization::Authorizer;
use crate::cache::Caches;
use crate::chain::{AdmissionMetrics, Audit, Core, Limits, Metrics};
use crate::connect::Kubelets;
use crate::custom::CustomResources;
use crate::documents::Documents;
use crate::flow_control::FlowControl;
use crate::health::{Health, Hold};
use crate::local::Local;
use crate::operation::Review;
use crate::own_door::OwnDoor;
use crate::registry::services::{Allocators, ServiceNetwork};
use crate::registry::{Registry, TokenIssuer};
use crate::serve::{self, Cors, TlsConfig};
use crate::upkeep::Upkeep;
use http::HeaderValue;
use skiff_apimachinery::time::{Clock, SystemClock};
use skiff_apimachinery::{GroupResource, Status};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What an API server is made from. The caches come first, because authenticators, authorizers and admission plugins read
/// through them: [`Caches::new`], then those, then [`ApiServer::new`].
pub struct Config {
    /// The caches over the store.
    pub caches: Arc<Caches>,
    /// Finds out who sends a request.
    pub authenticator: Arc<dyn Authenticator>,
    /// Decides who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// Admission plugins, in order.
    pub admission: Vec<Arc<dyn Plugin>>,
    /// Made to lead to the server, for plugins that write.
    pub own_door: Arc<OwnDoor>,
    /// Answers reviews; without it they are not served.
    pub reviews: Option<Arc<dyn Review>>,
    /// Issues service-account tokens; without it they are not served.
    pub tokens: Option<Arc<dyn TokenIssuer>>,
    /// Takes records of requests.
    pub audit: Option<Arc<dyn Audit>>,
    /// Reaches kubelets; without it logs, exec and the like are not served.
    pub kubelets: Option<Kubelets>,
    /// What Services are given.
    pub services: ServiceNetwork,
    /// How clients are told to reach the server (`HOST:PORT`).
    pub public_address: String,
    /// Resources whose caches must be filled before the server is ready: what authorizers and plugins read.
    pub warm: Vec<GroupResource>,
    /// Reading and changing requests at once; 0 is no limit.
    pub max_in_flight: (usize, usize),
    /// How long a request may take, and requests may go on when the server stops.
    pub request_timeout: Duration,
    /// Shortest time that a watch lasts whose client does not say how long; the longest is twice that.
    pub min_request_timeout: Duration,
    /// How long the server goes on as if nothing were after it was told to stop, but for saying that it is not ready.
    pub shutdown_delay: Duration,
    /// How long after the start livez does not mind a boot sequence that is not through.
    pub livez_grace: Duration,
    /// What OpenID Connect clients are told; without it they are told nothing.
    pub openid: Option<OpenIdMetadata>,
    /// Which pages of other origins may read answers.
    pub cors: Option<Cors>,
    /// The value of the `Strict-Transport-Security` header.
    pub hsts: Option<HeaderValue>,
    /// How likely an HTTP/2 request makes its client connect anew, so that clients spread over servers.
    pub goaway_chance: f64,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Where metrics are registered.
    pub metrics: skiff_telemetry::Registry,
}

impl Config {
    /// Upstream's defaults around what has none.
    pub fn new(
        caches: Arc<Caches>,
        authenticator: Arc<dyn Authenticator>,
        authorizer: Arc<dyn Authorizer>,
    ) -> Self {
        Self {
            caches,
            authenticator,
            authorizer,
            admission: Vec::new(),
            own_door: Arc::default(),
            reviews: None,
            tokens: None,
            audit: None,
            kubelets: None,
            services: ServiceNetwork::default(),
            public_address: "127.0.0.1:6443".into(),
            warm: default_warm(),
            max_in_flight: (400, 200),
            request_timeout: Duration::from_secs(60),
            min_request_timeout: Duration::from_secs(1_800),
            shutdown_delay: Duration::ZERO,
            livez_grace: Duration::ZERO,
            openid: None,
            cors: None,
            hsts: None,
            goaway_chance: 0.0,
            clock: Arc::new(SystemClock),
            metrics: skiff_telemetry::Registry::new(),
        }
    }
}

/// What the default authorizers and admission plugins read.
fn default_warm() -> Vec<GroupResource> {
    let core = [
        "limitranges",
        "namespaces",
        "nodes",
        "pods",
        "resourcequotas",
        "secrets",
        "serviceaccounts",
        "services",
    ];
    let rbac = ["roles", "rolebindings", "clusterroles", "clusterrolebindings"];
    let mut all: Vec<GroupResource> = core.iter().map(|plural| GroupResource::new("", *plural)).collect();
    all.extend(rbac.iter().map(|plural| GroupResource::new("rbac.authorization.k8s.io", *plural)));
    let flow_control = ["flowschemas", "prioritylevelconfigurations"];
    all.extend(flow_control.iter().map(|plural| GroupResource::new("flowcontrol.apiserver.k8s.io", *plural)));
    all.push(GroupResource::new("scheduling.k8s.io", "priorityclasses"));
    all.push(GroupResource::new("networking.k8s.io", "ingressclasses"));
    all.push(GroupResource::new("networking.k8s.io", "ipaddresses"));
    all.push(GroupResource::new("networking.k8s.io", "servicecidrs"));
    all.push(GroupResource::new("node.k8s.io", "runtimeclasses"));
    all.push(GroupResource::new("storage.k8s.io", "storageclasses"));
    all.push(GroupResource::new("apiextensions.k8s.io", "customresourcedefinitions"));
    all
}

/// How many objects of each resource there are, as far as they are looked at.
fn tell_objects(metrics: &skiff_telemetry::Registry, caches: &Arc<Caches>) {
    // The metrics outlive no server, but must not keep one from ending.
    let counted = |caches: &Weak<Caches>| -> Vec<(GroupResource, f64)> {
        let running = caches.upgrade().map(|caches| caches.all_running()).unwrap_or_default();
        running.iter().map(|cache| (cache.row().group_resource(), cache.len() as f64)).collect()
    };
    let of = Arc::downgrade(caches);
    metrics.computed_family(
        "apiserver_storage_objects",
        "[DEPRECATED, consider using apiserver_resource_objects instead] Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.",
        &["resource"],
        move || counted(&of).into_iter().map(|(resource, n)| (vec![resource.to_string()], n)).collect(),
    );
    let of = Arc::downgrade(caches);
    metrics.computed_family(
        "apiserver_resource_objects",
        "Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.",
        &["group", "resource"],
        move || {
            let labels = |of: GroupResource| vec![of.group.to_string(), of.resource.to_string()];
            counted(&of).into_iter().map(|(resource, n)| (labels(resource), n)).collect()
        },
    );
}

/// An API server. Cheap to clone.
#[derive(Clone)]
pub struct ApiServer {
    core: Arc<Core>,
    shutdown_delay: Duration,
}

impl ApiServer {
    /// Puts the server together and fills the caches that it needs; it can be called through [`ApiServer::local`] at once.
    pub async fn new(config: Config) -> Self {
        let caches = config.caches;
        let allocators = Arc::new(Allocators::new(&config.services));
        let services = GroupResource::new("", "services");
        let mut warm = config.warm;
        warm.push(services.clone());
        caches.warm(&warm).await;
        for service in crate::objects::Objects::list(&*caches, &services, "") {
            allocators.learn(&service);
        }
        let plugins = config.admission.iter().map(|plugin| plugin.name());
        let registry = Registry {
            caches: caches.clone(),
            admission_metrics: AdmissionMetrics::new(&config.metrics, plugins),
            admission: config.admission,
            allocators,
            tokens: config.tokens,
        };
        tell_objects(&config.metrics, &caches);
        let core = Arc::new(Core {
            documents: Arc::new(Documents::new(caches.table().clone(), &config.public_address)),
            caches: caches.clone(),
            registry,
            authenticator: config.authenticator,
            authorizer: config.authorizer,
            audit: config.audit,
            reviews: config.reviews,
            kubelets: config.kubelets,
            health: Health::new(config.clock.clone(), config.livez_grace, warm),
            clock: config.clock,
            flow_control: FlowControl::new(caches.clone()),
            limits: Limits::new(config.max_in_flight.0, config.max_in_flight.1),
            metrics: Metrics::new(config.metrics),
            openid: config.openid,
            cors: config.cors,
            hsts: config.hsts,
            goaway_chance: config.goaway_chance,
            request_timeout: config.request_timeout,
            min_request_timeout: config.min_request_timeout,
        });
        config.own_door.lead_to(&core);
        Self { core, shutdown_delay: config.shutdown_delay }
    }

    /// Serves the listeners until the token is cancelled. Then readiness fails at once; after the shutdown delay no
    /// connection is accepted any more, watches end, clients are told to go elsewhere, and running requests may finish.
    ///
    /// # Errors
    /// If the TLS configuration is unusable.
    pub async fn run(
        &self,
        tls: &TlsConfig,
        listeners: Vec<TcpListener>,
        shutdown: CancellationToken,
    ) -> Result<(), rustls::Error> {
        tokio::spawn(self.custom_resources().run(shutdown.clone()));
        tokio::spawn(self.upkeep().run(shutdown.clone()));
        let closing = CancellationToken::new();
        let (server, close) = (self.clone(), closing.clone());
        tokio::spawn(async move {
            shutdown.cancelled().await;
            server.core.health.stop();
            tokio::time::sleep(server.shutdown_delay).await;
            close.cancel();
        });
        serve::run(self.core.clone(), tls, listeners, closing).await
    }

    /// Has the records of cluster IPs (IPAddress objects) and node ports agree with the Services; happens every three minutes
    /// anyway.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn repair_records(&self) -> Result<(), Status> {
        self.upkeep().repair().await
    }

    /// What keeps allocations and the default ServiceCIDR right.
    fn upkeep(&self) -> Upkeep {
        Upkeep::new(self.core.clone(), self.local(own_identity(), "kube-apiserver"))
    }

    /// What keeps the rows of custom resources; those of definitions that were there before are published already.
    fn custom_resources(&self) -> CustomResources {
        let local = self.local(own_identity(), "kube-apiserver");
        let mut custom = CustomResources::new(local, self.core.caches.clone(), self.core.clock.clone());
        custom.publish_established();
        custom
    }

    /// The process's own door under an identity. Only whoever composes the process may choose identities.
    pub fn local(&self, identity: UserInfo, user_agent: &str) -> Local {
        Local::new(self.core.clone(), identity, user_agent)
    }

    /// A readiness check that fails until it is told to pass, such as `poststarthook/rbac/bootstrap-roles`.
    pub fn hold_readiness(&self, check: &str) -> Hold {
        self.core.health.hold(check)
    }

    /// Current objects, without a round trip to the store.
    pub fn caches(&self) -> &Arc<Caches> {
        &self.core.caches
    }
}

/// As whom the server itself reads and writes.
fn own_identity() -> UserInfo {
    UserInfo::authenticated("system:apiserver", ["system:masters"])
}

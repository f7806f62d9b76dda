//! The API server over its store, with its certificates, its authorizers, and what every cluster starts with.

use super::data_dir::DataDir;
use super::local::InProcess;
use super::{Config, Datastore, address, compaction, identity, secrets_key, seeds};
use anyhow::{Context, Result};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use skiff_api::Resource;
use skiff_apimachinery::GroupResource;
use skiff_apimachinery::time::{Clock, SystemClock};
use skiff_apiserver::audit::AuditLog;
use skiff_apiserver::authentication::certificate::ClientCertificate;
use skiff_apiserver::authentication::service_account::ServiceAccountTokens;
use skiff_apiserver::authentication::{Authenticator, Chain as Authenticators};
use skiff_apiserver::authorization::escalation::Escalation;
use skiff_apiserver::authorization::node::Node;
use skiff_apiserver::authorization::rbac::Rbac;
use skiff_apiserver::authorization::review::Reviews;
use skiff_apiserver::authorization::{Authorizer, Chain as Authorizers};
use skiff_apiserver::cache::Caches;
use skiff_apiserver::connect::{DirectDial, Kubelets};
use skiff_apiserver::objects::Objects;
use skiff_apiserver::registry::services::ServiceNetwork;
use skiff_apiserver::{ApiServer, TlsConfig, admission, bootstrap};
use skiff_client::Client;
use skiff_pki::{CertificateRequest, Pki, ServingCertificate};
use skiff_storage::Storage;
use skiff_storage::embedded::{EmbeddedOptions, EmbeddedStorage};
use skiff_storage::etcd::{EtcdIdentity, EtcdOptions, EtcdStorage, EtcdTls};
use skiff_storage::transform::Transformer;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The running control plane.
pub(super) struct ControlPlane {
    api: ApiServer,
    pki: Pki,
    metrics: skiff_telemetry::Registry,
    serving: JoinHandle<Result<(), rustls::Error>>,
    shutdown: CancellationToken,
}

/// Starts the control plane: when this returns, requests are answered and the cluster holds what it must.
pub(super) async fn start(config: &Config, data_dir: &DataDir) -> Result<ControlPlane> {
    let socket = SocketAddr::new(config.bind_address, config.port);
    let listener = TcpListener::bind(socket).await.with_context(|| format!("cannot listen on {socket}"))?;
    let pki = Pki::open(&data_dir.tls())?;
    let storage = storage(config, data_dir).await?;
    let transformer: Arc<dyn Transformer> = Arc::new(secrets_key::open(&data_dir.encryption_key())?);
    let transformers = HashMap::from([(GroupResource::new("", "secrets"), transformer)]);
    let caches = Caches::new(storage.clone(), rows(&config.runtime_config), transformers);

    let metrics = skiff_telemetry::Registry::new();
    let api = ApiServer::new(parts(config, &pki, &caches, metrics.clone())?).await;
    let bootstrapped = api.hold_readiness("poststarthook/rbac/bootstrap-roles");
    let tls = TlsConfig {
        certificates: ServingCertificate::new(pki.server_ca.clone(), serving_request(config))?,
        client_authorities: certificates(pki.client_ca.certificate_pem())?,
    };
    // The server goes on while components finish, and stops when they have.
    let shutdown = CancellationToken::new();
    let (server, stop) = (api.clone(), shutdown.clone());
    let serving = tokio::spawn(async move { server.run(&tls, vec![listener], stop).await });
    write_kubeconfig(config, &pki)?;

    let door = api.local(identity::component("system:apiserver", &["system:masters"]), "kube-apiserver");
    bootstrap::reconcile(&seeds::LocalDoor(door), &seeds_config(config, &pki)).await.context("bootstrap")?;
    bootstrapped.pass();
    tokio::spawn(compaction::run(storage, shutdown.clone()));
    Ok(ControlPlane { api, pki, metrics, serving, shutdown })
}

impl ControlPlane {
    /// A client with an identity, for a component of this process.
    pub(super) fn client_of(&self, user: &str, groups: &[&str]) -> Client {
        let agent = user.rsplit(':').next().unwrap_or(user);
        Client::new(Arc::new(InProcess(self.api.local(identity::component(user, groups), agent))))
    }

    /// Makes clients of service accounts in kube-system.
    pub(super) fn service_account_clients(&self) -> Arc<dyn Fn(&str) -> Client + Send + Sync> {
        let api = self.api.clone();
        Arc::new(move |account| {
            Client::new(Arc::new(InProcess(
                api.local(identity::controller(account), "kube-controller-manager"),
            )))
        })
    }

    /// The registry of this process's metrics.
    pub(super) fn metrics(&self) -> &skiff_telemetry::Registry {
        &self.metrics
    }

    /// PEM of the authority that signs serving certificates.
    pub(super) fn server_ca(&self) -> &str {
        self.pki.server_ca.certificate_pem()
    }

    /// A certificate for a kubelet's server.
    pub(super) fn kubelet_certificate(
        &self,
        node: &str,
        addresses: &[IpAddr],
    ) -> Result<Arc<ServingCertificate>> {
        let mut addresses = addresses.to_vec();
        addresses.push(Ipv4Addr::LOCALHOST.into());
        let names = vec![node.to_owned(), "localhost".to_owned()];
        let request = CertificateRequest::server(format!("system:node:{node}"), names, addresses);
        Ok(ServingCertificate::new(self.pki.server_ca.clone(), request)?)
    }

    /// Who signs client certificates.
    pub(super) fn client_roots(&self) -> Result<rustls::RootCertStore> {
        Ok(skiff_pki::serving::roots(self.pki.client_ca.certificate_pem())?)
    }

    /// Stops the API server and waits for it.
    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        match self.serving.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "API server"),
            Err(died) => tracing::error!(%died, "API server"),
        }
    }
}

async fn storage(config: &Config, data_dir: &DataDir) -> Result<Arc<dyn Storage>> {
    match &config.datastore {
        Datastore::Embedded => {
            Ok(Arc::new(EmbeddedStorage::open(&data_dir.store(), EmbeddedOptions::default())?))
        }
        Datastore::Etcd { endpoints, ca, certificate, key } => {
            let read =
                |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
            let client = match (certificate, key) {
                (Some(certificate), Some(key)) => {
                    Some(EtcdIdentity { certificate: read(certificate)?, key: read(key)? })
                }
                _ => None,
            };
            let tls = match ca {
                Some(ca) => Some(EtcdTls { ca: read(ca)?, client }),
                None => None,
            };
            let options = EtcdOptions { endpoints: endpoints.clone(), tls };
            Ok(Arc::new(EtcdStorage::connect(options).await.context("cannot reach the datastore")?))
        }
    }
}

/// The built-in rows with what `--runtime-config` turns on and off.
fn rows(switches: &[(String, bool)]) -> Vec<Arc<Resource>> {
    let mut rows = skiff_api::builtin();
    for (name, on) in switches {
        for row in &mut rows {
            let version = row.group_version().to_string();
            let resource = format!("{version}/{}", row.plural);
            let stability = if row.gvk.version.contains("alpha") {
                "api/alpha"
            } else if row.gvk.version.contains("beta") {
                "api/beta"
            } else {
                "api/ga"
            };
            if [version.as_str(), resource.as_str(), stability, "api/all"].contains(&name.as_str()) {
                Arc::make_mut(row).enabled = *on;
            }
        }
    }
    rows
}

fn parts(
    config: &Config,
    pki: &Pki,
    caches: &Arc<Caches>,
    metrics: skiff_telemetry::Registry,
) -> Result<skiff_apiserver::Config> {
    let objects: Arc<dyn Objects> = caches.clone();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let issuer = format!("https://kubernetes.default.svc.{}", config.cluster_domain);
    let tokens = Arc::new(ServiceAccountTokens {
        keys: pki.service_account.clone(),
        audiences: vec![issuer.clone(), "skiff".to_owned()],
        issuer,
        objects: objects.clone(),
        clock: clock.clone(),
    });
    let rbac = Arc::new(Rbac::new(objects.clone()));
    let node: Arc<dyn Authorizer> = Arc::new(Node::new(objects.clone()));
    let authorizer: Arc<dyn Authorizer> = Arc::new(Authorizers::new(vec![node, rbac.clone()]));
    let certificate: Arc<dyn Authenticator> = Arc::new(ClientCertificate);
    let authenticator = Arc::new(Authenticators::new(vec![certificate, tokens.clone()]));
    let escalation =
        Escalation { rbac: rbac.clone(), authorizer: authorizer.clone(), objects: objects.clone() };
    let mut parts = skiff_apiserver::Config::new(caches.clone(), authenticator, authorizer.clone());
    parts.admission = admission::default_chain(&objects, escalation);
    parts.reviews = Some(Arc::new(Reviews { tokens: tokens.clone(), authorizer, rbac }));
    parts.tokens = Some(tokens);
    parts.kubelets = Some(Kubelets::new(Arc::new(DirectDial), kubelet_client(pki)?));
    if let Some(path) = &config.audit_log {
        let log = AuditLog::open(path).with_context(|| format!("cannot write {}", path.display()))?;
        parts.audit = Some(Arc::new(log));
    }
    let (low, high) = config.node_port_range;
    parts.services = ServiceNetwork { cidrs: config.service_cidrs.clone(), node_ports: low..=high };
    let public = config.advertise_addresses.first().copied().unwrap_or(Ipv4Addr::LOCALHOST.into());
    parts.public_address = SocketAddr::new(public, config.port).to_string();
    parts.clock = clock;
    parts.metrics = metrics;
    Ok(parts)
}

/// How the API server shows itself to kubelets, and whom it believes there.
fn kubelet_client(pki: &Pki) -> Result<Arc<rustls::ClientConfig>> {
    let request = CertificateRequest::client("kube-apiserver-kubelet-client", Some("system:masters"));
    let (chain, key) = skiff_pki::serving::parse(&pki.client_ca.issue(&request)?)?;
    let roots = skiff_pki::serving::roots(pki.server_ca.certificate_pem())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    Ok(Arc::new(config))
}

/// What the API server's certificate is for: its names inside the cluster, and its addresses.
fn serving_request(config: &Config) -> CertificateRequest {
    let mut names: Vec<String> = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost"]
        .into_iter()
        .map(str::to_owned)
        .collect();
    names.push(format!("kubernetes.default.svc.{}", config.cluster_domain));
    names.push(config.node_name.clone());
    let mut addresses: Vec<IpAddr> = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    addresses.extend(config.service_cidrs.iter().filter_map(|block| address::nth(block, 1)));
    addresses.extend(&config.node_addresses);
    addresses.extend(&config.advertise_addresses);
    if !config.bind_address.is_unspecified() {
        addresses.push(config.bind_address);
    }
    for name in &config.certificate_names {
        match name.parse() {
            Ok(address) => addresses.push(address),
            Err(_) => names.push(name.clone()),
        }
    }
    CertificateRequest::server("kube-apiserver", names, addresses)
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().context("client CA")
}

/// Writes the administrator's kubeconfig, with a certificate issued now.
fn write_kubeconfig(config: &Config, pki: &Pki) -> Result<()> {
    let admin = pki.client_ca.issue(&CertificateRequest::client("system:admin", Some("system:masters")))?;
    let host = if config.bind_address.is_unspecified() {
        IpAddr::from(Ipv4Addr::LOCALHOST)
    } else {
        config.bind_address
    };
    let server = format!("https://{}", SocketAddr::new(host, config.port));
    let text = skiff_pki::kubeconfig::with_certificate(&server, pki.server_ca.certificate_pem(), &admin);
    skiff_pki::file::write_private(&config.kubeconfig, text.as_bytes()).context("cannot write the kubeconfig")
}

fn seeds_config(config: &Config, pki: &Pki) -> bootstrap::Config {
    bootstrap::Config {
        service_addresses: config.service_cidrs.iter().filter_map(|block| address::nth(block, 1)).collect(),
        service_cidrs: config.service_cidrs.iter().map(ToString::to_string).collect(),
        advertise_addresses: config.advertise_addresses.clone(),
        port: config.port,
        client_ca: pki.client_ca.certificate_pem().to_owned(),
    }
}

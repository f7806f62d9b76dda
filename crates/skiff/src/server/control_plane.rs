//! The control plane of a server: the API server with keys and a store from the data directory.

use super::data_dir::DataDir;
use super::{Config, address, secrets_key};
use crate::component::admission_plugins::AdmissionPlugins;
use crate::component::api_server::{self, AuthorizationMode, Keys, Running, Store, Tokens};
use crate::component::datastore;
use anyhow::{Context, Result};
use skiff_apimachinery::GroupResource;
use skiff_client::Client;
use skiff_pki::{CertificateRequest, Pki, ServingCertificate};
use skiff_storage::transform::Transformer;
use skiff_telemetry::Registry;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// The running control plane.
pub(super) struct ControlPlane {
    api: Running,
    pki: Pki,
}

/// Starts the control plane: when this returns, requests are answered and the cluster holds what it must.
pub(super) async fn start(config: &Config, data_dir: &DataDir) -> Result<ControlPlane> {
    let settings = settings(config);
    let listener = api_server::listen(&settings).await?;
    let pki = Pki::open(&data_dir.tls())?;
    let storage = match &config.datastore {
        Some(etcd) => etcd.connect().await?,
        None => datastore::embedded(&data_dir.store())?,
    };
    let transformer: Arc<dyn Transformer> = Arc::new(secrets_key::open(&data_dir.encryption_key())?);
    let transformers = HashMap::from([(GroupResource::new("", "secrets"), transformer)]);
    let keys = Keys {
        serving: ServingCertificate::new(pki.server_ca.clone(), serving_request(config))?,
        client_ca: pki.client_ca.certificate_pem().to_owned(),
        tokens: pki.service_account.clone(),
        kubelet_client: kubelet_client(&pki)?,
    };
    let store = Store { storage, transformers, compaction_interval: config.compaction_interval };
    let api = api_server::start(&settings, listener, keys, store).await?;
    write_kubeconfig(config, &pki)?;
    Ok(ControlPlane { api, pki })
}

impl ControlPlane {
    /// A client with an identity, for a component of this process.
    pub(super) fn client_of(&self, user: &str, groups: &[&str]) -> Client {
        self.api.client_of(user, groups)
    }

    /// Makes clients of service accounts in kube-system.
    pub(super) fn service_account_clients(&self) -> Arc<dyn Fn(&str) -> Client + Send + Sync> {
        self.api.service_account_clients()
    }

    /// The registry of this process's metrics.
    pub(super) fn metrics(&self) -> &Registry {
        self.api.metrics()
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
        self.api.stop().await;
    }
}

fn settings(config: &Config) -> api_server::Config {
    let issuer = format!("https://kubernetes.default.svc.{}", config.cluster_domain);
    api_server::Config {
        bind_address: config.bind_address,
        port: config.port,
        advertise_addresses: config.advertise_addresses.clone(),
        service_cidrs: config.service_cidrs.clone(),
        node_port_range: config.node_port_range,
        tokens: Tokens {
            audiences: vec![issuer.clone(), "skiff".to_owned()],
            issuers: vec![issuer],
            keys_uri: None,
            max_expiration: None,
            extend_expiration: true,
        },
        requests: config.requests.clone(),
        shared_store: config.datastore.is_some(),
        authorization: vec![AuthorizationMode::Node, AuthorizationMode::Rbac],
        anonymous: true,
        admission: AdmissionPlugins::default(),
        audit_log: config.audit_log.clone(),
        runtime_config: config.runtime_config.clone(),
        features: config.features.clone(),
    }
}

/// How the API server shows itself to kubelets, and whom it believes there.
fn kubelet_client(pki: &Pki) -> Result<Arc<rustls::ClientConfig>> {
    let request = CertificateRequest::client("kube-apiserver-kubelet-client", Some("system:masters"));
    let identity = pki.client_ca.issue(&request)?;
    Ok(skiff_pki::client_tls(Some(pki.server_ca.certificate_pem()), Some(&identity))?)
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

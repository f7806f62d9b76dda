//! `skiff kube-apiserver`: the API server alone on an etcd cluster, with upstream's flags.

use super::flags::api_versions::ApiVersionFlags;
use super::flags::features::FeatureFlags;
use super::flags::logging::LoggingFlags;
use super::flags::requests::RequestFlags;
use super::flags::serving::{ServingFlags, read};
use super::flags::storage::StorageFlags;
use super::flags::tokens::TokenFlags;
use super::server::port_range;
use crate::component::admission_plugins::AdmissionPlugins;
use crate::component::api_server::{self, AuthorizationMode, Config, Keys, Store};
use crate::component::datastore::Etcd;
use crate::component::process;
use crate::server::address;
use anyhow::{Context, Result, bail, ensure};
use ipnet::IpNet;
use skiff_pki::Issued;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Where upstream keeps a self-signed certificate.
const CERT_DIR: &str = "/var/run/kubernetes";
/// The only prefix of keys that is known.
const PREFIX: &str = "/registry";

/// Flags of `skiff kube-apiserver`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Members of the etcd cluster, as URLs
    #[arg(long, value_delimiter = ',', required = true, value_name = "URLS")]
    etcd_servers: Vec<String>,
    /// CA of the etcd cluster
    #[arg(long, value_name = "FILE")]
    etcd_cafile: Option<PathBuf>,
    /// Client certificate for the etcd cluster
    #[arg(long, value_name = "FILE")]
    etcd_certfile: Option<PathBuf>,
    /// Key of the client certificate for the etcd cluster
    #[arg(long, value_name = "FILE")]
    etcd_keyfile: Option<PathBuf>,
    /// Prefix of all keys
    #[arg(long, default_value = PREFIX)]
    etcd_prefix: String,
    #[command(flatten)]
    storage: StorageFlags,
    #[command(flatten)]
    serving: ServingFlags,
    /// Port to listen on
    #[arg(long, default_value_t = 6443)]
    secure_port: u16,
    /// Address that pods reach the API server at (default: that of the default route)
    #[arg(long)]
    advertise_address: Option<IpAddr>,
    /// Addresses of Services, one block per address family
    #[arg(long, default_value = "10.0.0.0/24", value_delimiter = ',')]
    service_cluster_ip_range: Vec<IpNet>,
    /// Ports of NodePort Services
    #[arg(long, default_value = "30000-32767")]
    service_node_port_range: String,
    #[command(flatten)]
    tokens: TokenFlags,
    #[command(flatten)]
    requests: RequestFlags,
    /// Authorizers in the order in which they are asked: Node, RBAC, AlwaysAllow, AlwaysDeny
    #[arg(long, default_value = "AlwaysAllow", value_delimiter = ',')]
    authorization_mode: Vec<String>,
    /// Let in requests without credentials as system:anonymous
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    anonymous_auth: bool,
    /// Admission plugins to run beside the default ones
    #[arg(long, value_delimiter = ',')]
    enable_admission_plugins: Vec<String>,
    /// Default admission plugins that are not run
    #[arg(long, value_delimiter = ',')]
    disable_admission_plugins: Vec<String>,
    /// Client certificate for kubelets
    #[arg(long, value_name = "FILE")]
    kubelet_client_certificate: Option<PathBuf>,
    /// Key of the client certificate for kubelets
    #[arg(long, value_name = "FILE")]
    kubelet_client_key: Option<PathBuf>,
    /// Authorities of kubelets' serving certificates (default: any certificate is taken)
    #[arg(long, value_name = "FILE")]
    kubelet_certificate_authority: Option<PathBuf>,
    /// Accepted as upstream has it: privileged containers are always allowed
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    allow_privileged: bool,
    /// File that audit events are appended to
    #[arg(long, value_name = "FILE")]
    audit_log_path: Option<PathBuf>,
    #[command(flatten)]
    versions: ApiVersionFlags,
    #[command(flatten)]
    features: FeatureFlags,
    #[command(flatten)]
    logging: LoggingFlags,
}

/// Runs an API server until it is told to stop.
pub(super) fn run(args: Args) -> Result<()> {
    args.logging.init()?;
    ensure!(args.etcd_prefix == PREFIX, "--etcd-prefix {}: only {PREFIX} is known", args.etcd_prefix);
    ensure!(args.allow_privileged, "--allow-privileged=false is not known: use Pod Security admission");
    let config = config(&args)?;
    let keys = keys(&args, &config)?;
    let etcd = Etcd {
        endpoints: args.etcd_servers,
        ca: args.etcd_cafile,
        certificate: args.etcd_certfile,
        key: args.etcd_keyfile,
    };
    let compaction_interval = args.storage.compaction_interval();
    process::run(|shutdown| serve(config, keys, etcd, compaction_interval, shutdown))
}

async fn serve(
    config: Config,
    keys: Keys,
    etcd: Etcd,
    compaction_interval: Option<Duration>,
    shutdown: CancellationToken,
) -> Result<()> {
    let listener = api_server::listen(&config).await?;
    // Like upstream's without --encryption-provider-config: nothing is sealed.
    let store = Store { storage: etcd.connect().await?, transformers: HashMap::new(), compaction_interval };
    let mut running = tokio::select! {
        running = api_server::start(&config, listener, keys, store) => running?,
        () = shutdown.cancelled() => return Ok(()),
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        outcome = running.ended() => return outcome,
    }
    running.stop().await;
    Ok(())
}

fn config(args: &Args) -> Result<Config> {
    let advertise = match args.advertise_address {
        Some(address) => address,
        None if !args.serving.bind_address.is_unspecified() => args.serving.bind_address,
        None => address::of_default_route()
            .context("cannot find this machine's address: give --advertise-address")?,
    };
    let authorization: Vec<AuthorizationMode> =
        args.authorization_mode.iter().map(|name| mode(name)).collect::<Result<_>>()?;
    Ok(Config {
        bind_address: args.serving.bind_address,
        port: args.secure_port,
        advertise_addresses: vec![advertise],
        service_cidrs: args.service_cluster_ip_range.clone(),
        node_port_range: port_range(&args.service_node_port_range)?,
        tokens: args.tokens.read()?,
        requests: args.requests.read()?,
        shared_store: true,
        // As upstream: who may do everything must at least have a name.
        anonymous: args.anonymous_auth && !authorization.contains(&AuthorizationMode::AlwaysAllow),
        authorization,
        admission: AdmissionPlugins::choose(
            &args.enable_admission_plugins,
            args.disable_admission_plugins.clone(),
        )?,
        audit_log: args.audit_log_path.clone(),
        runtime_config: args.versions.config()?,
        features: args.features.gates()?,
    })
}

fn mode(name: &str) -> Result<AuthorizationMode> {
    Ok(match name {
        "Node" => AuthorizationMode::Node,
        "RBAC" => AuthorizationMode::Rbac,
        "AlwaysAllow" => AuthorizationMode::AlwaysAllow,
        "AlwaysDeny" => AuthorizationMode::AlwaysDeny,
        "ABAC" | "Webhook" => bail!("authorization-mode \"{name}\" is not part of this version yet"),
        _ => bail!("authorization-mode \"{name}\" is not a valid mode"),
    })
}

fn keys(args: &Args, config: &Config) -> Result<Keys> {
    let mut addresses = config.advertise_addresses.clone();
    addresses.extend(config.service_cidrs.iter().filter_map(|block| address::nth(block, 1)));
    let tokens = args.tokens.keys()?;
    Ok(Keys {
        serving: args.serving.certificate("apiserver", Some(Path::new(CERT_DIR)), &addresses)?,
        client_ca: args.serving.client_ca()?.unwrap_or_default(),
        tokens: Arc::new(tokens),
        kubelet_client: kubelet_client(args)?,
    })
}

fn kubelet_client(args: &Args) -> Result<Arc<rustls::ClientConfig>> {
    let authority = args.kubelet_certificate_authority.as_deref().map(read).transpose()?;
    let identity = match (&args.kubelet_client_certificate, &args.kubelet_client_key) {
        (Some(certificate), Some(key)) => {
            Some(Issued { certificate_pem: read(certificate)?, key_pem: read(key)? })
        }
        (None, None) => None,
        _ => bail!("--kubelet-client-certificate and --kubelet-client-key must be given together"),
    };
    skiff_pki::client_tls(authority.as_deref(), identity.as_ref()).context("keys for kubelets")
}

//! `KubeletConfiguration` of `kubelet.config.k8s.io/v1beta1`, as `--config` names it.
//!
//! The file is read strictly, as upstream does: a field that the kind does not have is refused. Fields of the kind that
//! have no meaning here yet are told, so that nobody relies on them.

use crate::config::KubeletConfig;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, yaml};
use std::path::PathBuf;
use std::time::Duration;

const API_VERSION: &str = "kubelet.config.k8s.io/v1beta1";

/// Fields of the kind without meaning here yet.
const UNUSED: &[&str] = &[
    "allowedUnsafeSysctls",
    "authorization",
    "cgroupDriver",
    "cgroupsPerQOS",
    "configMapAndSecretChangeDetectionStrategy",
    "containerLogMaxWorkers",
    "containerLogMonitorInterval",
    "contentType",
    "cpuCFSQuota",
    "cpuCFSQuotaPeriod",
    "cpuManagerPolicy",
    "cpuManagerPolicyOptions",
    "cpuManagerReconcilePeriod",
    "crashLoopBackOff",
    "enableContentionProfiling",
    "enableControllerAttachDetach",
    "enableDebugFlagsHandler",
    "enableDebuggingHandlers",
    "enableProfilingHandler",
    "enableServer",
    "enableSystemLogHandler",
    "enableSystemLogQuery",
    "enforceNodeAllocatable",
    "eventBurst",
    "eventRecordQPS",
    "evictionHard",
    "evictionMaxPodGracePeriod",
    "evictionMinimumReclaim",
    "evictionPressureTransitionPeriod",
    "evictionSoft",
    "evictionSoftGracePeriod",
    "failCgroupV1",
    "failSwapOn",
    "featureGates",
    "fileCheckFrequency",
    "hairpinMode",
    "httpCheckFrequency",
    "imageGCHighThresholdPercent",
    "imageGCLowThresholdPercent",
    "imageMaximumGCAge",
    "imageMinimumGCAge",
    "imagePullCredentialsVerificationPolicy",
    "imageServiceEndpoint",
    "iptablesDropBit",
    "iptablesMasqueradeBit",
    "kernelMemcgNotification",
    "kubeAPIBurst",
    "kubeAPIQPS",
    "kubeReserved",
    "kubeReservedCgroup",
    "kubeletCgroups",
    "localStorageCapacityIsolation",
    "logging",
    "makeIPTablesUtilChains",
    "maxOpenFiles",
    "maxParallelImagePulls",
    "memoryManagerPolicy",
    "memorySwap",
    "memoryThrottlingFactor",
    "mergeDefaultEvictionSettings",
    "nodeStatusMaxImages",
    "nodeStatusUpdateFrequency",
    "oomScoreAdj",
    "podCIDR",
    "podsPerCore",
    "preloadedImagesVerificationAllowlist",
    "protectKernelDefaults",
    "qosReserved",
    "readOnlyPort",
    "registryBurst",
    "registryPullQPS",
    "reservedMemory",
    "reservedSystemCPUs",
    "rotateCertificates",
    "runOnce",
    "runtimeRequestTimeout",
    "serializeImagePulls",
    "serverTLSBootstrap",
    "showHiddenMetricsForVersion",
    "shutdownGracePeriod",
    "shutdownGracePeriodByPodPriority",
    "shutdownGracePeriodCriticalPods",
    "singleProcessOOMKill",
    "staticPodPath",
    "staticPodURL",
    "staticPodURLHeader",
    "streamingConnectionIdleTimeout",
    "syncFrequency",
    "systemCgroups",
    "systemReserved",
    "systemReservedCgroup",
    "tlsCipherSuites",
    "tlsMinVersion",
    "topologyManagerPolicy",
    "topologyManagerPolicyOptions",
    "topologyManagerScope",
    "tracing",
    "userNamespaces",
    "volumePluginDir",
    "volumeStatsAggPeriod",
];

/// The file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// It is no YAML.
    #[error("failed to decode: {0}")]
    Malformed(String),
    /// It is another kind.
    #[error("no kind \"{kind}\" is registered for version \"{version}\"")]
    Kind {
        /// Its kind.
        kind: String,
        /// Its version.
        version: String,
    },
    /// It has a field that the kind does not have.
    #[error("strict decoding error: unknown field {0:?}")]
    UnknownField(String),
    /// A field has a value that it cannot have.
    #[error("{field}: {why}")]
    Value {
        /// Which.
        field: &'static str,
        /// What is wrong.
        why: String,
    },
}

/// What the file says that is not the kubelet's own matter but that of the process around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// `authentication.x509.clientCAFile`.
    pub client_ca_file: Option<PathBuf>,
    /// `tlsCertFile`.
    pub tls_cert_file: Option<PathBuf>,
    /// `tlsPrivateKeyFile`.
    pub tls_private_key_file: Option<PathBuf>,
    /// `containerRuntimeEndpoint`.
    pub container_runtime_endpoint: Option<String>,
    /// `healthzBindAddress`.
    pub healthz_bind_address: Option<String>,
    /// `healthzPort`.
    pub healthz_port: Option<u16>,
    /// Fields that have no meaning here yet.
    pub unused: Vec<String>,
}

/// Reads a file's text into the settings.
///
/// # Errors
/// If the text is not this kind, or a field is wrong.
pub fn read(text: &str, config: &mut KubeletConfig) -> Result<Surroundings, ConfigurationError> {
    let document = yaml::decode(text).map_err(|e| ConfigurationError::Malformed(e.to_string()))?;
    let (kind, version) = (document.str_at(&["kind"]), document.str_at(&["apiVersion"]));
    if kind != "KubeletConfiguration" || version != API_VERSION {
        return Err(ConfigurationError::Kind { kind: kind.to_owned(), version: version.to_owned() });
    }
    let mut around = Surroundings::default();
    let Some(fields) = document.as_object() else { return Ok(around) };
    for (name, value) in fields.iter() {
        if !value.is_null() {
            field(name, value, config, &mut around)?;
        }
    }
    Ok(around)
}

fn field(
    name: &str,
    value: &Document,
    config: &mut KubeletConfig,
    around: &mut Surroundings,
) -> Result<(), ConfigurationError> {
    match name {
        "kind" | "apiVersion" => {}
        "address" => config.address = parsed("address", value)?,
        "port" => config.port = number("port", value)?,
        "healthzBindAddress" => around.healthz_bind_address = Some(text("healthzBindAddress", value)?),
        "healthzPort" => around.healthz_port = Some(number("healthzPort", value)?),
        "tlsCertFile" => around.tls_cert_file = Some(text("tlsCertFile", value)?.into()),
        "tlsPrivateKeyFile" => around.tls_private_key_file = Some(text("tlsPrivateKeyFile", value)?.into()),
        "authentication" => {
            let file = value.str_at(&["x509", "clientCAFile"]);
            around.client_ca_file = (!file.is_empty()).then(|| file.into());
        }
        "containerRuntimeEndpoint" => {
            around.container_runtime_endpoint = Some(text("containerRuntimeEndpoint", value)?);
        }
        "clusterDNS" => {
            let list = value.as_array().unwrap_or_default();
            config.cluster_dns =
                list.iter().map(|address| parsed("clusterDNS", address)).collect::<Result<_, _>>()?;
        }
        "clusterDomain" => config.cluster_domain = text("clusterDomain", value)?,
        "cgroupRoot" => config.cgroup_root = text("cgroupRoot", value)?,
        "resolvConf" => config.resolver_config = text("resolvConf", value)?.into(),
        "podLogsDir" => config.pod_logs_dir = text("podLogsDir", value)?.into(),
        "providerID" => config.provider_id = text("providerID", value)?,
        "maxPods" => config.max_pods = number("maxPods", value)?,
        "podPidsLimit" => config.pod_pids_limit = value.as_i64().and_then(|limit| u64::try_from(limit).ok()),
        "seccompDefault" => config.seccomp_default = value.as_bool() == Some(true),
        "containerLogMaxFiles" => config.container_log_max_files = number("containerLogMaxFiles", value)?,
        "containerLogMaxSize" => {
            let size = Quantity::parse(&text("containerLogMaxSize", value)?);
            let size = size.map_err(|e| wrong("containerLogMaxSize", &e))?;
            config.container_log_max_size = u64::try_from(size.value()).unwrap_or(0);
        }
        "nodeStatusReportFrequency" => {
            config.node_status_report_frequency = duration("nodeStatusReportFrequency", value)?;
        }
        "nodeLeaseDurationSeconds" => {
            config.lease_duration =
                Duration::from_secs(number::<u32>("nodeLeaseDurationSeconds", value)?.into());
        }
        "registerWithTaints" => {
            config.register_with_taints = value.as_array().unwrap_or_default().iter().map(taint).collect();
        }
        "registerNode" => {
            if value.as_bool() != Some(true) {
                return Err(wrong("registerNode", &"a kubelet without a Node object is not supported"));
            }
        }
        _ if UNUSED.contains(&name) => around.unused.push(name.to_owned()),
        _ => return Err(ConfigurationError::UnknownField(name.to_owned())),
    }
    Ok(())
}

fn wrong(field: &'static str, why: &impl std::fmt::Display) -> ConfigurationError {
    ConfigurationError::Value { field, why: why.to_string() }
}

fn text(field: &'static str, value: &Document) -> Result<String, ConfigurationError> {
    value.as_str().map(str::to_owned).ok_or_else(|| wrong(field, &"must be a string"))
}

fn number<N: TryFrom<i64>>(field: &'static str, value: &Document) -> Result<N, ConfigurationError> {
    let number = value.as_i64().ok_or_else(|| wrong(field, &"must be an integer"))?;
    N::try_from(number).map_err(|_| wrong(field, &format!("{number} is out of range")))
}

fn parsed<T: std::str::FromStr>(field: &'static str, value: &Document) -> Result<T, ConfigurationError>
where
    T::Err: std::fmt::Display,
{
    text(field, value)?.parse().map_err(|e| wrong(field, &e))
}

fn duration(field: &'static str, value: &Document) -> Result<Duration, ConfigurationError> {
    skiff_apimachinery::go_duration::parse_duration(&text(field, value)?).map_err(|e| wrong(field, &e))
}

/// `key=value:Effect`, the form of `--register-with-taints`.
fn taint(value: &Document) -> String {
    let part = |name: &str| value.str_at(&[name]);
    format!("{}={}:{}", part("key"), part("value"), part("effect"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";

    fn read_text(body: &str) -> Result<(KubeletConfig, Surroundings), ConfigurationError> {
        let mut config = KubeletConfig::default();
        let around = read(&format!("{HEAD}{body}"), &mut config)?;
        Ok((config, around))
    }

    #[test]
    fn what_kubeadm_writes_is_understood() {
        let body = "authentication:\n  anonymous: {enabled: false}\n  webhook: {cacheTTL: 0s, enabled: true}\n  x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}\nauthorization: {mode: Webhook}\ncgroupDriver: systemd\nclusterDNS: [10.96.0.10]\nclusterDomain: cluster.local\ncontainerRuntimeEndpoint: \"\"\nhealthzBindAddress: 127.0.0.1\nhealthzPort: 10248\nrotateCertificates: true\nstaticPodPath: /etc/kubernetes/manifests\nnodeStatusReportFrequency: 0s\nshutdownGracePeriod: 0s\nregisterWithTaints: [{key: a, value: b, effect: NoSchedule}]\ncontainerLogMaxSize: 5Mi\nmaxPods: 42\n";
        let (config, around) = read_text(body).unwrap();
        assert_eq!(config.cluster_dns, ["10.96.0.10".parse::<std::net::IpAddr>().unwrap()]);
        assert_eq!(around.client_ca_file, Some("/etc/kubernetes/pki/ca.crt".into()));
        assert_eq!((config.max_pods, config.container_log_max_size), (42, 5 << 20));
        assert_eq!(config.register_with_taints, ["a=b:NoSchedule"]);
        assert!(around.unused.contains(&"rotateCertificates".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let refusal = |body: &str| read_text(body).unwrap_err().to_string();
        assert_eq!(refusal("maxPod: 1\n"), "strict decoding error: unknown field \"maxPod\"");
        assert_eq!(refusal("maxPods: many\n"), "maxPods: must be an integer");
        assert_eq!(refusal("port: 70000\n"), "port: 70000 is out of range");
        assert!(read("kind: Pod\napiVersion: v1\n", &mut KubeletConfig::default()).is_err());
    }
}

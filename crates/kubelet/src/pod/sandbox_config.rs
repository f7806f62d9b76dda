//! The CRI configuration of a pod's sandbox.

use super::dns::{DnsSettings, dns_config};
use super::security::{SecuritySettings, sandbox_context};
use super::{PodView, hosts};
use crate::names::{CONFIG_SEEN, CONFIG_SOURCE, POD_NAME, POD_NAMESPACE, POD_UID};
use skiff_apimachinery::Map;
use skiff_cri::v1::{LinuxPodSandboxConfig, PodSandboxConfig, PodSandboxMetadata, PortMapping, Protocol};
use std::collections::HashMap;

/// What a sandbox's configuration is made from, beside the pod.
pub struct SandboxContext<'a> {
    /// Resolvers of cluster and node.
    pub dns: &'a DnsSettings,
    /// Hostname of the node.
    pub node_hostname: &'a str,
    /// Directory of the pod's logs.
    pub log_directory: String,
    /// The pod's cgroup.
    pub cgroup_parent: String,
    /// Node-wide security choices.
    pub security: SecuritySettings<'a>,
    /// How many sandboxes the pod had before.
    pub attempt: u32,
}

/// The configuration of a sandbox.
pub fn sandbox_config(pod: &PodView, context: &SandboxContext<'_>) -> PodSandboxConfig {
    let (hostname, _) = hosts::hostname_and_domain(pod, context.node_hostname, &context.dns.cluster_domain);
    let sysctls = pod.spec().security_context.as_ref().and_then(|c| c.sysctls.as_ref());
    PodSandboxConfig {
        metadata: Some(PodSandboxMetadata {
            name: pod.name().to_owned(),
            uid: pod.uid().to_owned(),
            namespace: pod.namespace().to_owned(),
            attempt: context.attempt,
        }),
        hostname: if pod.host_network() { String::new() } else { hostname },
        log_directory: context.log_directory.clone(),
        dns_config: Some(dns_config(pod, context.dns)),
        port_mappings: if pod.host_network() { Vec::new() } else { port_mappings(pod) },
        labels: sandbox_labels(pod),
        annotations: sandbox_annotations(pod),
        linux: Some(LinuxPodSandboxConfig {
            cgroup_parent: context.cgroup_parent.clone(),
            security_context: Some(sandbox_context(pod, context.security)),
            sysctls: sysctls.into_iter().flatten().map(|s| (s.name.clone(), s.value.clone())).collect(),
            ..LinuxPodSandboxConfig::default()
        }),
        windows: None,
    }
}

fn strings(map: Option<&Map>) -> HashMap<String, String> {
    map.into_iter()
        .flat_map(Map::iter)
        .map(|(key, value)| (key.to_owned(), value.as_str().unwrap_or("").to_owned()))
        .collect()
}

fn sandbox_labels(pod: &PodView) -> HashMap<String, String> {
    let mut labels = strings(pod.object().labels());
    labels.insert(POD_NAME.into(), pod.name().into());
    labels.insert(POD_NAMESPACE.into(), pod.namespace().into());
    labels.insert(POD_UID.into(), pod.uid().into());
    labels
}

fn sandbox_annotations(pod: &PodView) -> HashMap<String, String> {
    let mut annotations = strings(pod.object().annotations());
    annotations.insert(CONFIG_SOURCE.into(), "api".into());
    annotations.insert(CONFIG_SEEN.into(), pod.object().creation_timestamp().into());
    annotations
}

fn port_mappings(pod: &PodView) -> Vec<PortMapping> {
    pod.init_containers()
        .filter(|c| c.role == super::Role::Sidecar)
        .chain(pod.regular_containers())
        .flat_map(|container| container.spec.ports.iter().flatten())
        .map(|port| PortMapping {
            protocol: match port.protocol.as_deref() {
                Some("UDP") => Protocol::Udp,
                Some("SCTP") => Protocol::Sctp,
                _ => Protocol::Tcp,
            }
            .into(),
            container_port: port.container_port,
            host_port: port.host_port.unwrap_or(0),
            host_ip: port.host_ip.clone().unwrap_or_default(),
        })
        .collect()
}

//! The downward API: fields of a pod and resources of its containers as text, for environments and volumes.

use super::amount::{milli, units};
use super::{PodView, resources};
use k8s_openapi::api::core::v1::{Container, ResourceFieldSelector};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use skiff_apimachinery::Map;
use std::net::IpAddr;

/// What a node can give, the default of limits that are not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allocatable {
    /// CPU in thousandths.
    pub cpu: i64,
    /// Memory in bytes.
    pub memory: i64,
    /// Local storage in bytes.
    pub ephemeral_storage: i64,
}

/// Addresses that are known once a pod runs.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// The pod's, the primary one first.
    pub pod: Vec<IpAddr>,
    /// The node's, the primary one first.
    pub host: Vec<IpAddr>,
}

/// The value of `fieldRef.fieldPath`.
///
/// # Errors
/// Upstream's text if the path is none that a pod offers.
pub fn field(pod: &PodView, path: &str, addresses: &Addresses) -> Result<String, String> {
    if let Some((list, key)) = path.strip_suffix("']").and_then(|inner| inner.split_once("['")) {
        return match list {
            "metadata.labels" => Ok(pod.object().label(key).unwrap_or("").to_owned()),
            "metadata.annotations" => Ok(pod.object().annotation(key).unwrap_or("").to_owned()),
            _ => Err(format!("fieldPath {path:?} does not support subscript")),
        };
    }
    let first = |ips: &[IpAddr]| ips.first().map(IpAddr::to_string).unwrap_or_default();
    let joined = |ips: &[IpAddr]| ips.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(",");
    Ok(match path {
        "metadata.name" => pod.name().to_owned(),
        "metadata.namespace" => pod.namespace().to_owned(),
        "metadata.uid" => pod.uid().to_owned(),
        "metadata.labels" => format_map(pod.object().labels()),
        "metadata.annotations" => format_map(pod.object().annotations()),
        "spec.nodeName" => pod.spec().node_name.clone().unwrap_or_default(),
        "spec.serviceAccountName" => pod.spec().service_account_name.clone().unwrap_or_default(),
        "status.hostIP" => first(&addresses.host),
        "status.hostIPs" => joined(&addresses.host),
        "status.podIP" => first(&addresses.pod),
        "status.podIPs" => joined(&addresses.pod),
        _ => return Err(format!("unsupported fieldPath: {path}")),
    })
}

/// One `key="value"` per line, sorted by key, values quoted as Go quotes them.
fn format_map(map: Option<&Map>) -> String {
    let mut lines: Vec<String> = map
        .into_iter()
        .flat_map(Map::iter)
        .map(|(key, value)| format!("{key}={}", go_quote(value.as_str().unwrap_or(""))))
        .collect();
    lines.sort();
    lines.join("\n")
}

fn go_quote(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The value of a `resourceFieldRef`. `own` is the container whose environment or volume asks.
///
/// # Errors
/// Upstream's text if container or resource are unknown.
pub fn resource(
    pod: &PodView,
    own: Option<&Container>,
    reference: &ResourceFieldSelector,
    allocatable: Allocatable,
) -> Result<String, String> {
    let container = match reference.container_name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => {
            pod.container(name).map(|c| c.spec).ok_or_else(|| format!("container {name} not found"))?
        }
        None => own.ok_or("container name must be specified")?,
    };
    let (kind, name) = reference
        .resource
        .split_once('.')
        .ok_or_else(|| format!("unsupported container resource : {}", reference.resource))?;
    let fallback = |from_node: i64| if kind == "limits" { from_node } else { 0 };
    let declared = resources::amount(container, kind, name)
        .or_else(|| if kind == "requests" { resources::amount(container, "limits", name) } else { None });
    let divisor = reference.divisor.clone().filter(|d| d.0 != "0").unwrap_or_else(|| Quantity("1".into()));
    let (value, divisor) = match name {
        "cpu" => (declared.and_then(milli).unwrap_or(fallback(allocatable.cpu)), milli(&divisor)),
        "memory" => (declared.and_then(units).unwrap_or(fallback(allocatable.memory)), units(&divisor)),
        "ephemeral-storage" => {
            (declared.and_then(units).unwrap_or(fallback(allocatable.ephemeral_storage)), units(&divisor))
        }
        _ if name.starts_with("hugepages-") => (declared.and_then(units).unwrap_or(0), units(&divisor)),
        _ => return Err(format!("unsupported container resource : {}", reference.resource)),
    };
    let divisor = divisor.filter(|d| *d > 0).unwrap_or(1);
    Ok(((value + divisor - 1) / divisor).to_string())
}

#[cfg(test)]
mod tests {
    use super::super::testing::pod;
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn resources_are_divided_and_rounded_up() {
        let pod = pod(
            doc!({"containers": [{"name": "a", "resources": {"limits": {"cpu": "1500m", "memory": "64Mi"}}}]}),
            doc!({}),
        );
        let allocatable = Allocatable { cpu: 2000, memory: 1 << 30, ephemeral_storage: 10 };
        for (name, divisor, want) in [
            ("limits.cpu", None, "2"),
            ("limits.cpu", Some("1m"), "1500"),
            ("requests.memory", Some("1Mi"), "64"),
            ("limits.ephemeral-storage", None, "10"),
        ] {
            let selector = ResourceFieldSelector {
                resource: name.into(),
                divisor: divisor.map(|d: &str| Quantity(d.into())),
                container_name: None,
            };
            let own = &pod.spec().containers[0];
            assert_eq!(
                resource(&pod, Some(own), &selector, allocatable).unwrap(),
                want,
                "{name} / {divisor:?}"
            );
        }
    }

    #[test]
    fn subscripts_and_unknown_paths() {
        let pod = pod(doc!({"nodeName": "n"}), doc!({}));
        let none = Addresses::default();
        assert_eq!(field(&pod, "metadata.labels['x']", &none).unwrap(), "");
        assert_eq!(field(&pod, "spec.nodeName", &none).unwrap(), "n");
        assert_eq!(field(&pod, "spec.x", &none).unwrap_err(), "unsupported fieldPath: spec.x");
        assert_eq!(go_quote("a\"b\\\n"), r#""a\"b\\\n""#);
    }
}

//! The Node object and its status, computed from facts. Pure.

use super::machine::Machine;
use crate::config::KubeletConfig;
use jiff::Timestamp;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, doc};
use skiff_cri::v1::Image;

/// Images that a node names at most, the largest ones.
const MAX_IMAGES: usize = 50;
/// Names of one image at most.
const MAX_NAMES: usize = 5;
/// Lists that a strategic merge patch would merge by key.
const MERGED_LISTS: &[&str] = &["addresses"];

/// What the runtime says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuntimeReport {
    /// Name and version, `skiff://0.1.0`.
    pub version: String,
    /// Why the node is not ready, each in upstream's words.
    pub problems: Vec<String>,
    /// The one of them that keeps pods from being connected; empty if there is none.
    pub network_problem: String,
}

/// Pressures that the machine is under.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pressure {
    /// Memory is short.
    pub memory: bool,
    /// Disk is short.
    pub disk: bool,
    /// Process ids are short.
    pub pid: bool,
}

/// What a status is computed from.
pub struct NodeInput<'a> {
    /// Settings.
    pub config: &'a KubeletConfig,
    /// Facts.
    pub machine: &'a Machine,
    /// The runtime.
    pub runtime: &'a RuntimeReport,
    /// Pressures.
    pub pressure: Pressure,
    /// Images on the machine.
    pub images: &'a [Image],
    /// The status that the API has.
    pub known: &'a Document,
    /// Now.
    pub now: Timestamp,
}

/// The Node to register.
pub fn node(input: &NodeInput<'_>) -> Document {
    let config = input.config;
    let mut labels = labels(input);
    for (key, value) in &config.node_labels {
        labels.insert(key.as_str(), value.as_str());
    }
    let mut out = doc!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": config.node_name.as_str(),
            "labels": labels,
            "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}
        },
        "spec": {},
        "status": status(input)
    });
    if !config.provider_id.is_empty() {
        out.set(&["spec", "providerID"], config.provider_id.as_str());
    }
    for taint in config.register_with_taints.iter().filter_map(|text| taint(text)) {
        out.ensure(&["spec", "taints"]).push(taint);
    }
    out
}

/// The labels that every node has.
pub fn labels(input: &NodeInput<'_>) -> Document {
    let architecture = input.machine.architecture;
    doc!({
        "beta.kubernetes.io/arch": architecture,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture,
        "kubernetes.io/hostname": input.config.node_name.as_str(),
        "kubernetes.io/os": "linux"
    })
}

/// `key=value:Effect` or `key:Effect`.
fn taint(text: &str) -> Option<Document> {
    let (left, effect) = text.rsplit_once(':')?;
    let (key, value) = left.split_once('=').unwrap_or((left, ""));
    let mut out = doc!({"key": key, "effect": effect});
    if !value.is_empty() {
        out.insert("value", value);
    }
    Some(out)
}

/// The status of the node.
pub fn status(input: &NodeInput<'_>) -> Document {
    let NodeInput { config, machine, runtime, .. } = input;
    let mut addresses: Vec<Document> =
        config.node_ips.iter().map(|ip| doc!({"type": "InternalIP", "address": ip.to_string()})).collect();
    addresses.push(doc!({"type": "Hostname", "address": config.node_name.as_str()}));
    let mut status = doc!({
        "capacity": resources(input, machine.memory, format!("{}Ki", machine.storage / 1024)),
        "allocatable": resources(
            input,
            machine.allocatable().memory,
            machine.allocatable().ephemeral_storage.to_string(),
        ),
        "conditions": conditions(input),
        "addresses": addresses,
        "daemonEndpoints": {"kubeletEndpoint": {"Port": config.port}},
        "nodeInfo": {
            "machineID": machine.machine_id.as_str(),
            "systemUUID": machine.system_uuid.as_str(),
            "bootID": machine.boot_id.as_str(),
            "kernelVersion": machine.kernel.as_str(),
            "osImage": machine.os_image.as_str(),
            "containerRuntimeVersion": runtime.version.as_str(),
            "kubeletVersion": config.kubelet_version.as_str(),
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": machine.architecture
        },
        "images": images(input.images),
        "runtimeHandlers": [{"name": "", "features": {"recursiveReadOnlyMounts": false, "userNamespaces": false}}],
        "features": {"supplementalGroupsPolicy": true}
    });
    // A capacity of nothing is refused: a machine without swap says nothing.
    if machine.swap > 0 {
        status.set(&["nodeInfo", "swap", "capacity"], machine.swap);
    }
    status
}

fn resources(input: &NodeInput<'_>, memory: i64, storage: String) -> Document {
    let mut out = doc!({"cpu": input.machine.cpus.to_string(), "ephemeral-storage": storage});
    for (size, bytes) in &input.machine.huge_pages {
        out.insert(format!("hugepages-{size}"), bytes.to_string());
    }
    out.insert("memory", format!("{}Ki", memory / 1024));
    out.insert("pods", input.config.max_pods.to_string());
    out
}

fn conditions(input: &NodeInput<'_>) -> Document {
    let pressure = |under: bool, yes: (&'static str, &'static str), no: (&'static str, &'static str)| {
        let (reason, message) = if under { yes } else { no };
        (under, reason, message.to_owned())
    };
    let Pressure { memory, disk, pid } = input.pressure;
    let problems = &input.runtime.problems;
    let ready = match problems.as_slice() {
        [] => (true, "KubeletReady", "kubelet is posting ready status".to_owned()),
        [one] => (false, "KubeletNotReady", one.clone()),
        many => (false, "KubeletNotReady", format!("[{}]", many.join(", "))),
    };
    let all = [
        (
            "MemoryPressure",
            pressure(
                memory,
                ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
                ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            ),
        ),
        (
            "DiskPressure",
            pressure(
                disk,
                ("KubeletHasDiskPressure", "kubelet has disk pressure"),
                ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            ),
        ),
        (
            "PIDPressure",
            pressure(
                pid,
                ("KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
                ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            ),
        ),
        ("Ready", ready),
    ];
    let now = format_time(input.now);
    all.into_iter()
        .map(|(name, (status, reason, message))| {
            let status = if status { "True" } else { "False" };
            let known = input
                .known
                .array_at(&["conditions"])
                .iter()
                .find(|c| c.str_at(&["type"]) == name && c.str_at(&["status"]) == status)
                .map(|c| c.str_at(&["lastTransitionTime"]))
                .filter(|text| !text.is_empty());
            doc!({
                "type": name, "status": status, "lastHeartbeatTime": now.as_str(),
                "lastTransitionTime": known.unwrap_or(&now), "reason": reason, "message": message
            })
        })
        .collect()
}

fn images(images: &[Image]) -> Document {
    let mut sorted: Vec<&Image> = images.iter().collect();
    sorted.sort_by_key(|image| std::cmp::Reverse(image.size));
    sorted
        .into_iter()
        .take(MAX_IMAGES)
        .map(|image| {
            let names = image.repo_digests.iter().chain(&image.repo_tags).take(MAX_NAMES);
            doc!({"names": names.map(|name| name.as_str()).collect::<Vec<_>>(), "sizeBytes": image.size})
        })
        .collect()
}

/// Whether two statuses differ in more than the time of their heartbeats.
pub fn differs(old: &Document, new: &Document) -> bool {
    let Some(map) = new.as_object() else { return false };
    map.iter().any(|(key, value)| {
        if key != "conditions" {
            return old[key] != *value;
        }
        let known = old.array_at(&["conditions"]);
        value.as_array().unwrap_or(&[]).iter().any(|condition| {
            let same = |other: &&Document| {
                ["type", "status", "reason", "message"].iter().all(|key| other[*key] == condition[*key])
            };
            known.iter().find(same).is_none()
        })
    })
}

/// The strategic merge patch from one status to another; conditions are sent whole, they hold heartbeats.
pub fn patch(old: &Document, new: &Document) -> Document {
    let mut out = Document::object();
    for (key, value) in new.as_object().into_iter().flat_map(|map| map.iter()) {
        if key != "conditions" && old[key] == *value {
            continue;
        }
        let mut value = value.clone();
        if MERGED_LISTS.contains(&key) && !old[key].is_empty() {
            value.push(doc!({"$patch": "replace"}));
        }
        out.insert(key, value);
    }
    doc!({"status": out})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input<'a>(
        config: &'a KubeletConfig,
        machine: &'a Machine,
        runtime: &'a RuntimeReport,
        known: &'a Document,
    ) -> NodeInput<'a> {
        let now = Timestamp::UNIX_EPOCH;
        NodeInput { config, machine, runtime, pressure: Pressure::default(), images: &[], known, now }
    }

    #[test]
    fn readiness_follows_the_runtime() {
        let config = KubeletConfig { node_name: "n".into(), ..KubeletConfig::default() };
        let (machine, known) = (Machine { memory: 1 << 30, cpus: 2, ..Machine::default() }, doc!({}));
        let well = RuntimeReport { version: "skiff://0.1.0".into(), ..RuntimeReport::default() };
        let ill =
            RuntimeReport { problems: vec!["container runtime network not ready: x".into()], ..well.clone() };
        let ready = |status: &Document| {
            let condition = status.array_at(&["conditions"]).last().cloned().unwrap();
            [condition.str_at(&["status"]), condition.str_at(&["reason"]), condition.str_at(&["message"])]
                .join(" ")
        };
        let good = status(&input(&config, &machine, &well, &known));
        let bad = status(&input(&config, &machine, &ill, &known));
        assert_eq!(ready(&good), "True KubeletReady kubelet is posting ready status");
        assert_eq!(ready(&bad), "False KubeletNotReady container runtime network not ready: x");
        assert!(differs(&bad, &good));
        assert!(!differs(&good, &good.clone()));
        assert_eq!(good.str_at(&["allocatable", "memory"]), "946176Ki");
    }

    #[test]
    fn unchanged_fields_are_not_sent() {
        let config = KubeletConfig { node_name: "n".into(), ..KubeletConfig::default() };
        let (machine, runtime, known) = (Machine::default(), RuntimeReport::default(), doc!({}));
        let status = status(&input(&config, &machine, &runtime, &known));
        let patch = patch(&status, &status);
        assert_eq!(patch["status"].as_object().unwrap().keys().collect::<Vec<_>>(), ["conditions"]);
    }
}

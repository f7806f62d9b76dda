//! What the scheduler knows of a pod, read once when the pod changes.

use crate::resources::{self, Resources};
use crate::selector::Term;
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::{Document, Map};
use std::net::IpAddr;

/// A port of the node that a pod wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// Address; `None` is all.
    pub address: Option<IpAddr>,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Box<str>,
    /// Port number.
    pub port: i64,
}

impl HostPort {
    /// Whether both cannot be on one node.
    pub fn conflicts(&self, other: &Self) -> bool {
        self.port == other.port
            && self.protocol == other.protocol
            && (self.address.is_none() || other.address.is_none() || self.address == other.address)
    }
}

/// A toleration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toleration {
    key: Box<str>,
    exists: bool,
    value: Box<str>,
    effect: Box<str>,
}

/// A taint of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taint {
    /// Key.
    pub key: Box<str>,
    /// Value, often empty.
    pub value: Box<str>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: Box<str>,
}

impl Taint {
    /// Reads a taint.
    pub fn read(doc: &Document) -> Self {
        let text = |key: &str| doc.str_at(&[key]).into();
        Self { key: text("key"), value: text("value"), effect: text("effect") }
    }
}

impl Toleration {
    fn read(doc: &Document) -> Self {
        let text = |key: &str| doc.str_at(&[key]).into();
        Self {
            key: text("key"),
            exists: doc.str_at(&["operator"]) == "Exists",
            value: text("value"),
            effect: text("effect"),
        }
    }

    /// Whether a pod with this toleration may be on a node with this taint.
    pub fn tolerates(&self, taint: &Taint) -> bool {
        (self.effect.is_empty() || self.effect == taint.effect)
            && (if self.key.is_empty() { self.exists } else { self.key == taint.key })
            && (self.exists || self.value == taint.value)
    }
}

/// A preferred node affinity term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// 1 to 100.
    pub weight: i64,
    /// Which nodes.
    pub term: Term,
}

/// A pod as the scheduler sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    /// Namespace and name.
    pub key: ObjectKey,
    /// UID.
    pub uid: Box<str>,
    /// resourceVersion, for the reference in events.
    pub resource_version: Box<str>,
    /// The node that it is bound to; empty while it is not.
    pub node: Box<str>,
    /// Which scheduler places it.
    pub scheduler: Box<str>,
    /// Higher goes first.
    pub priority: i64,
    /// `Never` forbids preemption for it.
    pub preemption_policy: Box<str>,
    /// Names of gates that keep it out of the queue.
    pub gates: Vec<Box<str>>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether it has ended and uses nothing any more.
    pub ended: bool,
    /// What it asks for.
    pub requests: Resources,
    /// What it is taken to use when nodes are compared.
    pub scoring_requests: Resources,
    /// Ports of the node.
    pub host_ports: Vec<HostPort>,
    /// `spec.nodeSelector`.
    pub node_selector: Vec<(Box<str>, Box<str>)>,
    /// Required node affinity: any of these, if there are any.
    pub required_affinity: Option<Vec<Term>>,
    /// Preferred node affinity.
    pub preferred_affinity: Vec<Preference>,
    /// Tolerations.
    pub tolerations: Vec<Toleration>,
    /// Names of its containers' images.
    pub images: Vec<Box<str>>,
    /// What was last said of why it is not scheduled.
    pub condition_message: Box<str>,
    /// Since when it has been said not to be scheduled; empty if it has not.
    pub unscheduled_since: Box<str>,
}

impl Pod {
    /// Reads a pod.
    pub fn read(doc: &Document) -> Self {
        static EMPTY: Document = Document::NULL;
        let spec = doc.get("spec").unwrap_or(&EMPTY);
        let text = |key: &str| spec.str_at(&[key]).into();
        let affinity = |kind: &str| spec.at(&["affinity", "nodeAffinity", kind]).filter(|a| !a.is_null());
        let containers = || spec.array_at(&["initContainers"]).iter().chain(spec.array_at(&["containers"]));
        let condition =
            doc.array_at(&["status", "conditions"]).iter().find(|c| c.str_at(&["type"]) == "PodScheduled");
        Self {
            key: doc.key(),
            uid: doc.uid().into(),
            resource_version: doc.resource_version().into(),
            node: text("nodeName"),
            scheduler: text("schedulerName"),
            priority: spec.i64_at(&["priority"]).unwrap_or(0),
            preemption_policy: text("preemptionPolicy"),
            gates: spec.array_at(&["schedulingGates"]).iter().map(|g| g.str_at(&["name"]).into()).collect(),
            deleting: doc.deletion_timestamp().is_some(),
            ended: matches!(doc.str_at(&["status", "phase"]), "Succeeded" | "Failed"),
            requests: resources::pod_requests(spec),
            scoring_requests: resources::pod_requests_for_scoring(spec),
            host_ports: host_ports(spec),
            node_selector: spec
                .object_at(&["nodeSelector"])
                .into_iter()
                .flat_map(Map::iter)
                .map(|(k, v)| (k.into(), v.as_str().unwrap_or_default().into()))
                .collect(),
            required_affinity: affinity("requiredDuringSchedulingIgnoredDuringExecution")
                .map(|a| a.array_at(&["nodeSelectorTerms"]).iter().map(Term::read).collect()),
            preferred_affinity: affinity("preferredDuringSchedulingIgnoredDuringExecution")
                .and_then(Document::as_array)
                .unwrap_or_default()
                .iter()
                .map(|p| Preference {
                    weight: p.i64_at(&["weight"]).unwrap_or(0),
                    term: Term::read(p.get("preference").unwrap_or(&EMPTY)),
                })
                .collect(),
            tolerations: spec.array_at(&["tolerations"]).iter().map(Toleration::read).collect(),
            images: containers().map(|c| c.str_at(&["image"]).into()).collect(),
            condition_message: condition.map_or("", |c| c.str_at(&["message"])).into(),
            unscheduled_since: condition
                .filter(|c| c.str_at(&["status"]) == "False")
                .map_or("", |c| c.str_at(&["lastTransitionTime"]))
                .into(),
        }
    }

    /// Whether it tolerates a taint.
    pub fn tolerates(&self, taint: &Taint) -> bool {
        self.tolerations.iter().any(|toleration| toleration.tolerates(taint))
    }
}

fn host_ports(spec: &Document) -> Vec<HostPort> {
    let host_network = spec.bool_at(&["hostNetwork"]) == Some(true);
    let sidecars =
        spec.array_at(&["initContainers"]).iter().filter(|c| c.str_at(&["restartPolicy"]) == "Always");
    spec.array_at(&["containers"])
        .iter()
        .chain(sidecars)
        .flat_map(|container| container.array_at(&["ports"]))
        .filter_map(|port| {
            let number = port
                .i64_at(&["hostPort"])
                .or_else(|| host_network.then(|| port.i64_at(&["containerPort"])).flatten())
                .filter(|number| *number > 0)?;
            let address: Option<IpAddr> = port.str_at(&["hostIP"]).parse().ok();
            let protocol = match port.str_at(&["protocol"]) {
                "" => "TCP",
                protocol => protocol,
            };
            Some(HostPort {
                address: address.filter(|a| !a.is_unspecified()),
                protocol: protocol.into(),
                port: number,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn toleration(doc: Document) -> Toleration {
        Toleration::read(&doc)
    }

    #[test]
    fn tolerations_match_as_upstream_matches() {
        let taint = Taint { key: "k".into(), value: "v".into(), effect: "NoSchedule".into() };
        assert!(toleration(doc!({"operator": "Exists"})).tolerates(&taint));
        assert!(
            toleration(doc!({"key": "k", "operator": "Exists", "effect": "NoSchedule"})).tolerates(&taint)
        );
        assert!(toleration(doc!({"key": "k", "value": "v"})).tolerates(&taint));
        assert!(!toleration(doc!({"key": "k", "value": "x"})).tolerates(&taint));
        assert!(
            !toleration(doc!({"key": "k", "operator": "Exists", "effect": "NoExecute"})).tolerates(&taint)
        );
    }

    #[test]
    fn host_ports_conflict_unless_their_addresses_differ() {
        let port =
            |address: &str| HostPort { address: address.parse().ok(), protocol: "TCP".into(), port: 80 };
        assert!(port("").conflicts(&port("10.0.0.1")));
        assert!(port("10.0.0.1").conflicts(&port("10.0.0.1")));
        assert!(!port("10.0.0.1").conflicts(&port("10.0.0.2")));
    }
}

//! `NodeRestriction`: a kubelet writes its own node, the pods on it, its lease, and tokens for accounts of its pods.

use super::{Operation, Plugin, Request};
use crate::authorization::node::node_name;
use crate::objects::Objects;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, GroupResource, Map, Status};
use std::sync::Arc;

/// Label prefix that administrators own.
const RESTRICTED_PREFIX: &str = "node-restriction.kubernetes.io";

/// Kubernetes labels that a kubelet may set on its node.
const OWN_LABELS: [&str; 11] = [
    "kubernetes.io/hostname",
    "kubernetes.io/arch",
    "kubernetes.io/os",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/instance-type",
    "node.kubernetes.io/instance-type",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

/// The plugin.
pub struct NodeRestriction {
    objects: Arc<dyn Objects>,
}

impl NodeRestriction {
    /// Over current pods.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    fn check(&self, request: &Request<'_>, object: &Document) -> Result<(), Status> {
        let Some(node) = node_name(request.user) else { return Ok(()) };
        match (request.resource.gvk.group.as_ref(), request.resource.plural.as_ref(), request.subresource) {
            ("", "pods", "") => self.check_pod(request, node, object),
            ("", "pods", "status") => self.check_pod_of_node(request, node, "update pod status for"),
            ("", "pods", "eviction") => self.check_pod_of_node(request, node, "evict"),
            ("", "nodes", "" | "status") => check_node(request, node, object),
            ("", "serviceaccounts", "token") => self.check_token(request, node, object),
            ("coordination.k8s.io", "leases", _) => check_lease(request, node, object),
            ("storage.k8s.io", "csinodes", _) => check_own_name(request, node, object, "CSINode"),
            _ => Ok(()),
        }
    }

    fn check_pod(&self, request: &Request<'_>, node: &str, pod: &Document) -> Result<(), Status> {
        match request.operation {
            Operation::Create => {
                if pod.annotation("kubernetes.io/config.mirror").is_none() {
                    let why = format!(
                        "pod does not have \"kubernetes.io/config.mirror\" annotation, node {node:?} can only create mirror pods"
                    );
                    return Err(request.forbidden(&why));
                }
                if pod.str_at(&["spec", "nodeName"]) == node {
                    Ok(())
                } else {
                    let why = format!("node {node:?} can only create pods with spec.nodeName set to itself");
                    Err(request.forbidden(&why))
                }
            }
            Operation::Delete => self.check_pod_of_node(request, node, "delete"),
            Operation::Update | Operation::Connect => {
                Err(request.forbidden(&format!("unexpected operation {:?}", request.operation)))
            }
        }
    }

    fn check_pod_of_node(&self, request: &Request<'_>, node: &str, verb: &str) -> Result<(), Status> {
        let current;
        let pod = match request.old {
            Some(pod) => pod,
            None => {
                current = self.objects.get(&GroupResource::new("", "pods"), request.namespace, request.name);
                match &current {
                    Some(pod) => pod,
                    None => return Ok(()),
                }
            }
        };
        if pod.str_at(&["spec", "nodeName"]) == node {
            return Ok(());
        }
        Err(request
            .forbidden(&format!("node {node:?} can only {verb} pods with spec.nodeName set to itself")))
    }

    fn check_token(&self, request: &Request<'_>, node: &str, token: &Document) -> Result<(), Status> {
        let reference = |key: &str| token.str_at(&["spec", "boundObjectRef", key]);
        if reference("kind") != "Pod" || reference("apiVersion") != "v1" || reference("name").is_empty() {
            return Err(request.forbidden("node requested token not bound to a pod"));
        }
        let pods = GroupResource::new("", "pods");
        match self.objects.get(&pods, request.namespace, reference("name")) {
            None => Err(Status::not_found(&pods, reference("name"))),
            Some(pod) if pod.str_at(&["spec", "nodeName"]) == node => Ok(()),
            Some(_) => {
                Err(request.forbidden("node requested token bound to a pod scheduled on a different node"))
            }
        }
    }
}

fn check_own_name(request: &Request<'_>, node: &str, object: &Document, kind: &str) -> Result<(), Status> {
    let name = if request.name.is_empty() { object.name() } else { request.name };
    if name == node {
        return Ok(());
    }
    Err(request.forbidden(&format!("can only access {kind} with the same name as the requesting node")))
}

fn check_lease(request: &Request<'_>, node: &str, lease: &Document) -> Result<(), Status> {
    if request.namespace != "kube-node-lease" {
        let why = "can only access leases in the \"kube-node-lease\" system namespace";
        return Err(request.forbidden(why));
    }
    check_own_name(request, node, lease, "node lease")
}

fn check_node(request: &Request<'_>, node: &str, object: &Document) -> Result<(), Status> {
    let name = if request.name.is_empty() { object.name() } else { request.name };
    if name != node {
        let why = format!("node {node:?} is not allowed to modify node {name:?}");
        return Err(request.forbidden(&why));
    }
    let none = Map::new();
    let (new, old) =
        (object.labels().unwrap_or(&none), request.old.and_then(Document::labels).unwrap_or(&none));
    if matches!(request.operation, Operation::Create | Operation::Update) {
        let changed = new.keys().chain(old.keys()).filter(|key| new.get(key) != old.get(key));
        let mut forbidden: Vec<&str> = changed.filter(|key| !may_set(key)).collect();
        forbidden.sort_unstable();
        forbidden.dedup();
        if !forbidden.is_empty() {
            let why = format!("is not allowed to modify labels: {}", forbidden.join(", "));
            return Err(request.forbidden(&why));
        }
    }
    if request.operation == Operation::Update && request.subresource.is_empty() {
        let taints = |doc: &Document| doc.array_at(&["spec", "taints"]).to_vec();
        if request.old.is_some_and(|old| taints(old) != taints(object)) {
            return Err(request.forbidden(&format!("node {node:?} is not allowed to modify taints")));
        }
    }
    Ok(())
}

/// Whether a kubelet may set this label on its node: any label that is not Kubernetes' own, and those for kubelets.
fn may_set(label: &str) -> bool {
    let (prefix, _) = label.split_once('/').unwrap_or(("", label));
    let below = |domain: &str| prefix == domain || prefix.ends_with(&format!(".{domain}"));
    if below(RESTRICTED_PREFIX) {
        return false;
    }
    if !below("kubernetes.io") && !below("k8s.io") {
        return true;
    }
    OWN_LABELS.contains(&label) || below("kubelet.kubernetes.io") || below("node.kubernetes.io")
}

impl Plugin for NodeRestriction {
    fn name(&self) -> &'static str {
        "NodeRestriction"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.check(request, object)))
    }
}

#[cfg(test)]
mod tests {
    use super::may_set;

    #[test]
    fn kubelets_keep_away_from_labels_of_administrators() {
        for label in ["example.com/disk", "kubernetes.io/hostname", "kubelet.kubernetes.io/x", "plain"] {
            assert!(may_set(label), "{label}");
        }
        for label in [
            "node-restriction.kubernetes.io/x",
            "a.node-restriction.kubernetes.io/x",
            "kubernetes.io/other",
            "node-role.kubernetes.io/control-plane",
        ] {
            assert!(!may_set(label), "{label}");
        }
    }
}

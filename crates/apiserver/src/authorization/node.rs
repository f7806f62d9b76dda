//! The Node authorizer: a kubelet reads what its pods refer to and writes what is its own.
//!
//! Follows upstream's node authorizer with selectors (KEP-4601): lists of pods and nodes must select the kubelet's own.

use super::rule::Rule;
use super::{Attributes, Authorizer, Decision, Rules};
use crate::authentication::UserInfo;
use crate::objects::Objects;
use skiff_apimachinery::{Document, GroupResource};
use std::sync::{Arc, LazyLock};

/// The Node authorizer.
pub struct Node {
    objects: Arc<dyn Objects>,
}

/// The node's name, if the user is one: `system:node:NAME` in group `system:nodes`.
pub fn node_name(user: &UserInfo) -> Option<&str> {
    let name = user.name.strip_prefix("system:node:")?;
    (user.in_group("system:nodes") && !name.is_empty()).then_some(name)
}

/// What every node may do regardless of object (upstream's `NodeRules` less what is decided by name below).
static COMMON: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    const READ: &[&str] = &["get", "list", "watch"];
    let rule = |group: &str, resources: &[&str], verbs: &[&str]| Rule {
        verbs: verbs.iter().map(|s| (*s).to_owned()).collect(),
        groups: vec![group.to_owned()],
        resources: resources.iter().map(|s| (*s).to_owned()).collect(),
        ..Rule::default()
    };
    vec![
        rule("authentication.k8s.io", &["tokenreviews"], &["create"]),
        rule("authorization.k8s.io", &["subjectaccessreviews", "localsubjectaccessreviews"], &["create"]),
        rule("", &["services"], READ),
        rule("", &["events"], &["create", "update", "patch"]),
        rule("events.k8s.io", &["events"], &["create", "update", "patch"]),
        rule("certificates.k8s.io", &["certificatesigningrequests"], &["create", "get", "list", "watch"]),
        rule("node.k8s.io", &["runtimeclasses"], READ),
        rule("storage.k8s.io", &["csidrivers"], READ),
        rule("", &["nodes", "pods"], &["create"]),
        rule("", &["pods/eviction"], &["create"]),
        rule("storage.k8s.io", &["csinodes"], &["create"]),
        rule("coordination.k8s.io", &["leases"], &["create"]),
        rule("resource.k8s.io", &["resourceslices"], &["create"]),
    ]
});

impl Node {
    /// Over current pods.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    fn pods_of(&self, node: &str, namespace: &str) -> impl Iterator<Item = Arc<Document>> {
        let node = node.to_owned();
        self.objects
            .list(&GroupResource::new("", "pods"), namespace)
            .into_iter()
            .filter(move |pod| pod.str_at(&["spec", "nodeName"]) == node)
    }

    fn related(&self, node: &str, wanted: &Attributes<'_>, refers: impl Fn(&Document) -> bool) -> Decision {
        if self.pods_of(node, wanted.namespace).any(|pod| refers(&pod)) {
            return Decision::Allow(String::new());
        }
        let kind = wanted.resource.trim_end_matches('s');
        Decision::NoOpinion(format!("no relationship found between node '{node}' and this object ({kind})"))
    }

    fn decide(&self, node: &str, wanted: &Attributes<'_>) -> Decision {
        let (name, verb) = (wanted.name, wanted.verb);
        let read = matches!(verb, "get" | "list" | "watch");
        let selects = |field: &str, value: &str| wanted.field_selector == format!("{field}={value}");
        let own_name = name == node || (name.is_empty() && selects("metadata.name", node));
        match (wanted.group, wanted.resource, wanted.subresource) {
            ("", "secrets", "") if read => {
                self.related(node, wanted, |pod| refers_to(pod, &SECRET_REFERENCES, name))
            }
            ("", "configmaps", "") if read => {
                self.related(node, wanted, |pod| refers_to(pod, &CONFIG_MAP_REFERENCES, name))
            }
            ("", "persistentvolumeclaims", "" | "status") => {
                self.related(node, wanted, |pod| refers_to(pod, &CLAIM_REFERENCES, name))
            }
            ("", "persistentvolumes", "") if verb == "get" => self.volume_of(node, name),
            ("", "serviceaccounts", "") if verb == "get" => {
                self.related(node, wanted, |pod| pod.str_at(&["spec", "serviceAccountName"]) == name)
            }
            ("", "serviceaccounts", "token") if verb == "create" => {
                self.related(node, wanted, |pod| pod.str_at(&["spec", "serviceAccountName"]) == name)
            }
            ("", "nodes", "" | "status") if own_name && verb != "deletecollection" => allow(),
            ("", "pods", "") if matches!(verb, "list" | "watch") => {
                if selects("spec.nodeName", node) {
                    allow()
                } else {
                    no("can only list/watch pods with spec.nodeName field selector")
                }
            }
            ("", "pods", "" | "status") if matches!(verb, "get" | "delete" | "update" | "patch") => {
                self.related(node, wanted, |pod| pod.name() == name)
            }
            ("storage.k8s.io", "csinodes", "") if own_name => allow(),
            ("coordination.k8s.io", "leases", "") if wanted.namespace == "kube-node-lease" && own_name => {
                allow()
            }
            ("resource.k8s.io", "resourceslices", "")
                if selects("spec.nodeName", node) || !name.is_empty() =>
            {
                allow()
            }
            _ => no(""),
        }
    }

    fn volume_of(&self, node: &str, volume: &str) -> Decision {
        let volumes = GroupResource::new("", "persistentvolumes");
        let Some(object) = self.objects.get(&volumes, "", volume) else {
            return no("unknown persistent volume");
        };
        let claim = object.str_at(&["spec", "claimRef", "name"]);
        let namespace = object.str_at(&["spec", "claimRef", "namespace"]);
        if !claim.is_empty()
            && self.pods_of(node, namespace).any(|pod| refers_to(&pod, &CLAIM_REFERENCES, claim))
        {
            allow()
        } else {
            no("no pod of this node uses the persistent volume")
        }
    }
}

fn allow() -> Decision {
    Decision::Allow(String::new())
}

fn no(reason: &str) -> Decision {
    Decision::NoOpinion(reason.to_owned())
}

/// Where a pod names objects of a kind: a path below the spec, lists being walked.
type References = [&'static [&'static str]];

static SECRET_REFERENCES: [&[&str]; 10] = [
    &["imagePullSecrets", "name"],
    &["containers", "env", "valueFrom", "secretKeyRef", "name"],
    &["containers", "envFrom", "secretRef", "name"],
    &["initContainers", "env", "valueFrom", "secretKeyRef", "name"],
    &["initContainers", "envFrom", "secretRef", "name"],
    &["ephemeralContainers", "env", "valueFrom", "secretKeyRef", "name"],
    &["ephemeralContainers", "envFrom", "secretRef", "name"],
    &["volumes", "secret", "secretName"],
    &["volumes", "projected", "sources", "secret", "name"],
    &["volumes", "csi", "nodePublishSecretRef", "name"],
];

static CONFIG_MAP_REFERENCES: [&[&str]; 8] = [
    &["containers", "env", "valueFrom", "configMapKeyRef", "name"],
    &["containers", "envFrom", "configMapRef", "name"],
    &["initContainers", "env", "valueFrom", "configMapKeyRef", "name"],
    &["initContainers", "envFrom", "configMapRef", "name"],
    &["ephemeralContainers", "env", "valueFrom", "configMapKeyRef", "name"],
    &["ephemeralContainers", "envFrom", "configMapRef", "name"],
    &["volumes", "configMap", "name"],
    &["volumes", "projected", "sources", "configMap", "name"],
];

static CLAIM_REFERENCES: [&[&str]; 1] = [&["volumes", "persistentVolumeClaim", "claimName"]];

fn refers_to(pod: &Document, references: &References, name: &str) -> bool {
    pod.get("spec").is_some_and(|spec| references.iter().any(|path| names(spec, path, name)))
}

fn names(doc: &Document, path: &[&str], name: &str) -> bool {
    if let Some(list) = doc.as_array() {
        return list.iter().any(|element| names(element, path, name));
    }
    match path {
        [] => doc.as_str() == Some(name),
        [key, rest @ ..] => doc.get(key).is_some_and(|value| names(value, rest, name)),
    }
}

impl Authorizer for Node {
    fn authorize(&self, attributes: &Attributes<'_>) -> Decision {
        let Some(node) = node_name(attributes.user) else { return no("") };
        if COMMON.iter().any(|rule| rule.allows(attributes)) {
            return allow();
        }
        if attributes.resource.is_empty() { no("") } else { self.decide(node, attributes) }
    }

    fn rules(&self, user: &UserInfo, _: &str) -> Rules {
        if node_name(user).is_none() {
            return Rules::default();
        }
        let why = "node authorizer does not support user rule resolution".to_owned();
        Rules { incomplete: true, errors: vec![why], ..Rules::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn references_are_found_through_lists() {
        let pod = doc!({"spec": {
            "volumes": [{"name": "a"}, {"projected": {"sources": [{"configMap": {"name": "root-ca"}}]}}],
            "containers": [{"env": [{"name": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}]
        }});
        assert!(refers_to(&pod, &CONFIG_MAP_REFERENCES, "root-ca"));
        assert!(refers_to(&pod, &SECRET_REFERENCES, "s"));
        assert!(!refers_to(&pod, &SECRET_REFERENCES, "root-ca"));
    }
}

//! What the API server puts into an empty cluster, and keeps right at every start: system namespaces, RBAC policy,
//! priority classes, the `kubernetes` Service and its endpoints.
//!
//! Input: [`Config`]; output: [`Seed`]s that [`reconcile`] writes through the ordinary request path under the identity
//! `system:apiserver`. What an administrator changed stays, as upstream's reconciliation has it: rules and subjects are
//! added, never removed, and objects with `autoupdate: "false"` are left alone.

pub mod policy;

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use skiff_apimachinery::{Document, GroupVersionResource, Status, doc};
use std::net::IpAddr;
use std::sync::Arc;

/// How many writes are under way at once: enough to share the store's commits.
const PARALLEL: usize = 64;

/// What differs between clusters.
#[derive(Debug, Clone)]
pub struct Config {
    /// Cluster IPs of the `kubernetes` Service, one per address family.
    pub service_addresses: Vec<IpAddr>,
    /// Service CIDRs, one per address family.
    pub service_cidrs: Vec<String>,
    /// Addresses at which this API server is reached from pods.
    pub advertise_addresses: Vec<IpAddr>,
    /// The API server's port.
    pub port: u16,
    /// PEM of the CA that signs client certificates.
    pub client_ca: String,
}

/// How an object that is already there is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Left as it is.
    AsIs,
    /// Missing rules are added.
    AddRules,
    /// Missing subjects are added.
    AddSubjects,
    /// These top-level fields are made right.
    Fields(&'static [&'static str]),
}

/// An object that must be there.
#[derive(Debug, Clone)]
pub struct Seed {
    /// Its resource.
    pub resource: GroupVersionResource,
    /// What it should be.
    pub object: Document,
    /// What happens if it is there.
    pub keep: Keep,
}

/// How seeds are read and written.
pub trait Door: Send + Sync {
    /// Reads an object; `None` if it is absent.
    fn get<'a>(
        &'a self,
        resource: &'a GroupVersionResource,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<Document>>, Status>>;
    /// Creates an object.
    fn create<'a>(
        &'a self,
        resource: &'a GroupVersionResource,
        object: Document,
    ) -> BoxFuture<'a, Result<(), Status>>;
    /// Replaces an object.
    fn update<'a>(
        &'a self,
        resource: &'a GroupVersionResource,
        object: Document,
    ) -> BoxFuture<'a, Result<(), Status>>;
}

/// Makes the cluster hold what it must. Namespaces come first, the rest in parallel.
///
/// # Errors
/// The first write that failed for a reason other than somebody else having been quicker.
pub async fn reconcile(door: &dyn Door, config: &Config) -> Result<(), Status> {
    for wave in [namespaces(), objects(config)] {
        let results: Vec<Result<(), Status>> =
            stream::iter(wave).map(|seed| ensure(door, seed)).buffer_unordered(PARALLEL).collect().await;
        results.into_iter().collect::<Result<(), Status>>()?;
    }
    Ok(())
}

async fn ensure(door: &dyn Door, seed: Seed) -> Result<(), Status> {
    let (namespace, name) = (seed.object.namespace().to_owned(), seed.object.name().to_owned());
    let outcome = match door.get(&seed.resource, &namespace, &name).await? {
        None => door.create(&seed.resource, seed.object).await,
        Some(current) => match corrected(&current, &seed) {
            Some(object) => door.update(&seed.resource, object).await,
            None => Ok(()),
        },
    };
    match outcome {
        // Another API server over the same store was quicker.
        Err(status) if status.is_already_exists() || status.is_conflict() => Ok(()),
        outcome => outcome,
    }
}

/// The object with what it lacks; `None` if it lacks nothing.
fn corrected(current: &Document, seed: &Seed) -> Option<Document> {
    if current.annotation("rbac.authorization.kubernetes.io/autoupdate") == Some("false") {
        return None;
    }
    let mut object = current.clone();
    match seed.keep {
        Keep::AsIs => {}
        Keep::AddRules => {
            use crate::authorization::rule::Rule;
            let held: Vec<Rule> = current.array_at(&["rules"]).iter().map(Rule::read).collect();
            for rule in seed.object.array_at(&["rules"]).iter().map(Rule::read) {
                if !rule.parts().iter().all(|part| held.iter().any(|h| h.covers(part))) {
                    object.ensure(&["rules"]).push(rule.to_document());
                }
            }
        }
        Keep::AddSubjects => {
            let held = current.array_at(&["subjects"]);
            for subject in seed.object.array_at(&["subjects"]).iter().filter(|s| !held.contains(s)) {
                object.ensure(&["subjects"]).push(subject);
            }
        }
        Keep::Fields(fields) => {
            for field in fields {
                if let Some(value) = seed.object.get(field) {
                    object.insert(*field, value);
                }
            }
        }
    }
    (object != *current).then_some(object)
}

fn seed(group: &'static str, resource: &'static str, object: Document, keep: Keep) -> Seed {
    Seed { resource: GroupVersionResource::new(group, "v1", resource), object, keep }
}

fn namespaces() -> Vec<Seed> {
    ["default", "kube-system", "kube-public", "kube-node-lease"]
        .into_iter()
        .map(|name| {
            let object = doc!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            seed("", "namespaces", object, Keep::AsIs)
        })
        .collect()
}

fn objects(config: &Config) -> Vec<Seed> {
    const RBAC: &str = "rbac.authorization.k8s.io";
    let mut seeds = Vec::new();
    seeds.extend(policy::cluster_roles().into_iter().map(|o| seed(RBAC, "clusterroles", o, Keep::AddRules)));
    seeds.extend(
        policy::cluster_role_bindings()
            .into_iter()
            .map(|o| seed(RBAC, "clusterrolebindings", o, Keep::AddSubjects)),
    );
    seeds.extend(policy::roles().into_iter().map(|o| seed(RBAC, "roles", o, Keep::AddRules)));
    seeds.extend(
        policy::role_bindings().into_iter().map(|o| seed(RBAC, "rolebindings", o, Keep::AddSubjects)),
    );
    seeds.extend(priority_classes());
    seeds.extend(kubernetes_service(config));
    seeds.push(extension_authentication(config));
    seeds
}

fn priority_classes() -> [Seed; 2] {
    let class = |name: &str, value: i64, description: &str| {
        let object = doc!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name},
            "value": value, "description": description
        });
        seed("scheduling.k8s.io", "priorityclasses", object, Keep::AsIs)
    };
    [
        class(
            "system-node-critical",
            2_000_001_000,
            "Used for system critical pods that must not be moved from their current node.",
        ),
        class(
            "system-cluster-critical",
            2_000_000_000,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
        ),
    ]
}

/// The Service by which pods reach the API server, with endpoints that no controller owns.
fn kubernetes_service(config: &Config) -> Vec<Seed> {
    let texts = |addresses: &[IpAddr]| -> Vec<String> { addresses.iter().map(ToString::to_string).collect() };
    // The Service is of the default family, whatever others there are.
    let first = config.service_addresses.first();
    let service_addresses = texts(first.map(std::slice::from_ref).unwrap_or_default());
    let families: Vec<&str> =
        first.iter().map(|address| if address.is_ipv4() { "IPv4" } else { "IPv6" }).collect();
    let metadata = doc!({
        "name": "kubernetes", "namespace": "default",
        "labels": {"component": "apiserver", "provider": "kubernetes"}
    });
    let mut seeds = vec![seed(
        "",
        "services",
        doc!({
            "apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": {
                "clusterIP": service_addresses.first().cloned(), "clusterIPs": service_addresses,
                "ipFamilies": families, "ipFamilyPolicy": "SingleStack", "type": "ClusterIP", "sessionAffinity": "None",
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": config.port}]
            }
        }),
        Keep::AsIs,
    )];
    // Endpoints may not lead to the loopback: a server that is only reached there has none.
    let reachable: Vec<IpAddr> =
        config.advertise_addresses.iter().copied().filter(|address| !address.is_loopback()).collect();
    if reachable.is_empty() {
        seeds.push(service_cidr(config));
        return seeds;
    }
    let own = doc!({"endpointslice.kubernetes.io/skip-mirror": "true"});
    let addresses: Document = texts(&reachable).into_iter().map(|ip| doc!({"ip": ip})).collect();
    seeds.push(seed(
        "",
        "endpoints",
        doc!({
            "apiVersion": "v1", "kind": "Endpoints",
            "metadata": {"name": "kubernetes", "namespace": "default", "labels": own},
            "subsets": [{"addresses": addresses, "ports": [{"name": "https", "port": config.port, "protocol": "TCP"}]}]
        }),
        Keep::Fields(&["subsets"]),
    ));
    for (family, name, is_v4) in [("IPv4", "kubernetes", true), ("IPv6", "kubernetes-ipv6", false)] {
        let addresses: Vec<IpAddr> = reachable.iter().copied().filter(|a| a.is_ipv4() == is_v4).collect();
        if addresses.is_empty() {
            continue;
        }
        let endpoints: Document = texts(&addresses)
            .into_iter()
            .map(|ip| doc!({"addresses": [ip], "conditions": {"ready": true}}))
            .collect();
        seeds.push(seed(
            "discovery.k8s.io",
            "endpointslices",
            doc!({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": {"name": name, "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"}},
                "addressType": family, "endpoints": endpoints,
                "ports": [{"name": "https", "port": config.port, "protocol": "TCP"}]
            }),
            Keep::Fields(&["endpoints", "ports"]),
        ));
    }
    seeds.push(service_cidr(config));
    seeds
}

fn service_cidr(config: &Config) -> Seed {
    let cidrs = doc!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "kubernetes"},
        "spec": {"cidrs": config.service_cidrs.clone()}
    });
    seed("networking.k8s.io", "servicecidrs", cidrs, Keep::AsIs)
}

/// What extension API servers need to verify clients.
fn extension_authentication(config: &Config) -> Seed {
    let object = doc!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "extension-apiserver-authentication", "namespace": "kube-system"},
        "data": {"client-ca-file": config.client_ca.as_str()}
    });
    seed("", "configmaps", object, Keep::Fields(&["data"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(rules: Document) -> Document {
        doc!({"metadata": {"name": "r"}, "rules": rules})
    }

    #[test]
    fn an_administrators_rules_stay_and_missing_ones_are_added() {
        let current = role(doc!([{"verbs": ["*"], "apiGroups": [""], "resources": ["secrets"]}]));
        let wanted = role(doc!([
            {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]},
            {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}
        ]));
        let seed = seed("rbac.authorization.k8s.io", "clusterroles", wanted, Keep::AddRules);
        let object = corrected(&current, &seed).unwrap();
        assert_eq!(
            object.get("rules"),
            Some(&doc!([
                {"verbs": ["*"], "apiGroups": [""], "resources": ["secrets"]},
                {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
            ]))
        );
        assert_eq!(corrected(&object, &seed), None);
    }

    #[test]
    fn an_object_that_opted_out_is_left_alone() {
        let mut current = role(doc!([]));
        current.set(&["metadata", "annotations", "rbac.authorization.kubernetes.io/autoupdate"], "false");
        let wanted = role(doc!([{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]));
        assert_eq!(corrected(&current, &seed("", "clusterroles", wanted, Keep::AddRules)), None);
    }
}

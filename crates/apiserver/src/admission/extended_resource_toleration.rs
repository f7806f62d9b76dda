//! `ExtendedResourceToleration`: a pod that asks for an extended resource tolerates the taint that keeps others off the
//! nodes that have it.

use super::{Operation, Plugin, Request};
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Map, Status, doc, names};
use std::collections::BTreeSet;

/// The plugin.
pub struct ExtendedResourceToleration;

fn apply(request: &Request<'_>, pod: &mut Document) {
    if !request.is("", "pods") || !matches!(request.operation, Operation::Create | Operation::Update) {
        return;
    }
    let resources: BTreeSet<String> = ["containers", "initContainers"]
        .iter()
        .flat_map(|list| pod.array_at(&["spec", list]))
        .filter_map(|container| container.object_at(&["resources", "requests"]))
        .flat_map(Map::keys)
        .filter(|name| is_extended(name))
        .map(str::to_owned)
        .collect();
    for resource in resources {
        let wanted = doc!({"key": resource, "operator": "Exists", "effect": "NoSchedule"});
        let same = |toleration: &Document| {
            let fields = ["key", "operator", "value", "effect"];
            fields.iter().all(|field| toleration.str_at(&[field]) == wanted.str_at(&[field]))
        };
        if !pod.array_at(&["spec", "tolerations"]).iter().any(same) {
            pod.ensure(&["spec", "tolerations"]).push(wanted);
        }
    }
}

/// Whether the name is none of Kubernetes' own resources and could stand in a quota.
fn is_extended(name: &str) -> bool {
    let native = !name.contains('/') || name.contains("kubernetes.io/");
    !native && !name.starts_with("requests.") && names::qualified_name(&format!("requests.{name}")).is_empty()
}

impl Plugin for ExtendedResourceToleration {
    fn name(&self) -> &'static str {
        "ExtendedResourceToleration"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        apply(request, object);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::Write;

    #[test]
    fn each_extended_resource_is_tolerated_once() {
        let pod = doc!({"spec": {
            "containers": [{"resources": {"requests": {"example.com/b": "1", "cpu": "1"}}}],
            "initContainers": [{"resources": {"requests": {"example.com/a": "1", "hugepages-2Mi": "1Mi"}}}]
        }});
        let create = Write::create("", "pods");
        let once = create.admit(&ExtendedResourceToleration, pod).unwrap();
        let toleration = |key: &str| doc!({"key": key, "operator": "Exists", "effect": "NoSchedule"});
        assert_eq!(
            once.array_at(&["spec", "tolerations"]),
            [toleration("example.com/a"), toleration("example.com/b")]
        );
        assert_eq!(create.admit(&ExtendedResourceToleration, once.clone()).unwrap(), once);
    }
}

//! Which resources a quota speaks of.

use skiff_api::quota::evaluators;
use skiff_api::resource_list::ResourceList;
use skiff_apimachinery::GroupResource;
use skiff_client::Served;
use std::collections::BTreeSet;

/// Resources that quotas limit by names of their own, such as `pods`, `requests.cpu` or `services.nodeports`.
const NAMED: [(&str, &str); 8] = [
    ("", "configmaps"),
    ("", "persistentvolumeclaims"),
    ("", "pods"),
    ("", "replicationcontrollers"),
    ("", "resourcequotas"),
    ("", "secrets"),
    ("", "services"),
    ("resource.k8s.io", "resourceclaims"),
];
/// What stands before any resource whose objects are to be counted.
const COUNT: &str = "count/";

/// The resources whose objects have to be counted for these limits.
pub(super) fn resources(hard: &ResourceList) -> BTreeSet<GroupResource> {
    let named = NAMED.into_iter().map(|(group, plural)| GroupResource::new(group, plural));
    let named = named.filter(|resource| {
        let evaluator = evaluators::of(resource);
        hard.names().any(|name| evaluator.tracks(name))
    });
    let counted = hard.names().filter_map(|name| name.strip_prefix(COUNT)).map(of_name);
    named.chain(counted).filter(|resource| !is_events(resource)).collect()
}

/// Whether objects of a served resource are counted: they live in namespaces, come and go, and can be followed.
pub(super) fn is_countable(served: &Served) -> bool {
    served.resource.namespaced && ["create", "list", "watch", "delete"].iter().all(|verb| served.can(verb))
}

/// The resource of `widgets.example.com`.
fn of_name(name: &str) -> GroupResource {
    let (plural, group) = name.split_once('.').unwrap_or((name, ""));
    GroupResource::new(group.to_owned(), plural.to_owned())
}

/// Events never were limited: they come in masses and go by themselves.
fn is_events(resource: &GroupResource) -> bool {
    resource.resource == "events" && matches!(&*resource.group, "" | "events.k8s.io")
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::quantity::Quantity;

    fn named(names: &[&str]) -> Vec<String> {
        let hard = names.iter().map(|&name| (name.to_owned(), Quantity::from_value(1))).collect();
        resources(&hard).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn limits_tell_what_is_counted() {
        let cases: [(&[&str], &[&str]); 8] = [
            (&["requests.cpu", "requests.example.com/gpu"], &["pods"]),
            (&["services.nodeports", "count/services"], &["services"]),
            (&["gold.storageclass.storage.k8s.io/requests.storage"], &["persistentvolumeclaims"]),
            (&["gpu.deviceclass.resource.k8s.io/devices"], &["resourceclaims.resource.k8s.io"]),
            (&["secrets", "configmaps"], &["configmaps", "secrets"]),
            (
                &["count/deployments.apps", "count/widgets.example.com"],
                &["deployments.apps", "widgets.example.com"],
            ),
            (&["count/events", "count/events.events.k8s.io"], &[]),
            (&["limits.example.com/gpu"], &[]),
        ];
        for (limits, resources) in cases {
            assert_eq!(named(limits), resources, "{limits:?}");
        }
    }
}

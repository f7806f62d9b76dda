//! APIServices of what is built in: that this server itself answers for a group and version, and which clients should
//! prefer. Pure.

use super::{Keep, Seed, seed};
use skiff_api::discovery::group_priority;
use skiff_apimachinery::{Document, GroupVersion, doc};

/// The group that the aggregation layer serves itself, which needs none.
const OWN_GROUP: &str = "apiregistration.k8s.io";
/// Versions of which another than the usual is preferred.
const VERSION_PRIORITIES: [(&str, &str, i64); 3] =
    [("", "v1", 1), ("autoscaling", "v2", 30), ("flowcontrol.apiserver.k8s.io", "v1", 21)];

/// An APIService for each version.
pub(super) fn seeds(versions: &[GroupVersion]) -> impl Iterator<Item = Seed> {
    versions.iter().filter(|version| version.group != OWN_GROUP).map(|version| {
        seed("apiregistration.k8s.io", "apiservices", api_service(version), Keep::Fields(&["spec"]))
    })
}

fn api_service(served: &GroupVersion) -> Document {
    let (group, version) = (&*served.group, &*served.version);
    let mut spec = Document::object();
    if !group.is_empty() {
        spec.insert("group", group);
    }
    spec.insert("groupPriorityMinimum", group_priority(group));
    spec.insert("version", version);
    spec.insert("versionPriority", version_priority(group, version));
    doc!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {
            "name": format!("{version}.{group}"),
            "labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"}
        },
        "spec": spec
    })
}

fn version_priority(group: &str, version: &str) -> i64 {
    let own = VERSION_PRIORITIES.iter().find(|(g, v, _)| (*g, *v) == (group, version));
    match own {
        Some((.., priority)) => *priority,
        None if version.contains("alpha") => 9,
        None if version.contains("beta") => 12,
        None => 15,
    }
}

/// The status of an APIService that this server answers for; `None` if it says so already.
pub(super) fn available(service: &Document, now: &str) -> Option<Document> {
    let is_told = |condition: &Document| {
        condition.str_at(&["type"]) == "Available" && condition.str_at(&["status"]) == "True"
    };
    if service.array_at(&["status", "conditions"]).iter().any(is_told) {
        return None;
    }
    let mut service = service.clone();
    let condition = doc!({
        "type": "Available", "status": "True", "lastTransitionTime": now, "reason": "Local",
        "message": "Local APIServices are always available"
    });
    service.set(&["status", "conditions"], vec![condition]);
    Some(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_but_the_aggregators_own_has_one() {
        let versions = [("", "v1"), ("autoscaling", "v2"), ("apps", "v1"), (OWN_GROUP, "v1")]
            .map(|(group, version)| GroupVersion::new(group, version));
        let told: Vec<String> = seeds(&versions)
            .map(|seed| {
                let spec = |key: &str| seed.object.i64_at(&["spec", key]).unwrap();
                let (group, version) = (spec("groupPriorityMinimum"), spec("versionPriority"));
                format!("{} {group} {version}", seed.object.name())
            })
            .collect();
        assert_eq!(told, ["v1. 18000 1", "v2.autoscaling 17500 30", "v1.apps 17800 15"]);
    }

    #[test]
    fn what_is_local_is_available_and_told_once() {
        let service = api_service(&GroupVersion::new("apps", "v1"));
        let told = available(&service, "2026-01-02T03:04:05Z").unwrap();
        assert_eq!(told.array_at(&["status", "conditions"])[0].str_at(&["reason"]), "Local");
        assert_eq!(available(&told, "2026-01-02T03:04:06Z"), None);
    }
}

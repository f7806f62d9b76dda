//! Fields of features that are off by default in this version: dropped, unless the old object has them.

use super::given;
use skiff_apimachinery::{Document, Map};

/// Drops from a pod's spec what is off.
pub(crate) fn drop_from_spec(spec: &mut Document, old: Option<&Document>) {
    let in_use = |used: fn(&Document) -> bool| old.is_some_and(used);
    if spec.get("workloadRef").is_some() && !in_use(|old| given(old, "workloadRef").is_some()) {
        spec.remove(&["workloadRef"]);
    }
    for source in ["clusterTrustBundle", "podCertificate"] {
        if has_projection(spec, source) && !old.is_some_and(|old| has_projection(old, source)) {
            drop_projections(spec, source);
        }
    }
    if has_stop_signal(spec) && !in_use(has_stop_signal) {
        drop_stop_signals(spec);
    }
}

fn has_projection(spec: &Document, kind: &str) -> bool {
    let volumes = spec.array_at(&["volumes"]).iter();
    let mut sources = volumes.flat_map(|volume| volume.array_at(&["projected", "sources"]));
    sources.any(|source| given(source, kind).is_some())
}

fn drop_projections(spec: &mut Document, kind: &str) {
    let volumes = spec.get_mut("volumes").and_then(Document::as_array_mut);
    for volume in volumes.into_iter().flatten() {
        let sources = volume.at_mut(&["projected", "sources"]).and_then(Document::as_array_mut);
        for source in sources.into_iter().flatten() {
            source.remove(&[kind]);
        }
    }
}

const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

fn has_stop_signal(spec: &Document) -> bool {
    let mut containers = LISTS.iter().flat_map(|list| spec.array_at(&[list]));
    containers.any(|container| container.at(&["lifecycle", "stopSignal"]).is_some_and(|s| !s.is_null()))
}

fn drop_stop_signals(spec: &mut Document) {
    for list in LISTS {
        let containers = spec.get_mut(list).and_then(Document::as_array_mut);
        for container in containers.into_iter().flatten() {
            container.remove(&["lifecycle", "stopSignal"]);
            // A lifecycle that only said how to stop says nothing now.
            if container.object_at(&["lifecycle"]).is_some_and(Map::is_empty) {
                container.remove(&["lifecycle"]);
            }
        }
    }
}

/// Drops from a pod's status what is off.
pub(crate) fn drop_from_status(status: &mut Document, old: Option<&Document>) {
    for field in ["resources", "allocatedResources", "extendedResourceClaimStatus"] {
        if old.is_none_or(|old| given(old, field).is_none()) {
            status.remove(&[field]);
        }
    }
    for list in ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] {
        let statuses = status.get_mut(list).and_then(Document::as_array_mut);
        for container in statuses.into_iter().flatten() {
            container.remove(&["allocatedResourcesStatus"]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn a_feature_that_is_off_is_dropped_unless_it_was_in_use() {
        let spec = doc!({
            "workloadRef": {"name": "w", "podGroup": "g"},
            "volumes": [{"name": "v", "projected": {"sources": [{"clusterTrustBundle": {"path": "p"}}]}}],
            "containers": [
                {"name": "a", "lifecycle": {"stopSignal": "SIGTERM"}},
                {"name": "b", "lifecycle": {"stopSignal": "SIGTERM", "preStop": {}}}
            ]
        });
        let mut new = spec.clone();
        drop_from_spec(&mut new, None);
        assert_eq!(
            new,
            doc!({
                "volumes": [{"name": "v", "projected": {"sources": [{}]}}],
                "containers": [{"name": "a"}, {"name": "b", "lifecycle": {"preStop": {}}}]
            })
        );
        let mut kept = spec.clone();
        drop_from_spec(&mut kept, Some(&spec));
        assert_eq!(kept, spec);
    }

    #[test]
    fn a_status_keeps_what_it_had() {
        let status =
            doc!({"resources": {}, "containerStatuses": [{"name": "a", "allocatedResourcesStatus": []}]});
        let mut new = status.clone();
        drop_from_status(&mut new, Some(&status));
        assert_eq!(new, doc!({"resources": {}, "containerStatuses": [{"name": "a"}]}));
        drop_from_status(&mut new, None);
        assert_eq!(new, doc!({"containerStatuses": [{"name": "a"}]}));
    }
}

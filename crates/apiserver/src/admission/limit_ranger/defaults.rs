//! Amounts that containers get which name none.

use skiff_api::resource_list::ResourceList;
use skiff_apimachinery::Document;

/// Where upstream notes what it set.
const ANNOTATION: [&str; 3] = ["metadata", "annotations", "kubernetes.io/limit-ranger"];

/// Fills in what containers leave out, and notes it on the pod.
pub(super) fn fill(range: &Document, pod: &mut Document) {
    let (mut requests, mut limits) = (ResourceList::default(), ResourceList::default());
    for item in range.array_at(&["spec", "limits"]) {
        if item.str_at(&["type"]) == "Container" {
            for (name, amount) in ResourceList::read(item.object_at(&["defaultRequest"])).iter() {
                requests.set(name, amount);
            }
            for (name, amount) in ResourceList::read(item.object_at(&["default"])).iter() {
                limits.set(name, amount);
            }
        }
    }
    let mut notes = Vec::new();
    for (list, what) in [("containers", "container"), ("initContainers", "init container")] {
        let containers = pod.at_mut(&["spec", list]).and_then(Document::as_array_mut);
        for container in containers.into_iter().flatten() {
            let set_limits = fill_list(container, "limits", &limits);
            let set_requests = fill_list(container, "requests", &requests);
            let name = container.str_at(&["name"]);
            for (set, field) in [(set_requests, "request"), (set_limits, "limit")] {
                if !set.is_empty() {
                    notes.push(format!("{} {field} for {what} {name}", set.join(", ")));
                }
            }
        }
    }
    if !notes.is_empty() {
        pod.set(&ANNOTATION, format!("LimitRanger plugin set: {}", notes.join("; ")));
    }
}

/// Names of the resources that were set.
fn fill_list(container: &mut Document, field: &str, defaults: &ResourceList) -> Vec<String> {
    defaults
        .iter()
        .filter(|(name, amount)| container.set_default(&["resources", field, name], *amount))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn what_is_left_out_is_filled_in_and_noted() {
        let range = doc!({"spec": {"limits": [
            {"type": "Container", "default": {"cpu": "1", "memory": "1Gi"}, "defaultRequest": {"cpu": "100m"}},
            {"type": "Pod", "max": {"cpu": "9"}}
        ]}});
        let mut pod = doc!({"spec": {
            "containers": [{"name": "a"}, {"name": "b", "resources": {"limits": {"cpu": "2", "memory": "1"}}}],
            "initContainers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]
        }});
        fill(&range, &mut pod);
        assert_eq!(
            pod.str_at(&ANNOTATION),
            "LimitRanger plugin set: cpu request for container a; cpu, memory limit for container a; \
             cpu request for container b; cpu, memory limit for init container c"
        );
        assert_eq!(
            pod.array_at(&["spec", "containers"])[0].str_at(&["resources", "limits", "memory"]),
            "1Gi"
        );
        let noted = pod.clone();
        fill(&range, &mut pod);
        assert!(pod == noted, "filling in again changes nothing");
    }
}

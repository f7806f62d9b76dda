//! What a pod asks for and may use, summed over its containers as upstream sums it.
//!
//! The larger of the running containers together and of each init container with the sidecars that were started before it
//! (KEP-753); amounts for the whole pod (KEP-2837) win over that; overhead (KEP-688) comes on top.

use crate::resource_list::ResourceList;
use skiff_apimachinery::Document;

/// Which of a container's lists is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// `resources.requests`.
    Requests,
    /// `resources.limits`.
    Limits,
}

impl Which {
    fn field(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Limits => "limits",
        }
    }

    /// The list of a container, or of a pod's spec.
    pub fn of(self, container: &Document) -> ResourceList {
        ResourceList::read(container.object_at(&["resources", self.field()]))
    }
}

/// Without overhead.
pub fn aggregate(spec: &Document, which: Which) -> ResourceList {
    let mut running = ResourceList::default();
    for container in spec.array_at(&["containers"]) {
        running.add(&which.of(container));
    }
    let (mut sidecars, mut starting) = (ResourceList::default(), ResourceList::default());
    for container in spec.array_at(&["initContainers"]) {
        let mut amount = which.of(container);
        if container.str_at(&["restartPolicy"]) == "Always" {
            running.add(&amount);
            sidecars.add(&amount);
            starting.raise_to(&sidecars);
        } else {
            amount.add(&sidecars);
            starting.raise_to(&amount);
        }
    }
    running.raise_to(&starting);
    for (name, amount) in which.of(spec).iter() {
        running.set(name, amount);
    }
    running
}

/// What the pod takes of a node.
pub fn requests(spec: &Document) -> ResourceList {
    let mut total = aggregate(spec, Which::Requests);
    total.add(&ResourceList::read(spec.object_at(&["overhead"])));
    total
}

/// What the pod may use at most; overhead counts only where there is a limit.
pub fn limits(spec: &Document) -> ResourceList {
    let mut total = aggregate(spec, Which::Limits);
    let overhead = ResourceList::read(spec.object_at(&["overhead"]));
    let limited = overhead.filtered(|name, _| total.get(name).is_some_and(|amount| !amount.is_zero()));
    total.add(&limited);
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn container(cpu: &str) -> Document {
        doc!({"resources": {"requests": {"cpu": cpu}, "limits": {"cpu": cpu}}})
    }

    #[test]
    fn the_larger_of_running_and_starting_counts() {
        let mut sidecar = container("200m");
        sidecar.insert("restartPolicy", "Always");
        let spec = doc!({
            "containers": [container("100m")],
            "initContainers": [container("300m"), sidecar, container("250m")]
        });
        assert_eq!(requests(&spec).to_string(), "cpu=450m");
    }

    #[test]
    fn amounts_of_the_whole_pod_win_and_overhead_comes_on_top() {
        let spec = doc!({
            "containers": [container("100m")],
            "resources": {"requests": {"cpu": "1"}},
            "overhead": {"cpu": "50m", "memory": "1Mi"}
        });
        assert_eq!(requests(&spec).to_string(), "cpu=1050m,memory=1Mi");
        assert_eq!(limits(&spec).to_string(), "cpu=150m");
    }
}

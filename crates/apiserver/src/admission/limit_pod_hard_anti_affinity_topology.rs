//! `LimitPodHardAntiAffinityTopology`: pods keep others away from their node at most, never from a whole zone.

use super::{Operation, Plugin, Request};
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status};

const HOSTNAME: &str = "kubernetes.io/hostname";

/// The plugin.
pub struct LimitPodHardAntiAffinityTopology;

fn check(request: &Request<'_>, pod: &Document) -> Result<(), Status> {
    if !request.is("", "pods") || !matches!(request.operation, Operation::Create | Operation::Update) {
        return Ok(());
    }
    let path = ["spec", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];
    let mut keys = pod.array_at(&path).iter().map(|term| term.str_at(&["topologyKey"]));
    match keys.find(|key| *key != HOSTNAME) {
        None => Ok(()),
        Some(key) => Err(request.forbidden(&format!(
            "affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey {key} but only key {HOSTNAME} is allowed"
        ))),
    }
}

impl Plugin for LimitPodHardAntiAffinityTopology {
    fn name(&self) -> &'static str {
        "LimitPodHardAntiAffinityTopology"
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(check(request, object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::Write;
    use skiff_apimachinery::doc;

    fn refusal(key: &str) -> String {
        let terms = doc!([{"topologyKey": key}]);
        let pod = doc!({"spec": {"affinity": {"podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": terms
        }}}});
        Write::create("", "pods").refusal(&LimitPodHardAntiAffinityTopology, &pod)
    }

    #[test]
    fn only_the_node_may_be_kept_free_of_others() {
        assert_eq!(refusal(HOSTNAME), "");
        assert_eq!(
            refusal("topology.kubernetes.io/zone"),
            r#"pods "x" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey topology.kubernetes.io/zone but only key kubernetes.io/hostname is allowed"#
        );
    }
}

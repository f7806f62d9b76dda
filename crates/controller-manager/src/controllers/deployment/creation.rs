//! The ReplicaSet of a new template.

use super::{World, revision, rolling, rollout::Rollout, template};
use crate::ownership::controller_ref;
use crate::plan::{Ending, Notice, Write};
use crate::pod_template;
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::REPLICA_SETS;

/// Creates the ReplicaSet, with as many replicas as the strategy allows at once. `None` if its name is taken: then the
/// status counts a collision, which changes the name.
pub(super) fn new_set(world: &World, rollout: &Rollout<'_>) -> Option<Write> {
    if world.homonym.is_some() {
        return None;
    }
    let size = if rollout.recreate { rollout.replicas } else { rolling::size_of_new(rollout) };
    let set = document(rollout, size);
    let deployment = rollout.deployment;
    let name = set.name().to_owned();
    let failed = format!("Failed to create new replica set {name:?}: ");
    let write = Write::create(&REPLICA_SETS, deployment.namespace(), set)
        .on_failure(Notice::warning(deployment, "ReplicaSetCreateError", failed).ending(Ending::Error));
    Some(if size > 0 {
        let message = format!("Scaled up replica set {name} from 0 to {size}");
        write.on_success(Notice::normal(deployment, "ScalingReplicaSet", message))
    } else {
        write
    })
}

fn document(rollout: &Rollout<'_>, size: i64) -> Document {
    let deployment = rollout.deployment;
    let hash = pod_template::hash(deployment);
    let mut template = deployment.at(&["spec", "template"]).cloned().unwrap_or_default();
    template.set(&["metadata", "labels", template::POD_TEMPLATE_HASH], hash.as_str());
    let mut selector = deployment.at(&["spec", "selector"]).cloned().unwrap_or_default();
    selector.set(&["matchLabels", template::POD_TEMPLATE_HASH], hash.as_str());

    let mut set = doc!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": template::set_name(deployment),
            "namespace": deployment.namespace(),
            "labels": template.at(&["metadata", "labels"]).cloned(),
            "ownerReferences": [controller_ref(deployment)]
        },
        "spec": {"replicas": size, "selector": selector, "template": template}
    });
    if let Some(seconds) = deployment.i64_at(&["spec", "minReadySeconds"]).filter(|seconds| *seconds > 0) {
        set.set(&["spec", "minReadySeconds"], seconds);
    }
    set.set(&["metadata", "annotations"], revision::annotations_of_new(rollout));
    set
}

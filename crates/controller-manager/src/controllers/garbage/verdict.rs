//! What becomes of one object, as its owners and dependents are.

use super::graph::{self, FOREGROUND, Node, ORPHAN};
use super::{OwnerState, World};
use crate::plan::{Plan, Write};
use skiff_apimachinery::{Document, doc};
use skiff_client::{DeleteOptions, PatchKind};

pub(super) fn plan(world: &World) -> Plan {
    let mut plan = Plan::default();
    let object = &world.node.object;
    if graph::waits_for_orphans(object) {
        plan.all(
            world
                .dependents
                .iter()
                .filter_map(|dependent| without_owners(dependent, &[object.uid()]))
                .collect(),
        );
        plan.write(without_finalizer(&world.node, ORPHAN));
    } else if graph::waits_for_dependents(object) {
        let blocks = |dependent: &Node| dependent.owner(object.uid()).is_some_and(|owner| owner.blocks);
        if !world.dependents.iter().any(blocks) {
            plan.write(without_finalizer(&world.node, FOREGROUND));
        }
    } else if object.deletion_timestamp().is_none() && !world.owners.is_empty() {
        by_owners(world, &mut plan);
    }
    plan
}

fn by_owners(world: &World, plan: &mut Plan) {
    let node = &world.node;
    let has = |state: OwnerState| world.owners.iter().any(|(_, s)| *s == state);
    if has(OwnerState::Solid) {
        let lost = world.owners.iter().filter(|(_, state)| *state != OwnerState::Solid);
        let lost: Vec<&str> = lost.map(|(owner, _)| owner.uid.as_str()).collect();
        if !lost.is_empty() {
            plan.all(without_owners(node, &lost).into_iter().collect());
        }
    } else if has(OwnerState::Waiting) && !world.dependents.is_empty() {
        // A dependent that waits itself closes a circle: nobody would ever go, so this one stops blocking its owner.
        if world.dependents.iter().any(|dependent| graph::waits_for_dependents(&dependent.object)) {
            plan.all(unblocking(node).into_iter().collect());
        } else {
            plan.write(deletion(node, "Foreground"));
        }
    } else {
        let wants = |finalizer: &str| node.object.finalizers().any(|f| f == finalizer);
        let policy = if wants(ORPHAN) {
            "Orphan"
        } else if wants(FOREGROUND) {
            "Foreground"
        } else {
            "Background"
        };
        plan.write(deletion(node, policy));
    }
}

/// Deletes this very version of the object: a newer one may have other owners.
fn deletion(node: &Node, policy: &'static str) -> Write {
    let options = DeleteOptions {
        uid: Some(node.object.uid().to_owned()),
        resource_version: Some(node.object.resource_version().to_owned()),
        propagation_policy: Some(policy),
        grace_period_seconds: None,
    };
    Write::delete_with(node.resource(), &node.object, &options)
}

/// A merge patch of metadata that only applies to this version of the object.
fn metadata_patch(node: &Node, field: &str, value: Vec<Document>) -> Write {
    let metadata = doc!({
        "uid": node.object.uid(),
        "resourceVersion": node.object.resource_version(),
        (field): value
    });
    Write::patch(node.resource(), &node.object, "", PatchKind::Merge, doc!({"metadata": metadata}))
}

fn without_finalizer(node: &Node, finalizer: &str) -> Write {
    let kept = node.object.finalizers().filter(|f| *f != finalizer).map(Document::from).collect();
    metadata_patch(node, "finalizers", kept)
}

fn without_owners(node: &Node, uids: &[&str]) -> Option<Write> {
    let owners = node.object.owner_references();
    let kept: Vec<Document> =
        owners.iter().filter(|owner| !uids.contains(&owner.str_at(&["uid"]))).cloned().collect();
    (kept.len() < owners.len()).then(|| metadata_patch(node, "ownerReferences", kept))
}

fn unblocking(node: &Node) -> Option<Write> {
    let owners = node.object.owner_references();
    let blocking = |owner: &Document| owner.bool_at(&["blockOwnerDeletion"]) == Some(true);
    let unblocked = owners.iter().cloned().map(|mut owner| {
        if blocking(&owner) {
            owner.insert("blockOwnerDeletion", false);
        }
        owner
    });
    owners.iter().any(blocking).then(|| metadata_patch(node, "ownerReferences", unblocked.collect()))
}

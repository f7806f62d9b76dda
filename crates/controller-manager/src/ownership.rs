//! Who controls whom: adopting orphans that match, releasing what matches no longer.

use crate::plan::Write;
use crate::pods::orphans_of;
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::selector::LabelSelector;
use skiff_apimachinery::{Document, doc};
use skiff_client::{Cached, Event, Index, Informer, PatchKind, Resource};
use std::sync::Arc;

/// Objects sorted by their relation to one controller object.
pub struct Claimed<T> {
    /// Controlled already and still matching.
    pub owned: Vec<Arc<Cached<T>>>,
    /// Matching, without a controller: to be adopted.
    pub adopt: Vec<Arc<Cached<T>>>,
    /// Controlled but matching no longer: to be released.
    pub release: Vec<Arc<Cached<T>>>,
}

/// The UID of an object's controller.
pub fn controller_uid(object: &Document) -> Option<&str> {
    object.controller_ref().map(|owner| owner.str_at(&["uid"]))
}

/// The objects by the UID of their controller; those without one under [`orphans_of`] their namespace.
pub fn by_controller<T: 'static>(informer: &Informer<T>) -> Index<T> {
    informer.index("controller", |object| {
        vec![controller_uid(object).map_or_else(|| orphans_of(object.namespace()), str::to_owned)]
    })
}

/// Which owners of a kind a change of an object concerns: its controllers before and after, or for an orphan those that
/// select it.
pub fn concerned<O, T>(
    owners: &Informer<O>,
    selector: impl Fn(&Document) -> LabelSelector,
    event: &Event<T>,
) -> Vec<ObjectKey> {
    let controller = |object: &Cached<T>| {
        let owner = object.controller_ref()?;
        (owner.str_at(&["kind"]) == &*owners.resource().kind)
            .then(|| ObjectKey::new(object.namespace(), owner.str_at(&["name"])))
    };
    let object = event.object();
    let mut keys: Vec<ObjectKey> = controller(object).into_iter().collect();
    if let Event::Updated { old, .. } = event {
        keys.extend(controller(old).filter(|key| !keys.contains(key)));
    }
    if object.controller_ref().is_none() && !matches!(event, Event::Deleted(_)) {
        let all = owners.list_namespace(object.namespace());
        let selecting = all.iter().filter(|owner| selector(owner).matches(object.labels()));
        keys.extend(selecting.map(|owner| owner.key()));
    }
    keys
}

/// A workload's `spec.selector`. The API server has checked it; one that does not parse all the same selects nothing, so
/// that no controller acts on objects that it was not told to.
pub fn selector_of(workload: &Document) -> LabelSelector {
    LabelSelector::from_object(workload.at(&["spec", "selector"]))
        .unwrap_or_else(|_| LabelSelector::nothing())
}

/// The controller reference to an object with apiVersion and kind.
pub fn controller_ref(owner: &Document) -> Document {
    doc!({
        "apiVersion": owner.str_at(&["apiVersion"]),
        "kind": owner.str_at(&["kind"]),
        "name": owner.name(),
        "uid": owner.uid(),
        "controller": true,
        "blockOwnerDeletion": true
    })
}

/// Sorts candidates. An owner that is being deleted adopts nothing and releases nothing: the garbage collector decides.
pub fn claim<T>(
    owner: &Document,
    selector: &LabelSelector,
    candidates: impl IntoIterator<Item = Arc<Cached<T>>>,
) -> Claimed<T> {
    let mut claimed = Claimed { owned: Vec::new(), adopt: Vec::new(), release: Vec::new() };
    let owner_ends = owner.deletion_timestamp().is_some();
    for object in candidates {
        let matches = selector.matches(object.labels());
        match controller_uid(&object) {
            Some(uid) if uid != owner.uid() => {}
            Some(_) if matches => claimed.owned.push(object),
            Some(_) if owner_ends => {}
            Some(_) => claimed.release.push(object),
            None if owner_ends || !matches || object.deletion_timestamp().is_some() => {}
            None => claimed.adopt.push(object),
        }
    }
    claimed
}

/// Makes the owner the object's controller, if both are still the same objects and the owner is not being deleted: what it
/// leaves as an orphan must not be taken back.
pub fn adopt<T>(resource: &Resource, owners: &Resource, owner: &Document, object: &Cached<T>) -> Write {
    let patch = doc!({"metadata": {"ownerReferences": [controller_ref(owner)], "uid": object.uid()}});
    Write::patch(resource, object, "", PatchKind::Strategic, patch).while_lives(owners, owner)
}

/// Takes the owner's reference off the object.
pub fn release<T>(resource: &Resource, owner: &Document, object: &Cached<T>) -> Write {
    let patch = doc!({
        "metadata": {"ownerReferences": [{"$patch": "delete", "uid": owner.uid()}], "uid": object.uid()}
    });
    Write::patch(resource, object, "", PatchKind::Strategic, patch)
}

//! Who owns whom, by UID, and whom a change concerns.
//!
//! Pure: events go in, the UIDs to look at come out. While the graph is being loaded nothing comes out; [`Graph::loaded`]
//! then names all that needs a look, so that a restart does not look every object's owner up.

use skiff_apimachinery::Document;
use skiff_client::{Object, Resource};
use std::collections::{HashMap, HashSet};

pub(super) const ORPHAN: &str = "orphan";
pub(super) const FOREGROUND: &str = "foregroundDeletion";

/// An object in the graph.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) resource: Resource,
    pub(super) object: Object,
}

/// A reference to an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) uid: String,
    /// Whether the owner's foreground deletion waits for this dependent.
    pub(super) blocks: bool,
}

/// All objects and their references.
#[derive(Default)]
pub(super) struct Graph {
    nodes: HashMap<String, Node>,
    /// By the owner's UID, whether the owner is known or not.
    dependents: HashMap<String, HashSet<String>>,
    loaded: bool,
}

/// Whether an object waits for its dependents to be deleted.
pub(super) fn waits_for_dependents(object: &Document) -> bool {
    object.deletion_timestamp().is_some() && object.finalizers().any(|finalizer| finalizer == FOREGROUND)
}

/// Whether an object waits for its dependents to be released.
pub(super) fn waits_for_orphans(object: &Document) -> bool {
    object.deletion_timestamp().is_some() && object.finalizers().any(|finalizer| finalizer == ORPHAN)
}

impl Node {
    pub(super) fn owners(&self) -> Vec<Owner> {
        self.object.owner_references().iter().map(Owner::read).collect()
    }

    /// The reference to one owner.
    pub(super) fn owner(&self, uid: &str) -> Option<Owner> {
        self.object.owner_references().iter().find(|owner| owner.str_at(&["uid"]) == uid).map(Owner::read)
    }
}

impl Owner {
    fn read(reference: &Document) -> Self {
        let text = |key: &str| reference.str_at(&[key]).to_owned();
        Self {
            api_version: text("apiVersion"),
            kind: text("kind"),
            name: text("name"),
            uid: text("uid"),
            blocks: reference.bool_at(&["blockOwnerDeletion"]) == Some(true),
        }
    }
}

impl Graph {
    /// An object and its dependents.
    pub(super) fn with_dependents(&self, uid: &str) -> Option<(Node, Vec<Node>)> {
        let node = self.nodes.get(uid)?.clone();
        let dependents = self.dependents.get(uid).into_iter().flatten();
        Some((node, dependents.filter_map(|uid| self.nodes.get(uid).cloned()).collect()))
    }

    /// An object is there, new or changed.
    pub(super) fn set(&mut self, resource: &Resource, object: Object) -> Vec<String> {
        let uid = object.uid().to_owned();
        let new = Node { resource: resource.clone(), object };
        let old = self.nodes.get(&uid).cloned();
        let owners_before = old.as_ref().map(Node::owners).unwrap_or_default();
        let owners_now = new.owners();
        for owner in owners_before.iter().filter(|owner| !owners_now.iter().any(|now| now.uid == owner.uid)) {
            self.unlink(&owner.uid, &uid);
        }
        for owner in &owners_now {
            self.dependents.entry(owner.uid.clone()).or_default().insert(uid.clone());
        }
        let mut concerned = Vec::new();
        let changed = owners_before != owners_now;
        if changed && owners_now.iter().any(|owner| self.needs_look(owner)) {
            concerned.push(uid.clone());
        }
        if changed {
            concerned.extend(self.unblocked(&owners_before, &owners_now));
        }
        let was = |waits: fn(&Document) -> bool| old.as_ref().is_some_and(|old| waits(&old.object));
        if waits_for_orphans(&new.object) && !was(waits_for_orphans) {
            concerned.push(uid.clone());
        }
        if waits_for_dependents(&new.object) && !was(waits_for_dependents) {
            concerned.push(uid.clone());
            concerned.extend(self.dependents.get(&uid).into_iter().flatten().cloned());
        }
        self.nodes.insert(uid, new);
        if self.loaded { concerned } else { Vec::new() }
    }

    /// An object is gone: its dependents have lost an owner, and its owners may have waited for it.
    pub(super) fn remove(&mut self, uid: &str) -> Vec<String> {
        let Some(node) = self.nodes.remove(uid) else { return Vec::new() };
        let mut concerned: Vec<String> = self.dependents.get(uid).into_iter().flatten().cloned().collect();
        for owner in node.owners() {
            self.unlink(&owner.uid, uid);
            if self.waits(&owner.uid) {
                concerned.push(owner.uid);
            }
        }
        if self.loaded { concerned } else { Vec::new() }
    }

    /// The resource is no longer served: all its objects are gone.
    pub(super) fn remove_resource(&mut self, resource: &Resource) -> Vec<String> {
        let of_resource = self.nodes.iter().filter(|(_, node)| node.resource == *resource);
        let uids: Vec<String> = of_resource.map(|(uid, _)| uid.clone()).collect();
        uids.iter().flat_map(|uid| self.remove(uid)).collect()
    }

    /// Everything is in: names all that needs a look.
    pub(super) fn loaded(&mut self) -> Vec<String> {
        self.loaded = true;
        let needs_look = |node: &Node| {
            waits_for_orphans(&node.object)
                || waits_for_dependents(&node.object)
                || node.owners().iter().any(|owner| self.needs_look(owner))
        };
        self.nodes.iter().filter(|(_, node)| needs_look(node)).map(|(uid, _)| uid.clone()).collect()
    }

    /// An owner that is not known may be gone; one that waits wants its dependents gone.
    fn needs_look(&self, owner: &Owner) -> bool {
        !self.nodes.contains_key(&owner.uid) || self.waits(&owner.uid)
    }

    fn waits(&self, uid: &str) -> bool {
        self.nodes.get(uid).is_some_and(|node| waits_for_dependents(&node.object))
    }

    /// Owners that this dependent blocked and blocks no longer.
    fn unblocked(&self, before: &[Owner], now: &[Owner]) -> Vec<String> {
        let blocks = |owner: &Owner| now.iter().any(|now| now.uid == owner.uid && now.blocks);
        let unblocked =
            before.iter().filter(|owner| owner.blocks && !blocks(owner) && self.waits(&owner.uid));
        unblocked.map(|owner| owner.uid.clone()).collect()
    }

    fn unlink(&mut self, owner: &str, dependent: &str) {
        if let Some(dependents) = self.dependents.get_mut(owner) {
            dependents.remove(dependent);
            if dependents.is_empty() {
                self.dependents.remove(owner);
            }
        }
    }
}

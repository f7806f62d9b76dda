//! Field management: server-side apply, and the book-keeping of who set what for every other write.
//!
//! Follows upstream's structured-merge-diff: an apply owns what it names, takes away what its last version named and nobody
//! else owns, and conflicts with others about values that it would change.

mod apply;
mod conflict;
mod entries;
pub mod fieldset;
mod merge;
mod prune;
#[cfg(test)]
mod tests;
mod update;

pub use apply::{Apply, apply};
pub use conflict::{Conflict, Conflicts};
pub use entries::{Entry, Operation};
pub use update::{Update, track_update};

use crate::ownership::fieldset::{FieldSet, PathElement};

/// Metadata that nobody owns: identity, and what the server keeps.
const UNMANAGED: [&[&str]; 13] = [
    &["apiVersion"],
    &["kind"],
    &["metadata"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "creationTimestamp"],
    &["metadata", "deletionTimestamp"],
    &["metadata", "deletionGracePeriodSeconds"],
    &["metadata", "selfLink"],
    &["metadata", "uid"],
    &["metadata", "generation"],
    &["metadata", "managedFields"],
    &["metadata", "resourceVersion"],
];

fn unmanaged() -> FieldSet {
    let mut out = FieldSet::new();
    for path in UNMANAGED.iter().filter(|path| path.len() == 2 || path[0] != "metadata") {
        out.insert(&path.iter().map(|step| PathElement::field(step)).collect::<Vec<_>>());
    }
    out
}

/// The set without metadata that nobody owns, and without what a write of this kind resets.
fn owned(set: &FieldSet, reset: &FieldSet) -> FieldSet {
    let mut metadata = FieldSet::new();
    metadata.insert(&[PathElement::field("metadata")]);
    set.recursive_difference(&unmanaged()).difference(&metadata).recursive_difference(reset)
}

/// A set of whole fields, such as `["status"]`, that writes of some kind do not own.
pub fn reset_fields(paths: &[&[&str]]) -> FieldSet {
    let mut out = FieldSet::new();
    for path in paths {
        out.insert(&path.iter().map(|step| PathElement::field(step)).collect::<Vec<_>>());
    }
    out
}

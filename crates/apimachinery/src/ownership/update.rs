//! Who owns what after a write that is no apply.

use super::entries::{self, Entry, Operation};
use super::owned;
use crate::Document;
use crate::ownership::fieldset::{FieldSet, compare};
use crate::schema::Schema;
use jiff::Timestamp;

/// Who writes, and how.
#[derive(Debug, Clone)]
pub struct Update<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// The version that the object was written in.
    pub api_version: &'a str,
    /// Through which subresource; empty for the object itself.
    pub subresource: &'a str,
    /// What a write of this kind does not own (status, for the object itself).
    pub reset: &'a FieldSet,
    /// The time.
    pub now: Timestamp,
}

/// Sets the new object's managedFields: the writer owns what it changed, others lose it. What the client sent as
/// managedFields counts only if it clears them (an empty list, or one empty entry).
pub fn track_update(old: Option<&Document>, new: &mut Document, schema: Option<&Schema>, how: &Update<'_>) {
    let given = new.at(&["metadata", "managedFields"]).and_then(Document::as_array);
    let cleared = old.is_some()
        && given.is_some_and(|list| list.is_empty() || matches!(list, [only] if only.is_empty()));
    let mut managers = match (cleared, old) {
        (true, _) => Vec::new(),
        (false, Some(old)) => {
            let own = entries::read(new);
            if own.is_empty() { entries::read(old) } else { own }
        }
        (false, None) => entries::read(new),
    };
    new.remove(&["metadata", "managedFields"]);
    let nothing = Document::object();
    let mut before = old.unwrap_or(&nothing).clone();
    before.remove(&["metadata", "managedFields"]);
    let comparison = compare(&before, new, schema);
    let mut changed = comparison.modified.union(&comparison.added);
    changed = owned(&changed, how.reset);

    let mut mine = Entry {
        manager: how.manager.to_owned(),
        operation: Operation::Update,
        api_version: how.api_version.to_owned(),
        time: String::new(),
        subresource: how.subresource.to_owned(),
        fields: FieldSet::new(),
    };
    let mut last = None;
    managers.retain_mut(|entry| {
        entry.fields = entry.fields.difference(&comparison.removed);
        if entry.same_manager(&mine) {
            last = Some(entry.clone());
            return false;
        }
        entry.fields = entry.fields.difference(&changed);
        true
    });
    mine.fields = last.as_ref().map_or_else(FieldSet::new, |last| last.fields.clone()).union(&changed);
    entries::stamp(&mut mine, if changed.is_empty() { last.as_ref() } else { None }, how.now);
    managers.push(mine);
    // The client cleared the book: it stays empty until the next write.
    entries::write(new, if cleared { Vec::new() } else { managers });
}

//! Server-side apply.

use super::conflict::{Conflict, Conflicts, describe};
use super::entries::{self, Entry, Operation};
use super::merge::merge;
use super::owned;
use super::prune::prune;
use crate::ownership::fieldset::{Comparison, FieldSet, collect, compare};
use crate::schema::Schema;
use crate::{Document, json};
use jiff::Timestamp;

/// The annotation in which client-side apply keeps what it applied last.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Who applies, and how.
#[derive(Debug, Clone)]
pub struct Apply<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// Takes fields over from others instead of failing.
    pub force: bool,
    /// The version that the configuration is written in.
    pub api_version: &'a str,
    /// Through which subresource; empty for the object itself.
    pub subresource: &'a str,
    /// What an apply of this kind does not own (status, for the object itself).
    pub reset: &'a FieldSet,
    /// The time.
    pub now: Timestamp,
}

/// Applies a configuration to the live object (`None` if there is none yet): the object to store, with managedFields.
///
/// # Errors
/// The conflicts, unless forced.
pub fn apply(
    live: Option<&Document>,
    config: &Document,
    schema: Option<&Schema>,
    how: &Apply<'_>,
) -> Result<Document, Conflicts> {
    match attempt(live, config, schema, how) {
        Err(conflicts)
            if !how.force && how.manager == "kubectl" && was_client_side(live, schema, &conflicts) =>
        {
            attempt(live, config, schema, &Apply { force: true, ..how.clone() })
        }
        outcome => outcome,
    }
}

fn attempt(
    live: Option<&Document>,
    config: &Document,
    schema: Option<&Schema>,
    how: &Apply<'_>,
) -> Result<Document, Conflicts> {
    let nothing = Document::object();
    let base = live.unwrap_or(&nothing);
    let mut managers = entries::read(base);
    if managers.is_empty()
        && let Some(live) = live
    {
        managers.push(before_first_apply(live, schema, how));
    }
    let mut config = config.clone();
    config.remove(&["metadata", "managedFields"]);
    let mut mine = Entry {
        manager: how.manager.to_owned(),
        operation: Operation::Apply,
        api_version: how.api_version.to_owned(),
        time: String::new(),
        subresource: how.subresource.to_owned(),
        fields: owned(&collect(&config, schema), how.reset),
    };
    let before = managers.iter().position(|entry| entry.same_manager(&mine)).map(|i| managers.remove(i));

    let mut merged = merge(base, &config, schema);
    if let Some(before) = &before {
        let mut kept = mine.fields.clone();
        for other in &managers {
            kept.add_all(&other.fields);
        }
        prune(&mut merged, schema, &before.fields.difference(&mine.fields), &kept);
    }

    let comparison = compare(base, &merged, schema);
    if live.is_some() {
        settle(&mut managers, &comparison, how.force)?;
    }
    let unchanged = before.as_ref().filter(|_| comparison.is_same());
    entries::stamp(&mut mine, unchanged, how.now);
    managers.push(mine);
    entries::write(&mut merged, managers);
    Ok(merged)
}

/// Takes from others what changed; that is a conflict unless forced.
fn settle(managers: &mut [Entry], comparison: &Comparison, force: bool) -> Result<(), Conflicts> {
    let changed = comparison.modified.union(&comparison.added);
    let mut conflicts = Vec::new();
    for entry in managers.iter_mut() {
        let contested = entry.fields.intersection(&changed);
        if !contested.is_empty() {
            let manager = describe(entry);
            conflicts.extend(
                contested.paths().into_iter().map(|path| Conflict { manager: manager.clone(), path }),
            );
        }
        entry.fields = entry.fields.difference(&contested).difference(&comparison.removed);
    }
    if conflicts.is_empty() || force { Ok(()) } else { Err(Conflicts(conflicts)) }
}

/// An object without managers belongs to whoever wrote it before.
fn before_first_apply(live: &Document, schema: Option<&Schema>, how: &Apply<'_>) -> Entry {
    Entry {
        manager: "before-first-apply".to_owned(),
        operation: Operation::Update,
        api_version: how.api_version.to_owned(),
        time: crate::time::format_time(how.now),
        subresource: String::new(),
        fields: owned(&collect(live, schema), how.reset),
    }
}

/// Whether all conflicts are about fields that client-side apply set, so that kubectl only takes over from itself.
fn was_client_side(live: Option<&Document>, schema: Option<&Schema>, conflicts: &Conflicts) -> bool {
    let Some(text) = live.and_then(|live| live.annotation(LAST_APPLIED)) else { return false };
    let Ok(last) = json::decode(text.as_bytes()) else { return false };
    let set = collect(&last, schema);
    conflicts.0.iter().all(|conflict| set.has(&conflict.path))
}

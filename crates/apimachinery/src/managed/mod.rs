//! Field ownership: server-side apply and the tracking of all other writes (KEP-555).
//!
//! [`apply`] lays an applied object over the live one: conflicts with other owners are refused unless forced, fields that
//! the manager applied before and leaves out now are removed if nobody else owns them. [`track_update`] records what any
//! other write changed. Both keep `metadata.managedFields`; the caller validates and stores the object.
//!
//! Place in the data's way: after decoding, before admission (apply) and after it (tracking).

mod collect;
mod compare;
mod conflict;
mod entries;
mod last_applied;
mod merge;
mod mismatch;
mod remove;
mod shape;
mod update;

pub use conflict::{ApplyError, Conflict};
pub use entries::{Manager, Operation};
pub use last_applied::LAST_APPLIED;

use crate::fieldset::FieldSet;
use crate::schema::{Schema, SchemaRef};
use crate::{Document, GroupVersion, decode, time};
use entries::Managers;
use jiff::Timestamp;

/// Who owned everything before the first apply of an object that was never tracked.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// Who writes what kind, and how.
#[derive(Clone, Copy)]
pub struct Write<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// The version of the request, such as `apps/v1`.
    pub api_version: &'a str,
    /// What its fields are; `None` if nothing is known.
    pub schema: Option<&'a Schema>,
    /// The subresource of the request; empty for the object itself.
    pub subresource: &'a str,
    /// Fields that this write does not decide (status in a write of the object); nobody owns them by it.
    pub reset: &'a FieldSet,
    /// How objects look in the versions of other managers.
    pub versions: &'a dyn Versions,
    /// The time of the request.
    pub now: Timestamp,
}

/// An object in another version of its write.
pub enum AtVersion {
    /// The versions have the same fields.
    Same,
    /// The converted object and its schema.
    Converted(Document, Option<SchemaRef>),
    /// The version is not served any more: its managers are forgotten.
    Gone,
}

/// Conversion between the versions of a kind, for managers that write in different ones.
pub trait Versions {
    /// The object, given in any version, in this version.
    fn at(&self, object: &Document, api_version: &str) -> AtVersion;
}

/// The kind has one version, or its versions have the same fields.
#[derive(Debug, Clone, Copy, Default)]
pub struct OneVersion;

impl Versions for OneVersion {
    fn at(&self, _object: &Document, _api_version: &str) -> AtVersion {
        AtVersion::Same
    }
}

/// Applies an object. `live` is the stored object with its managed fields, absent if this creates it.
///
/// # Errors
/// Conflicts, if others own what it changes and `force` is not set; else what is wrong with the applied object.
pub fn apply(
    live: Option<&Document>,
    applied: &Document,
    write: &Write<'_>,
    force: bool,
) -> Result<Document, ApplyError> {
    check_applied(applied, write)?;
    let empty = Document::object();
    let live = live.unwrap_or(&empty);
    let mut managers = Managers::of(live);
    let mut bare = live.clone();
    bare.remove(&["metadata", "managedFields"]);
    if managers.0.is_empty() && !live.uid().is_empty() {
        let first = Manager::new(BEFORE_FIRST_APPLY, Operation::Update, write.api_version, "");
        update::update(&mut managers, &first, &Document::object(), &bare, write);
        update::strip(&mut managers, &first);
    }
    let own = Manager::new(write.manager, Operation::Apply, write.api_version, write.subresource);
    let before = managers.clone();
    let result = update::apply(&mut managers, &own, &bare, applied, write, force).or_else(|conflicts| {
        let conflicts = not_client_side(conflicts, &bare, write);
        if !conflicts.is_empty() {
            return Err(ApplyError::Conflicts(conflicts));
        }
        managers = before.clone();
        update::apply(&mut managers, &own, &bare, applied, write, true).map_err(ApplyError::Conflicts)
    });
    let mut object = result?;
    update::strip(&mut managers, &own);
    let same_fields =
        before.0.get(&own).map(|owned| &owned.fields) == managers.0.get(&own).map(|owned| &owned.fields);
    if let Some(owned) = managers.0.get_mut(&own)
        && (!same_fields || !is_stored_alike(&object, &bare, write.schema) || owned.since.is_empty())
    {
        owned.since = time_text(write);
    }
    managers.cap();
    if write.manager == last_applied::KUBECTL {
        last_applied::refresh(&mut object, applied);
    }
    managers.store(&mut object);
    Ok(object)
}

/// Records in `new` what a write that is no apply changed; `old` is absent if it creates the object.
///
/// Clients may hand in managed fields of their own: `[{}]` forgets all, anything readable replaces what is stored, and
/// nothing (or nonsense, or any write through a subresource) keeps it.
pub fn track_update(old: Option<&Document>, new: &mut Document, write: &Write<'_>) {
    let empty = Document::object();
    let live = old.unwrap_or(&empty);
    let mut managers = managers_of_update(live, new, write);
    new.remove(&["metadata", "managedFields"]);
    // an object that was never tracked stays so until its first apply
    if managers.0.is_empty() && !live.uid().is_empty() {
        return;
    }
    let mut bare = live.clone();
    bare.remove(&["metadata", "managedFields"]);
    let own = Manager::new(write.manager, Operation::Update, write.api_version, write.subresource);
    update::update(&mut managers, &own, &bare, new, write);
    for manager in managers.0.keys().filter(|manager| !update::applies(manager)).cloned().collect::<Vec<_>>()
    {
        update::strip(&mut managers, &manager);
    }
    managers.cap();
    managers.store(new);
}

fn managers_of_update(live: &Document, new: &Document, write: &Write<'_>) -> Managers {
    let given = new.array_at(&["metadata", "managedFields"]);
    if !write.subresource.is_empty() {
        return Managers::of(live);
    }
    if let [one] = given
        && one.as_object().is_some_and(|entry| entry.values().all(Document::is_empty))
    {
        return Managers::default();
    }
    match Managers::from_entries(given) {
        Ok(managers) if !managers.0.is_empty() => managers,
        _ => Managers::of(live),
    }
}

fn check_applied(applied: &Document, write: &Write<'_>) -> Result<(), ApplyError> {
    let version = applied.str_at(&["apiVersion"]);
    if version != write.api_version {
        return Err(ApplyError::Malformed(format!(
            "Incorrect version specified in apply patch. Specified patch version: {version}, expected: {}",
            write.api_version
        )));
    }
    if applied.at(&["metadata", "managedFields"]).is_some_and(|entries| !entries.is_null()) {
        return Err(ApplyError::Malformed("metadata.managedFields must be nil".to_owned()));
    }
    let problems = collect::problems(applied, write.schema);
    let problems: Vec<String> = problems.into_iter().map(collect::Problem::into_text).collect();
    if problems.is_empty() { Ok(()) } else { Err(untyped(applied, &problems)) }
}

/// What a configuration says that its schema does not take, in upstream's words: fields that it lacks, values of other
/// types. Known before the configuration is made to fit.
pub fn misfits(applied: &Document, schema: Option<&Schema>) -> Vec<String> {
    let misfit = |problem| match problem {
        collect::Problem::Misfit(text) => Some(text),
        collect::Problem::Unkeyed(_) => None,
    };
    collect::problems(applied, schema).into_iter().filter_map(misfit).collect()
}

/// Whether an object's fields can be told apart: all are declared, and elements of lists that are maps have their keys.
pub fn fits(object: &Document, schema: &Schema) -> bool {
    collect::problems(object, Some(schema)).is_empty()
}

/// A field that a configuration may not have, by its path.
pub fn undeclared_field(path: &str) -> String {
    format!(".{path}: {}", collect::UNDECLARED)
}

/// The configuration does not fit its schema, for these reasons.
pub fn untyped(applied: &Document, problems: &[String]) -> ApplyError {
    let group = GroupVersion::parse(applied.str_at(&["apiVersion"])).unwrap_or_default();
    let detail = match problems {
        [one] => one.clone(),
        many => {
            format!("errors:\n{}", many.iter().map(|text| format!("  {text}")).collect::<Vec<_>>().join("\n"))
        }
    };
    ApplyError::Untyped(format!(
        "failed to create typed patch object ({}/{}; {}/{}, Kind={}): {detail}",
        applied.namespace(),
        applied.name(),
        group.group,
        group.version,
        applied.str_at(&["kind"])
    ))
}

/// Conflicts that remain when kubectl goes from client-side to server-side apply.
fn not_client_side(conflicts: Vec<Conflict>, live: &Document, write: &Write<'_>) -> Vec<Conflict> {
    if write.manager != last_applied::KUBECTL {
        return conflicts;
    }
    let Some(takeable) = last_applied::takeable_fields(live, write.schema) else { return conflicts };
    let left = conflict::fields_of(&conflicts).difference(&takeable);
    conflicts.into_iter().filter(|conflict| left.contains(&conflict.path)).collect()
}

/// Whether an object is stored as the live one is: it may say more, such as `paused: false`, that upstream's types leave
/// out.
fn is_stored_alike(object: &Document, live: &Document, schema: Option<&Schema>) -> bool {
    let built_in = schema.filter(|schema| schema.name.is_some());
    object == live
        || built_in.is_some_and(|schema| {
            let mut stored = object.clone();
            decode::complete(&mut stored, schema);
            stored == *live
        })
}

fn time_text(write: &Write<'_>) -> String {
    time::format_time(write.now)
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

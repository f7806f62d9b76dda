//! The ownership rules: what a write takes from others, what an apply removes.

use super::collect::fields_of;
use super::compare::{Comparison, compare};
use super::conflict::Conflict;
use super::entries::{Manager, Managers, Operation, Owned};
use super::merge::merge;
use super::remove::{collapse_atomic, with_named_parents, without};
use super::{AtVersion, Write};
use crate::Document;
use crate::fieldset::FieldSet;
use crate::schema::{Schema, SchemaRef};
use std::collections::BTreeMap;

/// An object in the version of some manager.
struct Versioned<'a> {
    object: std::borrow::Cow<'a, Document>,
    schema: Option<std::borrow::Cow<'a, SchemaRef>>,
    own: Option<&'a Schema>,
}

impl Versioned<'_> {
    fn schema(&self) -> Option<&Schema> {
        self.schema.as_deref().map(SchemaRef::get).or(self.own)
    }
}

/// The object as a manager of this version sees it; `None` if the version is gone.
fn at_version<'a>(object: &'a Document, write: &Write<'a>, api_version: &str) -> Option<Versioned<'a>> {
    use std::borrow::Cow;
    let same = Versioned { object: Cow::Borrowed(object), schema: None, own: write.schema };
    if api_version == write.api_version {
        return Some(same);
    }
    match write.versions.at(object, api_version) {
        AtVersion::Same => Some(same),
        AtVersion::Converted(object, schema) => {
            Some(Versioned { object: Cow::Owned(object), schema: schema.map(Cow::Owned), own: None })
        }
        AtVersion::Gone => None,
    }
}

/// Ownership after an update by `manager`: it owns what it changed, others lose what it changed or removed.
pub(super) fn update(
    managers: &mut Managers,
    manager: &Manager,
    old: &Document,
    new: &Document,
    write: &Write<'_>,
) {
    reconcile(managers, write);
    // taking from others never fails: an update always wins
    let Ok(comparison) = take_from_others(managers, None, old, new, write, true) else { return };
    let changed = comparison.added.union(&comparison.modified).recursive_difference(write.reset);
    if changed.is_empty() {
        return;
    }
    let owned = managers.0.entry(manager.clone()).or_insert_with(|| Owned {
        fields: FieldSet::new(),
        api_version: write.api_version.to_owned(),
        since: String::new(),
    });
    owned.fields.extend(&changed);
    owned.since = super::time_text(write);
}

/// The object and ownership after an apply by `manager`.
pub(super) fn apply(
    managers: &mut Managers,
    manager: &Manager,
    live: &Document,
    applied: &Document,
    write: &Write<'_>,
    force: bool,
) -> Result<Document, Vec<Conflict>> {
    reconcile(managers, write);
    let merged = merge(live, applied, write.schema);
    let last = managers.0.get(manager).cloned();
    let fields = fields_of(applied, write.schema).recursive_difference(write.reset);
    let since = last.as_ref().map(|last| last.since.clone()).unwrap_or_default();
    let owned = Owned { fields, api_version: write.api_version.to_owned(), since };
    managers.0.insert(manager.clone(), owned);
    let pruned = match &last {
        Some(last) if !last.fields.is_empty() => prune(merged, managers, last, write),
        _ => merged,
    };
    take_from_others(managers, Some(manager), live, &pruned, write, force)?;
    Ok(pruned)
}

/// What differs between the states is no longer owned by others; without force, what they own and the write changes is a
/// conflict.
fn take_from_others(
    managers: &mut Managers,
    writer: Option<&Manager>,
    old: &Document,
    new: &Document,
    write: &Write<'_>,
    force: bool,
) -> Result<Comparison, Vec<Conflict>> {
    let own = compare(old, new, write.schema).excluding(write.reset);
    let mut by_version: BTreeMap<String, Option<Comparison>> = BTreeMap::new();
    by_version.insert(write.api_version.to_owned(), Some(own.clone()));
    let mut conflicts = Vec::new();
    let mut taken: Vec<(Manager, FieldSet)> = Vec::new();
    for (manager, owned) in &managers.0 {
        if Some(manager) == writer {
            continue;
        }
        let comparison = by_version.entry(owned.api_version.clone()).or_insert_with(|| {
            let old = at_version(old, write, &owned.api_version)?;
            let new = at_version(new, write, &owned.api_version)?;
            Some(compare(&old.object, &new.object, new.schema()).excluding(write.reset))
        });
        let Some(comparison) = comparison else {
            // nobody can say what a set of a version that is gone means
            taken.push((manager.clone(), owned.fields.clone()));
            continue;
        };
        let changed = owned.fields.intersection(&comparison.modified.union(&comparison.added));
        for path in changed.paths() {
            conflicts.push(Conflict { manager: manager.clone(), since: owned.since.clone(), path });
        }
        taken.push((manager.clone(), changed.union(&comparison.removed)));
    }
    if !force && !conflicts.is_empty() {
        return Err(conflicts);
    }
    for (manager, fields) in taken {
        if let Some(owned) = managers.0.get_mut(&manager) {
            owned.fields = owned.fields.difference(&fields);
        }
    }
    managers.drop_empty();
    Ok(own)
}

/// Removes what the manager applied last time, does not apply now, and nobody else owns.
fn prune(merged: Document, managers: &Managers, last: &Owned, write: &Write<'_>) -> Document {
    let Some(view) = at_version(&merged, write, &last.api_version) else { return merged.clone() };
    let schema = view.schema();
    let last_fields = with_named_parents(&last.fields, schema);
    let all = with_named_parents(&fields_of(&view.object, schema), schema);
    let remaining = |pruned: &Document| with_named_parents(&fields_of(pruned, schema), schema);

    let mut pruned = without(&view.object, schema, &last_fields);
    // what others own, or this manager still applies, comes back
    let mut owned = FieldSet::new();
    for other in managers.0.values() {
        owned.extend(&with_named_parents(&other.fields, schema));
    }
    pruned = without(&view.object, schema, &all.difference(&remaining(&pruned).union(&owned)));
    // what went with a removed parent but was never this manager's comes back
    pruned = without(&view.object, schema, &all.difference(&remaining(&pruned)).intersection(&last_fields));
    if last.api_version == write.api_version {
        return pruned;
    }
    match write.versions.at(&pruned, write.api_version) {
        AtVersion::Converted(object, _) => object,
        AtVersion::Same | AtVersion::Gone => pruned,
    }
}

/// Brings sets in line with a schema whose lists or maps became atomic since.
fn reconcile(managers: &mut Managers, write: &Write<'_>) {
    for (_, owned) in managers.0.iter_mut().filter(|(_, owned)| owned.api_version == write.api_version) {
        let collapsed = collapse_atomic(&owned.fields, write.schema);
        if collapsed != owned.fields {
            owned.fields = collapsed;
        }
    }
}

/// Fields that nobody owns: they name the object or are the server's.
pub(super) fn strip(managers: &mut Managers, manager: &Manager) {
    if let Some(owned) = managers.0.get_mut(manager) {
        owned.fields = owned.fields.difference(&server_fields());
    }
    managers.drop_empty();
}

fn server_fields() -> FieldSet {
    const METADATA: [&str; 9] = [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ];
    let mut out = FieldSet::of_names(&[&["apiVersion"], &["kind"], &["metadata"]]);
    for field in METADATA {
        out.extend(&FieldSet::of_names(&[&["metadata", field]]));
    }
    out
}

/// Whether this manager writes by apply.
pub(super) fn applies(manager: &Manager) -> bool {
    manager.operation == Operation::Apply
}

//! `metadata.managedFields`: one entry per manager, operation, version and subresource.

use crate::ownership::fieldset::FieldSet;
use crate::time::format_time;
use crate::{Document, doc};
use jiff::Timestamp;

/// Most entries of updates; older ones are put together.
const MAX_UPDATE_ENTRIES: usize = 10;
/// The manager of updates that were put together.
const ANCIENT: &str = "ancient-changes";

/// How a manager wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Anything else.
    Update,
}

/// What one manager owns.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The manager's name.
    pub manager: String,
    /// How it wrote.
    pub operation: Operation,
    /// In which version.
    pub api_version: String,
    /// When its set last changed, RFC 3339.
    pub time: String,
    /// Through which subresource; empty for the object itself.
    pub subresource: String,
    /// What it owns.
    pub fields: FieldSet,
}

impl Entry {
    /// Whether both are the same manager: appliers are, whatever version they use.
    pub fn same_manager(&self, other: &Self) -> bool {
        self.manager == other.manager
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }

    fn read(doc: &Document) -> Option<Self> {
        let operation = match doc.str_at(&["operation"]) {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return None,
        };
        let text = |key: &str| doc.str_at(&[key]).to_owned();
        Some(Self {
            manager: text("manager"),
            operation,
            api_version: text("apiVersion"),
            time: text("time"),
            subresource: text("subresource"),
            fields: FieldSet::from_fields_v1(doc.get("fieldsV1")?).ok()?,
        })
    }

    fn write(&self) -> Document {
        let operation = match self.operation {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        };
        let mut out = doc!({
            "manager": self.manager.as_str(), "operation": operation, "apiVersion": self.api_version.as_str()
        });
        if !self.time.is_empty() {
            out.insert("time", self.time.as_str());
        }
        out.insert("fieldsType", "FieldsV1");
        out.insert("fieldsV1", self.fields.to_fields_v1());
        if !self.subresource.is_empty() {
            out.insert("subresource", self.subresource.as_str());
        }
        out
    }
}

/// The entries of an object; malformed ones are dropped, as upstream drops them.
pub(super) fn read(object: &Document) -> Vec<Entry> {
    object.array_at(&["metadata", "managedFields"]).iter().filter_map(Entry::read).collect()
}

/// Writes the entries into an object: appliers first, then updaters by time; empty entries are left out.
pub(super) fn write(object: &mut Document, mut entries: Vec<Entry>) {
    entries.retain(|entry| !entry.fields.is_empty());
    cap(&mut entries);
    entries.sort_by(|a, b| {
        (a.operation, &a.time, &a.manager, &a.api_version, &a.subresource).cmp(&(
            b.operation,
            &b.time,
            &b.manager,
            &b.api_version,
            &b.subresource,
        ))
    });
    if entries.is_empty() {
        object.remove(&["metadata", "managedFields"]);
    } else {
        let list: Document = entries.iter().map(Entry::write).collect();
        object.set(&["metadata", "managedFields"], list);
    }
}

/// Puts the oldest updates together when there are too many.
fn cap(entries: &mut Vec<Entry>) {
    loop {
        let updates = || entries.iter().filter(|entry| entry.operation == Operation::Update);
        if updates().count() <= MAX_UPDATE_ENTRIES {
            return;
        }
        let Some(oldest) = (0..entries.len())
            .filter(|i| entries[*i].operation == Operation::Update && entries[*i].manager != ANCIENT)
            .min_by(|a, b| entries[*a].time.cmp(&entries[*b].time))
        else {
            return;
        };
        let mut merged = entries.remove(oldest);
        merged.manager = ANCIENT.to_owned();
        merged.subresource = String::new();
        match entries.iter_mut().find(|entry| entry.same_manager(&merged)) {
            Some(ancient) => {
                ancient.fields.add_all(&merged.fields);
                ancient.time = merged.time.max(std::mem::take(&mut ancient.time));
            }
            // The first bucket does not lower the count; the next oldest goes into it.
            None => entries.push(merged),
        }
    }
}

/// Keeps the time of a manager whose set did not change, and stamps those that did.
pub(super) fn stamp(entry: &mut Entry, before: Option<&Entry>, now: Timestamp) {
    match before {
        Some(before) if before.fields == entry.fields && before.api_version == entry.api_version => {
            entry.time.clone_from(&before.time);
        }
        _ => entry.time = format_time(now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ownership::fieldset::PathElement;

    fn entry(manager: &str, time: &str) -> Entry {
        let mut fields = FieldSet::new();
        fields.insert(&[PathElement::field(manager)]);
        Entry {
            manager: manager.into(),
            operation: Operation::Update,
            api_version: "v1".into(),
            time: time.into(),
            subresource: String::new(),
            fields,
        }
    }

    #[test]
    fn old_updates_are_put_together_beyond_ten() {
        let mut object = doc!({"metadata": {}});
        write(
            &mut object,
            (0..14).map(|i| entry(&format!("m{i:02}"), &format!("2026-01-01T00:00:{i:02}Z"))).collect(),
        );
        let entries = read(&object);
        assert_eq!(entries.len(), MAX_UPDATE_ENTRIES);
        let ancient = entries.iter().find(|e| e.manager == ANCIENT).unwrap();
        assert_eq!(ancient.fields.paths().len(), 5);
        assert_eq!(ancient.time, "2026-01-01T00:00:04Z");
    }
}

//! `metadata.managedFields`: which manager owns which fields, since when.

use crate::fieldset::{FieldSet, FieldsError};
use crate::{Document, doc, time};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Most managers whose operation is Update; the oldest beyond are put together.
const MAX_UPDATERS: usize = 10;
/// Name of the manager that the oldest are put together under.
const ANCIENT: &str = "ancient-changes";

/// How a manager writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By anything else.
    Update,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// What tells managers apart. One that applies is the same whatever version it applies in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    /// Its name.
    pub name: String,
    /// How it writes.
    pub operation: Operation,
    /// The version it writes in; empty for Apply.
    pub api_version: String,
    /// The subresource it writes through; empty for the object itself.
    pub subresource: String,
}

impl Manager {
    pub(super) fn new(name: &str, operation: Operation, api_version: &str, subresource: &str) -> Self {
        let name = if name.is_empty() { "unknown" } else { name };
        let api_version = if operation == Operation::Apply { "" } else { api_version };
        Self {
            name: name.to_owned(),
            operation,
            api_version: api_version.to_owned(),
            subresource: subresource.to_owned(),
        }
    }
}

/// What a manager owns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Owned {
    pub fields: FieldSet,
    /// The version whose field names the set has.
    pub api_version: String,
    /// When the set changed last, as stored; empty if never told.
    pub since: String,
}

/// All managers of an object.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Managers(pub BTreeMap<Manager, Owned>);

impl Managers {
    /// Reads `managedFields`.
    pub(super) fn from_entries(entries: &[Document]) -> Result<Self, FieldsError> {
        let mut out = BTreeMap::new();
        for entry in entries {
            let text = |key: &str| entry.str_at(&[key]).to_owned();
            let operation =
                if entry.str_at(&["operation"]) == "Apply" { Operation::Apply } else { Operation::Update };
            let api_version = text("apiVersion");
            let manager = Manager::new(&text("manager"), operation, &api_version, &text("subresource"));
            let fields = match entry.get("fieldsV1") {
                Some(fields) if !fields.is_null() => FieldSet::from_fields(fields)?,
                _ => FieldSet::new(),
            };
            out.insert(manager, Owned { fields, api_version, since: text("time") });
        }
        Ok(Self(out))
    }

    /// The managers of an object; none if what it says is malformed.
    pub(super) fn of(object: &Document) -> Self {
        Self::from_entries(object.array_at(&["metadata", "managedFields"])).unwrap_or_default()
    }

    /// Writes `managedFields`, or removes it where nobody owns anything.
    pub(super) fn store(&self, object: &mut Document) {
        if self.0.is_empty() {
            object.remove(&["metadata", "managedFields"]);
            return;
        }
        let mut all: Vec<(&Manager, &Owned)> = self.0.iter().collect();
        all.sort_by(|(a, a_owned), (b, b_owned)| {
            let seconds = |owned: &Owned| time::parse_time(&owned.since).map_or(0, Timestamp::as_second);
            (a.operation, seconds(a_owned), &a.name, &a_owned.api_version, &a.subresource).cmp(&(
                b.operation,
                seconds(b_owned),
                &b.name,
                &b_owned.api_version,
                &b.subresource,
            ))
        });
        let entries: Vec<Document> = all.into_iter().map(|(manager, owned)| entry(manager, owned)).collect();
        object.set(&["metadata", "managedFields"], entries);
    }

    /// Forgets managers that own nothing.
    pub(super) fn drop_empty(&mut self) {
        self.0.retain(|_, owned| !owned.fields.is_empty());
    }

    /// Puts the oldest Update managers together so that at most ten remain.
    pub(super) fn cap(&mut self) {
        let mut updaters: Vec<(i64, Manager)> = self
            .0
            .iter()
            .filter(|(manager, _)| manager.operation == Operation::Update)
            .map(|(manager, owned)| {
                (time::parse_time(&owned.since).map_or(0, Timestamp::as_second), manager.clone())
            })
            .collect();
        let mut count = updaters.len();
        if count <= MAX_UPDATERS {
            return;
        }
        updaters.sort();
        let mut first_of: BTreeMap<String, Manager> = BTreeMap::new();
        for (_, manager) in updaters {
            if count <= MAX_UPDATERS {
                break;
            }
            let version = manager.api_version.clone();
            let Some(first) = first_of.get(&version) else {
                first_of.insert(version, manager);
                continue;
            };
            let bucket = Manager::new(ANCIENT, Operation::Update, &version, "");
            if !self.0.contains_key(&bucket)
                && let Some(owned) = self.0.remove(first)
            {
                self.0.insert(bucket.clone(), owned);
            }
            if let Some(owned) = self.0.remove(&manager)
                && let Some(together) = self.0.get_mut(&bucket)
            {
                together.fields.extend(&owned.fields);
                together.since = owned.since;
                count -= 1;
            }
        }
    }
}

fn entry(manager: &Manager, owned: &Owned) -> Document {
    let mut out = doc!({
        "manager": (manager.name.as_str()),
        "operation": (manager.operation.as_str()),
        "apiVersion": (owned.api_version.as_str()),
    });
    if !owned.since.is_empty() {
        out.insert("time", owned.since.as_str());
    }
    out.insert("fieldsType", "FieldsV1");
    out.insert("fieldsV1", owned.fields.to_fields());
    if !manager.subresource.is_empty() {
        out.insert("subresource", manager.subresource.as_str());
    }
    out
}

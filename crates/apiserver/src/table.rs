//! The rows that are served right now: the built-in ones and those that CustomResourceDefinitions made.
//!
//! Readers take a snapshot ([`Rows`]) and work on it; a change swaps the snapshot. Everything derived from rows (discovery,
//! OpenAPI) remembers the generation it was made from.

use skiff_api::Resource;
use skiff_apimachinery::gvk::Str;
use skiff_apimachinery::{GroupResource, GroupVersionKind};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The served rows, swapped as a whole.
pub struct Table {
    rows: RwLock<Arc<Rows>>,
    builtin: Vec<Arc<Resource>>,
}

impl Table {
    /// A table of built-in rows.
    pub fn new(builtin: Vec<Arc<Resource>>) -> Self {
        let rows = Rows::new(builtin.clone(), 1);
        Self { rows: RwLock::new(Arc::new(rows)), builtin }
    }

    /// The rows now.
    pub fn rows(&self) -> Arc<Rows> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the rows of custom resources.
    pub fn set_custom(&self, custom: Vec<Arc<Resource>>) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let all = self.builtin.iter().cloned().chain(custom).collect();
        *rows = Arc::new(Rows::new(all, rows.generation + 1));
    }
}

type ByPlural = HashMap<Str, Arc<Resource>>;
type ByVersion = HashMap<Str, ByPlural>;

/// A snapshot of the table.
pub struct Rows {
    all: Vec<Arc<Resource>>,
    by_group: HashMap<Str, ByVersion>,
    generation: u64,
}

impl Rows {
    fn new(all: Vec<Arc<Resource>>, generation: u64) -> Self {
        let mut by_group: HashMap<Str, ByVersion> = HashMap::new();
        for row in all.iter().filter(|row| row.enabled) {
            let versions = by_group.entry(row.gvk.group.clone()).or_default();
            versions.entry(row.gvk.version.clone()).or_default().insert(row.plural.clone(), row.clone());
        }
        Self { all, by_group, generation }
    }

    /// The row that a URL names.
    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.by_group.get(group)?.get(version)?.get(plural)
    }

    /// Whether anything of the group and version is served.
    pub fn serves_version(&self, group: &str, version: &str) -> bool {
        self.by_group.get(group).is_some_and(|versions| versions.contains_key(version))
    }

    /// The row of a kind, even if its version is not served.
    pub fn of_kind(&self, gvk: &GroupVersionKind) -> Option<&Arc<Resource>> {
        self.all.iter().find(|row| row.gvk == *gvk)
    }

    /// The row of the stored version of a row.
    pub fn hub(&self, row: &Arc<Resource>) -> Arc<Resource> {
        if row.hub == row.gvk {
            return row.clone();
        }
        self.of_kind(&row.hub).unwrap_or(row).clone()
    }

    /// The row under which a resource's objects are stored, whatever versions are served.
    pub fn stored(&self, resource: &GroupResource) -> Option<Arc<Resource>> {
        let same = |row: &&Arc<Resource>| {
            row.gvk.group == resource.group
                && row.plural == resource.resource
                && !row.storage_prefix.is_empty()
        };
        self.all.iter().filter(same).max_by_key(|row| row.enabled).map(|row| self.hub(row))
    }

    /// Every row that is served.
    pub fn served(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.all.iter().filter(|row| row.enabled)
    }

    /// Counts the changes of the table.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

//! The table of resources: one line each, subresources below with a leading space.
//!
//! ```text
//! GROUP/VERSION PLURAL KIND namespaced|cluster VERBS
//!  NAME GROUP/VERSION/KIND VERBS
//! ```

use super::openapi::{Document, Item, Kind, Operation};
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

#[derive(Default)]
struct Row {
    namespaced: bool,
    kind: Option<Kind>,
    verbs: BTreeSet<&'static str>,
}

/// The table's text.
pub fn table(document: &Document) -> Result<String> {
    let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
    for (path, item) in &document.paths {
        let Some(place) = Place::parse(path) else { continue };
        let row = rows.entry((place.group_version.clone(), place.resource.clone())).or_default();
        row.namespaced |= place.namespaced;
        for (verb, operation) in operations(item) {
            row.verbs.insert(match operation.action.as_deref() {
                Some("list") => "list",
                Some("watch" | "watchlist") => "watch",
                Some("deletecollection") => "deletecollection",
                _ => verb,
            });
            row.kind = row.kind.take().or_else(|| operation.kind.clone());
        }
    }
    let mut out = String::new();
    for ((group_version, resource), row) in &rows {
        let kind = row.kind.as_ref().with_context(|| format!("{group_version} {resource} has no kind"))?;
        let verbs: Vec<&str> = row.verbs.iter().copied().collect();
        let verbs = verbs.join(",");
        match resource.split_once('/') {
            None => {
                let scope = if row.namespaced { "namespaced" } else { "cluster" };
                writeln!(out, "{group_version} {resource} {} {scope} {verbs}", kind.kind)?;
            }
            Some((_, name)) => {
                writeln!(out, " {name} {}/{}/{} {verbs}", kind.group, kind.version, kind.kind)?;
            }
        }
    }
    Ok(out)
}

/// What a path names.
struct Place {
    group_version: String,
    /// `pods` or `pods/log`.
    resource: String,
    namespaced: bool,
}

impl Place {
    fn parse(path: &str) -> Option<Self> {
        let mut parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let group_version = match *parts.first()? {
            "api" if parts.len() > 2 => format!("/{}", parts.drain(..2).nth(1)?),
            "apis" if parts.len() > 3 => parts.drain(..3).skip(1).collect::<Vec<_>>().join("/"),
            _ => return None,
        };
        if parts.first() == Some(&"watch") {
            parts.remove(0);
        }
        let namespaced = parts.starts_with(&["namespaces", "{namespace}"]);
        if namespaced {
            parts.drain(..2);
        }
        parts.retain(|part| !part.starts_with('{'));
        (!parts.is_empty()).then(|| Self { group_version, resource: parts.join("/"), namespaced })
    }
}

/// Operations with the verb that their method usually is.
fn operations(item: &Item) -> impl Iterator<Item = (&'static str, &Operation)> {
    [
        ("get", &item.get),
        ("create", &item.post),
        ("update", &item.put),
        ("patch", &item.patch),
        ("delete", &item.delete),
    ]
    .into_iter()
    .filter_map(|(verb, operation)| Some((verb, operation.as_ref()?)))
}

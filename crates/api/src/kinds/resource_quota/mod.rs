//! ResourceQuotas: what their updates keep, warnings, columns. Validation is in its own file.

mod validate;

use super::cells;
use crate::resource_list::ResourceList;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, Map};

/// `v1 ResourceQuota`.
pub(crate) struct ResourceQuota;

/// Resources of which a quota may limit what is requested and what is used at most.
const REQUESTED: [&str; 4] = ["cpu", "memory", "storage", "ephemeral-storage"];

impl Strategy for ResourceQuota {
    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        let kept = match scope {
            UpdateScope::Main => "status",
            // Metadata may change along with the status, as upstream has it.
            UpdateScope::Status => "spec",
        };
        match old.get(kept) {
            Some(value) => new.insert(kept, value),
            None => drop(new.remove(&[kept])),
        }
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let mut out = validate::spec(object);
        out.extend(validate::status(object));
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => validate::update(new, old),
            UpdateScope::Status => validate::status(new),
        }
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        if old.is_some() {
            return Vec::new();
        }
        let hard = ResourceList::read(new.object_at(&["spec", "hard"]));
        REQUESTED.into_iter().filter_map(|name| requests_above_limits(&hard, name)).collect()
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Request"), Column::text("Limit"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let hard = object.object_at(&["status", "hard"]);
        let mut names: Vec<&str> = hard.into_iter().flat_map(Map::keys).collect();
        names.sort_unstable();
        let amount = |field: &str, name: &str| {
            cells::int_or_string(object.at(&["status", field, name])).unwrap_or_else(|| "0".to_owned())
        };
        let (limits, requests): (Vec<&str>, Vec<&str>) =
            names.into_iter().partition(|name| name.starts_with("limits"));
        let line = |names: Vec<&str>| -> Cell {
            let texts: Vec<String> = names
                .iter()
                .map(|name| format!("{name}: {}/{}", amount("used", name), amount("hard", name)))
                .collect();
            texts.join(", ").into()
        };
        vec![cells::name(object), line(requests), line(limits), cells::age(object, now)]
    }
}

/// The warning that a quota lets more of a resource be requested than be used.
fn requests_above_limits(hard: &ResourceList, name: &str) -> Option<String> {
    let mut requested = format!("requests.{name}");
    if !hard.contains(&requested) && matches!(name, "cpu" | "memory") {
        requested = name.to_owned();
    }
    let limited = format!("limits.{name}");
    let (request, limit) = (hard.get(&requested)?, hard.get(&limited)?);
    (request > limit)
        .then(|| format!("ResourceQuota {requested} ({request}) should be less than {limited} ({limit})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn each_write_keeps_what_the_other_one_changes() {
        let old = doc!({"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}, "status": {"used": {"pods": "1"}}});
        let sent = doc!({
            "metadata": {"name": "q", "labels": {"a": "b"}},
            "spec": {"hard": {"pods": "2"}}, "status": {"used": {"pods": "2"}}
        });
        let mut created = sent.clone();
        ResourceQuota.prepare_for_create(&mut created);
        assert_eq!(created.get("status"), None);
        for (scope, kept, changed) in
            [(UpdateScope::Main, "status", "spec"), (UpdateScope::Status, "spec", "status")]
        {
            let mut new = sent.clone();
            ResourceQuota.prepare_for_update(scope, &mut new, &old);
            assert_eq!((&new[kept], &new[changed]), (&old[kept], &sent[changed]));
            assert_eq!(new["metadata"], sent["metadata"]);
        }
    }

    #[test]
    fn requests_above_limits_are_warned_of_at_creation() {
        let quota = doc!({"spec": {"hard": {
            "cpu": "2", "limits.cpu": "1", "requests.memory": "1Gi", "limits.memory": "1Gi", "requests.storage": "5",
            "ephemeral-storage": "2", "limits.ephemeral-storage": "1"
        }}});
        assert_eq!(
            ResourceQuota.warnings(&quota, None),
            ["ResourceQuota cpu (2) should be less than limits.cpu (1)"]
        );
        assert!(ResourceQuota.warnings(&quota, Some(&quota)).is_empty());
    }
}

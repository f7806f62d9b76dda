//! Which definitions a set of definitions needs.

use crate::schemas::{self, Definition};
use std::collections::{BTreeSet, HashMap};

/// The definitions and all that they refer to.
pub(super) fn closure(roots: BTreeSet<String>) -> BTreeSet<String> {
    let all: HashMap<String, Definition> = schemas::definitions().map(|d| (d.name(), d)).collect();
    let mut out = BTreeSet::new();
    let mut left: Vec<String> = roots.into_iter().collect();
    while let Some(name) = left.pop() {
        let Some(definition) = all.get(&name) else { continue };
        if !out.insert(name) {
            continue;
        }
        for field in definition.fields() {
            if let Some(target) = field.ty.trim_start_matches(['[', '{']).strip_prefix('$') {
                left.push(schemas::full(target));
            }
        }
    }
    out
}

//! What a table holds already, so that taking it over, or writing it anew, changes only what differs.
//!
//! A packet that is between two hooks, or between a rule and the set that it asks, while a table is exchanged for another
//! can miss both. What stays untouched cannot be missed.

use super::layout::Layout;
use skiff_nftables::{Batch, Connection, Datum, Element, Rule, Set, Table};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is there and was not claimed yet.
#[derive(Debug, Default)]
pub(super) struct Present {
    /// Digests of their rules.
    chains: BTreeMap<String, Vec<Option<u64>>>,
    sets: BTreeSet<String>,
    /// Elements of the shared sets, by set and key.
    elements: BTreeMap<String, (Set, HashMap<Vec<Datum>, Element>)>,
}

impl Present {
    /// Reads a table.
    pub(super) fn read(connection: &mut Connection, layout: Layout) -> skiff_nftables::Result<Self> {
        let table = layout.table();
        let chains = connection.chains(&table)?;
        let sets = connection.sets(&table)?;
        let mut elements = BTreeMap::new();
        for set in layout.shared_sets().into_iter().filter(|set| sets.contains(&set.name)) {
            let there = connection.elements(&table, &set)?;
            let by_key = there.into_iter().map(|element| (element.key.clone(), element)).collect();
            elements.insert(set.name.clone(), (set, by_key));
        }
        Ok(Self { chains, sets, elements })
    }

    /// Whether a set is there; it stays.
    pub(super) fn claim_set(&mut self, name: &str) -> bool {
        self.sets.remove(name)
    }

    /// Whether a chain is there.
    pub(super) fn has_chain(&self, name: &str) -> bool {
        self.chains.contains_key(name)
    }

    /// Whether an element is there as it is wanted; it stays.
    pub(super) fn keeps(&mut self, set: &str, element: &Element) -> bool {
        let Some((_, elements)) = self.elements.get_mut(set) else { return false };
        let same = elements.get(&element.key).is_some_and(|there| there.value == element.value);
        if same {
            elements.remove(&element.key);
        }
        same
    }

    /// Gives a chain its rules, unless it has them.
    pub(super) fn fill(&mut self, batch: &mut Batch, table: &Table, name: &str, rules: &[Rule]) {
        if let Some(there) = self.chains.remove(name) {
            if there.iter().copied().eq(rules.iter().map(|rule| Some(rule.digest()))) {
                return;
            }
            batch.flush_chain(table, name);
        }
        for rule in rules {
            batch.add_rule(table, name, rule);
        }
    }

    /// Elements that nothing claimed.
    pub(super) fn stale_elements(&mut self) -> impl Iterator<Item = (Set, Vec<Element>)> {
        std::mem::take(&mut self.elements)
            .into_values()
            .map(|(set, elements)| (set, elements.into_values().collect()))
    }

    /// Removes chains and sets that nothing claimed, when nothing leads there any more.
    pub(super) fn remove_rest(self, batch: &mut Batch, table: &Table) {
        // Chains lead to each other: empty all of them before the first goes.
        for name in self.chains.keys() {
            batch.flush_chain(table, name);
        }
        for name in self.chains.keys() {
            batch.delete_chain(table, name);
        }
        for name in &self.sets {
            batch.delete_set(table, name);
        }
    }
}

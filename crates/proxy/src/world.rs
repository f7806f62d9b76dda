//! What was planned so far, and what a round of planning changes for the kernel.

use crate::facts::{Family, NodeFacts, ServiceName};
use crate::flows::{self, Frontend};
use crate::plan::ServicePlan;
use crate::ruleset::{Change, Content, RuleSet, Slot};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

/// All plans.
pub(crate) struct World {
    /// The node that they are for.
    pub(crate) node: NodeFacts,
    families: [(Family, FamilyState); 2],
}

#[derive(Default)]
struct FamilyState {
    rules: RuleSet,
    udp: HashMap<ServiceName, Vec<Frontend>>,
}

/// What a round of planning yields for the kernel.
#[derive(Default)]
pub(crate) struct Round {
    changes: BTreeMap<Family, BTreeMap<Slot, Difference>>,
    stale: BTreeMap<Family, Vec<Frontend>>,
}

/// What a slot held before the round, and what it is to hold after it.
struct Difference {
    old: Option<Content>,
    new: Option<Content>,
}

impl World {
    pub(crate) fn new(node: NodeFacts) -> Self {
        Self { node, families: Family::ALL.map(|family| (family, FamilyState::default())) }
    }

    /// Puts in the plan of a Service and notes in the round what that changes.
    pub(crate) fn put(&mut self, name: &ServiceName, family: Family, plan: ServicePlan, round: &mut Round) {
        let Some((_, state)) = self.families.iter_mut().find(|(of, _)| *of == family) else { return };
        round.add_changes(family, state.rules.put(name, plan.wanted));
        let old = state.udp.remove(name).unwrap_or_default();
        round.add_stale(family, flows::to_check(&old, &plan.udp));
        if !plan.udp.is_empty() {
            state.udp.insert(name.clone(), plan.udp);
        }
    }

    /// Everything, as changes from nothing.
    pub(crate) fn everything(&self) -> Round {
        let mut round = Round::default();
        for (family, state) in &self.families {
            round.add_changes(*family, state.rules.all());
            round.add_stale(*family, state.udp.values().flatten().cloned().collect());
        }
        round
    }
}

impl Round {
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.stale.is_empty()
    }

    /// The changes, one for each slot.
    pub(crate) fn changes(&self) -> Vec<(Family, Vec<Change>)> {
        let of_family = |slots: &BTreeMap<Slot, Difference>| {
            let changed = slots.iter().filter(|(_, difference)| difference.old != difference.new);
            changed
                .map(|(slot, Difference { old, new })| Change {
                    slot: slot.clone(),
                    old: old.clone(),
                    new: new.clone(),
                })
                .collect()
        };
        self.changes.iter().map(|(family, slots)| (*family, of_family(slots))).collect()
    }

    /// The UDP destinations whose flows must be looked at.
    pub(crate) fn stale(self) -> BTreeMap<Family, Vec<Frontend>> {
        self.stale
    }

    /// Several Services may change a shared slot in one round: the changes become one.
    fn add_changes(&mut self, family: Family, changes: Vec<Change>) {
        for change in changes {
            let slots = self.changes.entry(family).or_default();
            let Change { slot, old, new } = change;
            match slots.entry(slot) {
                Entry::Occupied(mut entry) => entry.get_mut().new = new,
                Entry::Vacant(entry) => {
                    entry.insert(Difference { old, new });
                }
            }
        }
    }

    fn add_stale(&mut self, family: Family, checks: Vec<Frontend>) {
        if !checks.is_empty() {
            self.stale.entry(family).or_default().extend(checks);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_that_moves_between_services_in_one_round_is_one_change() {
        let mut world = World::new(NodeFacts::default());
        let wants = |slots: &[&str]| ServicePlan {
            wanted: slots.iter().map(|s| (Slot::Chain((*s).into()), Content::Present)).collect(),
            udp: Vec::new(),
        };
        let (a, b) = (ServiceName::new("ns", "a"), ServiceName::new("ns", "b"));
        world.put(&a, Family::V4, wants(&["x", "y"]), &mut Round::default());
        let mut round = Round::default();
        world.put(&a, Family::V4, wants(&[]), &mut round);
        world.put(&b, Family::V4, wants(&["x"]), &mut round);
        let gone = Change { slot: Slot::Chain("y".into()), old: Some(Content::Present), new: None };
        assert_eq!(round.changes(), [(Family::V4, vec![gone])]);
        assert_eq!(world.everything().changes()[0].1.len(), 1);
    }
}

//! Sets of fields: what server-side apply knows about who owns what.
//!
//! A set is a tree of [`PathElement`]s. A field is a *member* if it is owned itself; its children are owned apart from it,
//! so that the owner of a map may own some of its keys and not the map. The stored form is `FieldsV1`.

mod codec;
mod element;

pub use codec::FieldsError;
pub use element::{PathElement, compare_values, path_text};

use std::collections::{BTreeMap, BTreeSet};

/// A set of fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSet {
    members: BTreeSet<PathElement>,
    children: BTreeMap<PathElement, FieldSet>,
}

impl FieldSet {
    /// The empty set.
    pub const fn new() -> Self {
        Self { members: BTreeSet::new(), children: BTreeMap::new() }
    }

    /// A set of named fields: `[["status"], ["metadata", "name"]]`.
    pub fn of_names(paths: &[&[&str]]) -> Self {
        let mut out = Self::new();
        for path in paths {
            let path: Vec<PathElement> = path.iter().map(|name| PathElement::field(name)).collect();
            out.insert(&path);
        }
        out
    }

    /// Whether no field is in the set.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.members.len() + self.children.values().map(Self::len).sum::<usize>()
    }

    /// Adds a field. The empty path, the whole object, is owned by nobody.
    pub fn insert(&mut self, path: &[PathElement]) {
        let Some((first, rest)) = path.split_first() else { return };
        if rest.is_empty() {
            self.members.insert(first.clone());
        } else {
            self.children.entry(first.clone()).or_default().insert(rest);
        }
    }

    /// Whether the field directly below is in the set.
    pub fn has(&self, element: &PathElement) -> bool {
        self.members.contains(element)
    }

    /// Whether the field is in the set.
    pub fn contains(&self, path: &[PathElement]) -> bool {
        match path.split_first() {
            None => false,
            Some((first, [])) => self.members.contains(first),
            Some((first, rest)) => self.children.get(first).is_some_and(|child| child.contains(rest)),
        }
    }

    /// The fields below an element, if there are any.
    pub fn below(&self, element: &PathElement) -> Option<&Self> {
        self.children.get(element).filter(|child| !child.is_empty())
    }

    /// Fields of either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.extend(other);
        out
    }

    /// Adds all fields of another set.
    pub fn extend(&mut self, other: &Self) {
        self.members.extend(other.members.iter().cloned());
        for (element, child) in &other.children {
            self.children.entry(element.clone()).or_default().extend(child);
        }
    }

    /// Fields of both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(element, child)| {
            let both = child.intersection(other.children.get(element)?);
            (!both.is_empty()).then(|| (element.clone(), both))
        });
        Self {
            members: self.members.intersection(&other.members).cloned().collect(),
            children: children.collect(),
        }
    }

    /// Fields of this set that the other lacks. Children stay when only their parent is taken away.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(element, child)| {
            let left = match other.children.get(element) {
                Some(taken) => child.difference(taken),
                None => child.clone(),
            };
            (!left.is_empty()).then(|| (element.clone(), left))
        });
        Self {
            members: self.members.difference(&other.members).cloned().collect(),
            children: children.collect(),
        }
    }

    /// Fields of this set that are neither in the other nor below one of its fields.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(element, child)| {
            if other.members.contains(element) {
                return None;
            }
            let left = match other.children.get(element) {
                Some(taken) => child.recursive_difference(taken),
                None => child.clone(),
            };
            (!left.is_empty()).then(|| (element.clone(), left))
        });
        Self {
            members: self.members.difference(&other.members).cloned().collect(),
            children: children.collect(),
        }
    }

    /// The fields directly below and the sets under them, each element once, in order.
    pub fn elements(&self) -> impl Iterator<Item = (&PathElement, bool, Option<&FieldSet>)> {
        let all: BTreeSet<&PathElement> = self.members.iter().chain(self.children.keys()).collect();
        all.into_iter().map(|element| (element, self.has(element), self.below(element)))
    }

    /// Every field's path: members first, then what lies below.
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut out = Vec::new();
        self.collect_paths(&mut Vec::new(), &mut out);
        out
    }

    fn collect_paths(&self, prefix: &mut Vec<PathElement>, out: &mut Vec<Vec<PathElement>>) {
        for member in &self.members {
            let mut path = prefix.clone();
            path.push(member.clone());
            out.push(path);
        }
        for (element, child) in &self.children {
            prefix.push(element.clone());
            child.collect_paths(prefix, out);
            prefix.pop();
        }
    }

    pub(crate) fn insert_member(&mut self, element: PathElement) {
        self.members.insert(element);
    }

    pub(crate) fn set_below(&mut self, element: PathElement, child: FieldSet) {
        if !child.is_empty() {
            self.children.insert(element, child);
        }
    }
}

//! Sets of fields: who owns what of an object, and what differs between two.
//!
//! A field is a path of [`PathElement`]s. A path in a set is a member; a member may have members below it. The text form is
//! `FieldsV1` ([`codec`]); sets are made from objects by [`collect`] and from pairs of objects by [`compare`].

mod codec;
mod collect;
mod compare;
mod element;

pub use collect::collect;
pub use compare::{Comparison, compare};
pub use element::PathElement;
pub(crate) use element::{element_of, is_granular, list_type};

use std::collections::BTreeMap;

/// A set of fields.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldSet {
    children: BTreeMap<PathElement, Node>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Node {
    member: bool,
    below: FieldSet,
}

impl FieldSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.children.values().all(|node| !node.member && node.below.is_empty())
    }

    /// Adds a path.
    pub fn insert(&mut self, path: &[PathElement]) {
        let Some((first, rest)) = path.split_first() else { return };
        let node = self.children.entry(first.clone()).or_default();
        if rest.is_empty() {
            node.member = true;
        } else {
            node.below.insert(rest);
        }
    }

    /// Whether a path is a member.
    pub fn has(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.children.get(last).is_some_and(|node| node.member),
            [first, rest @ ..] => self.children.get(first).is_some_and(|node| node.below.has(rest)),
        }
    }

    /// Whether a path or anything below it is a member.
    pub fn touches(&self, path: &[PathElement]) -> bool {
        match path {
            [] => !self.is_empty(),
            [first, rest @ ..] => self
                .children
                .get(first)
                .is_some_and(|node| (rest.is_empty() && node.member) || node.below.touches(rest)),
        }
    }

    /// Members of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.add_all(other);
        out
    }

    /// Adds all members of another.
    pub fn add_all(&mut self, other: &Self) {
        for (element, node) in &other.children {
            let mine = self.children.entry(element.clone()).or_default();
            mine.member |= node.member;
            mine.below.add_all(&node.below);
        }
    }

    /// Members of both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |mine, theirs| mine && theirs)
    }

    /// Members of this that are not members of the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.combine(other, |mine, theirs| mine && !theirs)
    }

    fn combine(&self, other: &Self, keep: fn(bool, bool) -> bool) -> Self {
        static NONE: Node = Node { member: false, below: FieldSet { children: BTreeMap::new() } };
        let mut children = BTreeMap::new();
        for (element, node) in &self.children {
            let theirs = other.children.get(element).unwrap_or(&NONE);
            let below = node.below.combine(&theirs.below, keep);
            let member = keep(node.member, theirs.member);
            if member || !below.is_empty() {
                children.insert(element.clone(), Node { member, below });
            }
        }
        Self { children }
    }

    /// Members of this that are neither members of the other nor below one.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        let mut children = BTreeMap::new();
        for (element, node) in &self.children {
            let kept = match other.children.get(element) {
                Some(theirs) if theirs.member => continue,
                Some(theirs) => {
                    Node { member: node.member, below: node.below.recursive_difference(&theirs.below) }
                }
                None => node.clone(),
            };
            if kept.member || !kept.below.is_empty() {
                children.insert(element.clone(), kept);
            }
        }
        Self { children }
    }

    /// All members' paths, in order.
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut out = Vec::new();
        self.walk(&mut Vec::new(), &mut |path| out.push(path.to_vec()));
        out
    }

    fn walk(&self, at: &mut Vec<PathElement>, visit: &mut impl FnMut(&[PathElement])) {
        for (element, node) in &self.children {
            at.push(element.clone());
            if node.member {
                visit(at);
            }
            node.below.walk(at, visit);
            at.pop();
        }
    }
}

/// A path as upstream prints it: `.spec.containers[name="web"].image`.
pub fn path_text(path: &[PathElement]) -> String {
    path.iter().map(ToString::to_string).collect()
}

impl<'a> FromIterator<&'a [PathElement]> for FieldSet {
    fn from_iter<I: IntoIterator<Item = &'a [PathElement]>>(paths: I) -> Self {
        let mut out = Self::new();
        for path in paths {
            out.insert(path);
        }
        out
    }
}

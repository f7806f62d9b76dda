//! One step of a field's path, and its order and texts.

use crate::{Document, Node};
use std::cmp::Ordering;

/// How a field is reached from what holds it.
#[derive(Debug, Clone, PartialEq)]
pub enum PathElement {
    /// A named field or a key of a map.
    Field(Box<str>),
    /// The element of a list whose keys have these values; sorted by key.
    Key(Vec<(Box<str>, Document)>),
    /// The element of a set with this value.
    Value(Document),
    /// The element of a list at this place.
    Index(i64),
}

impl PathElement {
    /// A named field.
    pub fn field(name: &str) -> Self {
        Self::Field(name.into())
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

impl Eq for PathElement {}

impl PartialOrd for PathElement {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PathElement {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a.cmp(b),
            (Self::Key(a), Self::Key(b)) => a
                .iter()
                .zip(b)
                .map(|((a_key, a), (b_key, b))| a_key.cmp(b_key).then_with(|| compare_values(a, b)))
                .find(|order| order.is_ne())
                .unwrap_or_else(|| a.len().cmp(&b.len())),
            (Self::Value(a), Self::Value(b)) => compare_values(a, b),
            (Self::Index(a), Self::Index(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl std::fmt::Display for PathElement {
    /// `.name`, `[name="web"]`, `[="a"]`, `[0]`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(keys) => {
                let keys: Vec<String> =
                    keys.iter().map(|(key, value)| format!("{key}={}", shown(value))).collect();
                write!(f, "[{}]", keys.join(","))
            }
            Self::Value(value) => write!(f, "[={}]", shown(value)),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A path as conflicts name it: `.spec.containers[name="web"].image`.
pub fn path_text(path: &[PathElement]) -> String {
    path.iter().map(ToString::to_string).collect()
}

fn shown(value: &Document) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| format!("{text:?}"))
}

/// A total order of values: numbers, strings, booleans, lists, maps, null.
pub fn compare_values(a: &Document, b: &Document) -> Ordering {
    let rank = |doc: &Document| match doc.node() {
        Node::Int(_) | Node::Float(_) => 0_u8,
        Node::String(_) => 1,
        Node::Bool(_) => 2,
        Node::Array(_) => 3,
        Node::Object(_) => 4,
        Node::Null => 5,
    };
    match (a.node(), b.node()) {
        (Node::Int(a), Node::Int(b)) => a.cmp(&b),
        (Node::Int(_) | Node::Float(_), Node::Int(_) | Node::Float(_)) => {
            a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0))
        }
        (Node::String(a), Node::String(b)) => a.cmp(b),
        (Node::Bool(a), Node::Bool(b)) => a.cmp(&b),
        (Node::Array(a), Node::Array(b)) => a
            .iter()
            .zip(b)
            .map(|(a, b)| compare_values(a, b))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| a.len().cmp(&b.len())),
        (Node::Object(a), Node::Object(b)) => {
            let sorted = |map: &crate::Map| {
                let mut keys: Vec<String> = map.keys().map(str::to_owned).collect();
                keys.sort_unstable();
                keys
            };
            let (a_keys, b_keys) = (sorted(a), sorted(b));
            a_keys
                .iter()
                .zip(&b_keys)
                .map(|(x, y)| {
                    let value = |map: &crate::Map, key: &str| map.get(key).cloned().unwrap_or_default();
                    x.cmp(y).then_with(|| compare_values(&value(a, x), &value(b, y)))
                })
                .find(|order| order.is_ne())
                .unwrap_or_else(|| a_keys.len().cmp(&b_keys.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

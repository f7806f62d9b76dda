//! One step of a path, and how list elements are told apart.

use crate::schema::{ListType, MapType, Schema, Text, Type};
use crate::{Document, Node, json};
use std::cmp::Ordering;
use std::fmt;

/// Keys of list elements that built-in kinds default, so that `{containerPort: 80}` and `{containerPort: 80, protocol: TCP}`
/// are the same element.
const KEY_DEFAULTS: [(&str, &str); 1] = [("protocol", "TCP")];

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
pub enum PathElement {
    /// A field or a map's key.
    Field(Box<str>),
    /// The element of an associative list with these key values, sorted by key.
    Key(Vec<(Box<str>, Document)>),
    /// The element of a set with this value.
    Value(Document),
    /// The element at this position.
    Index(usize),
}

impl PathElement {
    /// A field.
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
            (Self::Key(a), Self::Key(b)) => {
                let texts = |keys: &[(Box<str>, Document)]| -> Vec<(Box<str>, Vec<u8>)> {
                    keys.iter().map(|(k, v)| (k.clone(), json::encode(v))).collect()
                };
                texts(a).cmp(&texts(b))
            }
            (Self::Value(a), Self::Value(b)) => json::encode(a).cmp(&json::encode(b)),
            (Self::Index(a), Self::Index(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(keys) => {
                let shown: Vec<String> = keys.iter().map(|(k, v)| format!("{k}={v}")).collect();
                write!(f, "[{}]", shown.join(","))
            }
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// Whether the fields of a map are owned one by one. Without a schema they are.
pub(crate) fn is_granular(schema: Option<&Schema>) -> bool {
    schema.is_none_or(|schema| schema.map == MapType::Granular)
}

/// How the elements of a list are told apart. Without a schema they are not.
pub(crate) fn list_type(schema: Option<&Schema>) -> &ListType {
    static ATOMIC: ListType = ListType::Atomic;
    schema.filter(|schema| schema.ty == Type::Array).map_or(&ATOMIC, |schema| &schema.list)
}

/// The path element of a list's element; `None` for atomic lists.
pub(crate) fn element_of(
    list: &ListType,
    element_schema: Option<&Schema>,
    element: &Document,
) -> Option<PathElement> {
    match list {
        ListType::Atomic => None,
        ListType::Set => Some(PathElement::Value(element.clone())),
        ListType::Map(keys) => Some(PathElement::Key(key_values(keys, element_schema, element))),
    }
}

fn key_values(keys: &[Text], schema: Option<&Schema>, element: &Document) -> Vec<(Box<str>, Document)> {
    let mut out: Vec<(Box<str>, Document)> = keys
        .iter()
        .filter_map(|key| {
            let given = element.get(key).filter(|value| !matches!(value.node(), Node::Null));
            let value = given.cloned().or_else(|| default_of(key, schema))?;
            Some((Box::from(key.as_ref()), value))
        })
        .collect();
    out.sort_by(|(a, _), (b, _)| a.cmp(b));
    out
}

fn default_of(key: &str, schema: Option<&Schema>) -> Option<Document> {
    let field = schema.and_then(|schema| schema.field(key));
    field.and_then(|field| field.schema.get().default.clone()).or_else(|| {
        let known = KEY_DEFAULTS.iter().find(|(name, _)| *name == key);
        known.map(|(_, value)| Document::from(*value))
    })
}

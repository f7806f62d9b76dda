//! The JSONPath of printer columns: upstream's dialect without loops and text.
//!
//! Understood are `$`, `@`, `.name`, `['name']`, `[0]`, `[-1]`, `[0:2:1]`, `[*]`, `..name`, unions `[0,'a']`, and filters
//! `[?(@.type=="Ready")]` with one comparison. What a path does not find is no error.

mod parse;

use skiff_apimachinery::{Document, Node};

/// Most values that one path yields.
const MAX_RESULTS: usize = 10_000;

/// A parsed path.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonPath(Vec<Step>);

/// A text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PathError(pub(crate) String);

#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// Values of a key.
    Key(String),
    /// An element, counted from the end if negative.
    Index(i64),
    /// Elements from, to, and how far apart.
    Slice { start: Option<i64>, end: Option<i64>, step: i64 },
    /// All elements or values.
    Wildcard,
    /// The value itself and everything within.
    Descend,
    /// What any of the steps finds.
    Union(Vec<Step>),
    /// Elements for which the condition holds.
    Filter(Box<Condition>),
}

#[derive(Debug, Clone, PartialEq)]
struct Condition {
    left: Operand,
    /// `None` asks whether the left side finds anything.
    right: Option<(Comparison, Operand)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Path(JsonPath),
    Literal(Document),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl JsonPath {
    /// Reads a path, with or without the braces of a template around it.
    ///
    /// # Errors
    /// If the text is no path of this dialect.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        parse::parse(text)
    }

    /// What the path finds, in order.
    pub fn find<'a>(&self, root: &'a Document) -> Vec<&'a Document> {
        let mut found = vec![root];
        for step in &self.0 {
            let mut next = Vec::new();
            for value in found {
                step.apply(value, &mut next);
            }
            next.truncate(MAX_RESULTS);
            found = next;
        }
        found
    }

    /// The first value that the path finds.
    pub fn first<'a>(&self, root: &'a Document) -> Option<&'a Document> {
        self.find(root).into_iter().next()
    }
}

impl std::str::FromStr for JsonPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl Step {
    fn apply<'a>(&self, value: &'a Document, found: &mut Vec<&'a Document>) {
        match self {
            Self::Key(key) => found.extend(value.get(key)),
            Self::Index(index) => found.extend(elements(value).get(place(*index, elements(value).len()))),
            Self::Slice { start, end, step } => slice(elements(value), *start, *end, *step, found),
            Self::Wildcard => found.extend(children(value)),
            Self::Descend => descend(value, found),
            Self::Union(steps) => steps.iter().for_each(|step| step.apply(value, found)),
            Self::Filter(condition) => {
                found.extend(elements(value).iter().filter(|element| condition.holds(element)));
            }
        }
    }
}

impl Condition {
    fn holds(&self, element: &Document) -> bool {
        let left = self.left.value(element);
        match &self.right {
            None => left.is_some(),
            Some((comparison, right)) => match (left, right.value(element)) {
                (Some(left), Some(right)) => comparison.holds(left, right),
                _ => false,
            },
        }
    }
}

impl Operand {
    fn value<'a>(&'a self, element: &'a Document) -> Option<&'a Document> {
        match self {
            Self::Path(path) => path.first(element),
            Self::Literal(value) => Some(value),
        }
    }
}

impl Comparison {
    fn holds(self, left: &Document, right: &Document) -> bool {
        use std::cmp::Ordering;
        let ordering = match (left.node(), right.node()) {
            (Node::String(left), Node::String(right)) => Some(left.cmp(right)),
            (Node::Bool(left), Node::Bool(right)) if matches!(self, Self::Equal | Self::NotEqual) => {
                Some(left.cmp(&right))
            }
            _ => match (left.as_f64(), right.as_f64()) {
                (Some(left), Some(right)) => left.partial_cmp(&right),
                _ => None,
            },
        };
        match (self, ordering) {
            (_, None) => self == Self::NotEqual,
            (Self::Equal, Some(ordering)) => ordering == Ordering::Equal,
            (Self::NotEqual, Some(ordering)) => ordering != Ordering::Equal,
            (Self::Less, Some(ordering)) => ordering == Ordering::Less,
            (Self::LessOrEqual, Some(ordering)) => ordering != Ordering::Greater,
            (Self::Greater, Some(ordering)) => ordering == Ordering::Greater,
            (Self::GreaterOrEqual, Some(ordering)) => ordering != Ordering::Less,
        }
    }
}

fn elements(value: &Document) -> &[Document] {
    value.as_array().unwrap_or(&[])
}

fn children(value: &Document) -> Vec<&Document> {
    match value.node() {
        Node::Array(list) => list.iter().collect(),
        Node::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}

fn descend<'a>(value: &'a Document, found: &mut Vec<&'a Document>) {
    if found.len() >= MAX_RESULTS {
        return;
    }
    found.push(value);
    children(value).into_iter().for_each(|child| descend(child, found));
}

/// The place of an index in a list; past its end if there is none.
fn place(index: i64, len: usize) -> usize {
    let index = if index < 0 { index.saturating_add(len as i64) } else { index };
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn slice<'a>(
    list: &'a [Document],
    start: Option<i64>,
    end: Option<i64>,
    step: i64,
    found: &mut Vec<&'a Document>,
) {
    let clamp = |index: i64| place(index.max(-(list.len() as i64)), list.len()).min(list.len());
    let (start, end) = (start.map_or(0, clamp), end.map_or(list.len(), clamp));
    let Ok(step @ 1..) = usize::try_from(step) else { return };
    found.extend(list.get(start..end.max(start)).unwrap_or(&[]).iter().step_by(step));
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn find(path: &str) -> String {
        let root = doc!({
            "spec": {"replicas": 3, "ports": [{"name": "a", "port": 80}, {"name": "b", "port": 443}], "on": true},
            "metadata": {"labels": {"app.kubernetes.io/name": "web"}},
            "status": {"conditions": [
                {"type": "Ready", "status": "True"}, {"type": "Synced", "status": "False", "message": "it's late"}
            ]}
        });
        let found: Document = JsonPath::parse(path).unwrap().find(&root).into_iter().cloned().collect();
        found.to_string()
    }

    #[test]
    fn paths_find_what_they_name() {
        let cases = [
            (".spec.replicas", "[3]"),
            ("{.spec.replicas}", "[3]"),
            ("$.spec.replicas", "[3]"),
            (".spec.absent.deeper", "[]"),
            (".spec.ports[0].port", "[80]"),
            (".spec.ports[-1].name", "[\"b\"]"),
            (".spec.ports[7].name", "[]"),
            (".spec.ports[*].port", "[80,443]"),
            (".spec.ports.*.port", "[80,443]"),
            (".spec.ports[0:1].port", "[80]"),
            (".spec.ports[::1].port", "[80,443]"),
            (".spec.ports[0,1].port", "[80,443]"),
            ("..port", "[80,443]"),
            (".metadata.labels.app\\.kubernetes\\.io/name", "[\"web\"]"),
            (".metadata.labels['app.kubernetes.io/name']", "[\"web\"]"),
            (".metadata.labels['app\\.kubernetes\\.io/name']", "[\"web\"]"),
            (".status.conditions[?(@.type==\"Ready\")].status", "[\"True\"]"),
            (".status.conditions[?(@.type == 'Synced')].message", "[\"it's late\"]"),
            (".status.conditions[?(@.message)].type", "[\"Synced\"]"),
            (".status.conditions[?(@.type!=\"Ready\")].status", "[\"False\"]"),
            (".spec.ports[?(@.port>100)].name", "[\"b\"]"),
            (".spec.ports[?(@.port<=80)].name", "[\"a\"]"),
        ];
        for (path, expected) in cases {
            assert_eq!(find(path), expected, "{path}");
        }
    }

    #[test]
    fn malformed_paths_are_refused() {
        for path in [".spec[", ".spec['a]", ".spec[?(@.x==)]", ".spec[a]", "spec.", ".spec[?(@.x]", "{.spec"]
        {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
    }
}

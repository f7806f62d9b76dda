//! The dynamic value that every API object is while it is being decoded, defaulted, patched, applied and encoded.
//!
//! Ordered (a map keeps the order in which keys came), integers and floats distinct, representation private: code reads
//! a document through [`Node`] or the path helpers and edits it through the setters, so that the memory layout can
//! change without touching a caller.

mod macros;
mod map;
mod read;
mod write;

pub use map::Map;
pub use read::{ReadError, from_document};
pub use write::to_document;

/// One JSON-like value: an API object, or any part of one.
#[derive(Clone, PartialEq, Default)]
pub struct Document(Repr);

#[derive(Clone, PartialEq, Default)]
enum Repr {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(Box<str>),
    Array(Vec<Document>),
    Object(Map),
}

/// A borrowed look at what a [`Document`] is, for matching.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Node<'a> {
    /// JSON null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number without fraction or exponent that fits 64 signed bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    String(&'a str),
    /// A list.
    Array(&'a [Document]),
    /// A map, in insertion order.
    Object(&'a Map),
}

impl Document {
    /// The null document.
    pub const NULL: Document = Document(Repr::Null);

    /// An empty map.
    pub fn object() -> Self {
        Self(Repr::Object(Map::new()))
    }

    /// An empty list.
    pub fn array() -> Self {
        Self(Repr::Array(Vec::new()))
    }

    /// What this document is, for matching.
    pub fn node(&self) -> Node<'_> {
        match &self.0 {
            Repr::Null => Node::Null,
            Repr::Bool(v) => Node::Bool(*v),
            Repr::Int(v) => Node::Int(*v),
            Repr::Float(v) => Node::Float(*v),
            Repr::String(v) => Node::String(v),
            Repr::Array(v) => Node::Array(v),
            Repr::Object(v) => Node::Object(v),
        }
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self.0, Repr::Null)
    }

    /// Go's notion of a zero value: null, false, 0, "", an empty list or map. `omitempty` drops these.
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Repr::Null => true,
            Repr::Bool(v) => !v,
            Repr::Int(v) => *v == 0,
            Repr::Float(v) => *v == 0.0,
            Repr::String(v) => v.is_empty(),
            Repr::Array(v) => v.is_empty(),
            Repr::Object(v) => v.is_empty(),
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.0 {
            Repr::Bool(v) => Some(v),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Int(v) => Some(v),
            _ => None,
        }
    }

    /// The number as a float, if it is a number.
    pub fn as_f64(&self) -> Option<f64> {
        match self.0 {
            Repr::Int(v) => Some(v as f64),
            Repr::Float(v) => Some(v),
            _ => None,
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Repr::String(v) => Some(v),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_array(&self) -> Option<&[Document]> {
        match &self.0 {
            Repr::Array(v) => Some(v),
            _ => None,
        }
    }

    /// The list to edit, if it is one.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Document>> {
        match &mut self.0 {
            Repr::Array(v) => Some(v),
            _ => None,
        }
    }

    /// The map, if it is one.
    pub fn as_object(&self) -> Option<&Map> {
        match &self.0 {
            Repr::Object(v) => Some(v),
            _ => None,
        }
    }

    /// The map to edit, if it is one.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        match &mut self.0 {
            Repr::Object(v) => Some(v),
            _ => None,
        }
    }

    /// This document as a list; anything else becomes an empty list first.
    pub fn make_array(&mut self) -> &mut Vec<Document> {
        if !matches!(self.0, Repr::Array(_)) {
            self.0 = Repr::Array(Vec::new());
        }
        match &mut self.0 {
            Repr::Array(v) => v,
            _ => unreachable!("made an array above"),
        }
    }

    /// This document as a map; anything else becomes an empty map first.
    pub fn make_object(&mut self) -> &mut Map {
        if !matches!(self.0, Repr::Object(_)) {
            self.0 = Repr::Object(Map::new());
        }
        match &mut self.0 {
            Repr::Object(v) => v,
            _ => unreachable!("made an object above"),
        }
    }

    /// Takes the value out and leaves null.
    pub fn take(&mut self) -> Document {
        std::mem::take(self)
    }

    /// Takes the list out; empty if it is none.
    pub fn into_array(self) -> Vec<Document> {
        match self.0 {
            Repr::Array(v) => v,
            _ => Vec::new(),
        }
    }

    /// Takes the map out; empty if it is none.
    pub fn into_object(self) -> Map {
        match self.0 {
            Repr::Object(v) => v,
            _ => Map::new(),
        }
    }

    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Document> {
        self.as_object()?.get(key)
    }

    /// The value of a key of a map, to edit.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Document> {
        self.as_object_mut()?.get_mut(key)
    }

    /// The value under nested keys; `None` if any step is absent. Null counts as present.
    pub fn at(&self, path: &[&str]) -> Option<&Document> {
        path.iter().try_fold(self, |doc, key| doc.get(key))
    }

    /// The value under nested keys, to edit.
    pub fn at_mut(&mut self, path: &[&str]) -> Option<&mut Document> {
        path.iter().try_fold(self, |doc, key| doc.get_mut(key))
    }

    /// The string under nested keys; empty if absent or no string, as a Go struct would hold it.
    pub fn str_at(&self, path: &[&str]) -> &str {
        self.at(path).and_then(Document::as_str).unwrap_or("")
    }

    /// The integer under nested keys.
    pub fn i64_at(&self, path: &[&str]) -> Option<i64> {
        self.at(path).and_then(Document::as_i64)
    }

    /// The boolean under nested keys.
    pub fn bool_at(&self, path: &[&str]) -> Option<bool> {
        self.at(path).and_then(Document::as_bool)
    }

    /// The list under nested keys; empty if absent.
    pub fn array_at(&self, path: &[&str]) -> &[Document] {
        self.at(path).and_then(Document::as_array).unwrap_or(&[])
    }

    /// The map under nested keys.
    pub fn object_at(&self, path: &[&str]) -> Option<&Map> {
        self.at(path).and_then(Document::as_object)
    }

    /// The value under nested keys, with null and empty maps made on the way. A step that is no map is replaced by one.
    pub fn ensure(&mut self, path: &[&str]) -> &mut Document {
        path.iter().fold(self, |doc, key| doc.make_object().entry(key))
    }

    /// Sets the value under nested keys, making maps on the way.
    pub fn set(&mut self, path: &[&str], value: impl Into<Document>) {
        *self.ensure(path) = value.into();
    }

    /// Sets the value under nested keys if it is absent or null; tells whether it did.
    pub fn set_default(&mut self, path: &[&str], value: impl Into<Document>) -> bool {
        let slot = self.ensure(path);
        let absent = slot.is_null();
        if absent {
            *slot = value.into();
        }
        absent
    }

    /// Removes the value under nested keys; maps on the way stay.
    pub fn remove(&mut self, path: &[&str]) -> Option<Document> {
        let (last, parents) = path.split_last()?;
        self.at_mut(parents)?.as_object_mut()?.remove(last)
    }

    /// Inserts a key into this map (made one if it is none).
    pub fn insert(&mut self, key: impl Into<Box<str>>, value: impl Into<Document>) {
        self.make_object().insert(key, value);
    }

    /// Appends to this list (made one if it is none).
    pub fn push(&mut self, value: impl Into<Document>) {
        self.make_array().push(value.into());
    }

    /// Reads this document as a typed struct.
    ///
    /// # Errors
    /// If a field has a type that the struct does not take.
    pub fn read<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, ReadError> {
        from_document(self)
    }
}

// === conversions ===

impl From<bool> for Document {
    fn from(v: bool) -> Self {
        Self(Repr::Bool(v))
    }
}

macro_rules! from_int {
    ($($int:ty),*) => {$(
        impl From<$int> for Document {
            fn from(v: $int) -> Self {
                Self(Repr::Int(i64::from(v)))
            }
        }
    )*};
}
from_int!(i8, i16, i32, i64, u8, u16, u32);

impl From<usize> for Document {
    fn from(v: usize) -> Self {
        Self(Repr::Int(v as i64))
    }
}

impl From<u64> for Document {
    fn from(v: u64) -> Self {
        i64::try_from(v).map_or(Self(Repr::Float(v as f64)), |v| Self(Repr::Int(v)))
    }
}

impl From<f64> for Document {
    fn from(v: f64) -> Self {
        Self(Repr::Float(v))
    }
}

impl From<&str> for Document {
    fn from(v: &str) -> Self {
        Self(Repr::String(v.into()))
    }
}

impl From<&String> for Document {
    fn from(v: &String) -> Self {
        Self(Repr::String(v.as_str().into()))
    }
}

impl From<String> for Document {
    fn from(v: String) -> Self {
        Self(Repr::String(v.into_boxed_str()))
    }
}

impl From<Box<str>> for Document {
    fn from(v: Box<str>) -> Self {
        Self(Repr::String(v))
    }
}

impl From<std::borrow::Cow<'_, str>> for Document {
    fn from(v: std::borrow::Cow<'_, str>) -> Self {
        Self(Repr::String(v.into_owned().into_boxed_str()))
    }
}

impl From<Map> for Document {
    fn from(v: Map) -> Self {
        Self(Repr::Object(v))
    }
}

impl<T: Into<Document>> From<Vec<T>> for Document {
    fn from(v: Vec<T>) -> Self {
        Self(Repr::Array(v.into_iter().map(Into::into).collect()))
    }
}

impl<T: Into<Document>> From<Option<T>> for Document {
    fn from(v: Option<T>) -> Self {
        v.map_or(Document::NULL, Into::into)
    }
}

impl From<&Document> for Document {
    fn from(v: &Document) -> Self {
        v.clone()
    }
}

impl<K: Into<Box<str>>, V: Into<Document>> FromIterator<(K, V)> for Document {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(iter: I) -> Self {
        Self(Repr::Object(iter.into_iter().collect()))
    }
}

impl FromIterator<Document> for Document {
    fn from_iter<I: IntoIterator<Item = Document>>(iter: I) -> Self {
        Self(Repr::Array(iter.into_iter().collect()))
    }
}

impl std::ops::Index<&str> for Document {
    type Output = Document;
    /// The value of a key; null if absent.
    fn index(&self, key: &str) -> &Document {
        static NULL: Document = Document::NULL;
        self.get(key).unwrap_or(&NULL)
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&crate::json::encode(self)))
    }
}

impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

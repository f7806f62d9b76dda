//! The ordered map inside a document.

use super::Document;

/// String keys to documents, in insertion order. Equality ignores the order.
#[derive(Clone, Default, PartialEq)]
pub struct Map(indexmap::IndexMap<Box<str>, Document, foldhash::fast::RandomState>);

impl Map {
    /// An empty map; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the key is there, even with a null value.
    pub fn contains_key(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Document> {
        self.0.get(key)
    }

    /// The value of a key, to edit.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Document> {
        self.0.get_mut(key)
    }

    /// The value of a key, null if it was absent.
    pub fn entry(&mut self, key: &str) -> &mut Document {
        if !self.0.contains_key(key) {
            self.0.insert(key.into(), Document::NULL);
        }
        self.0.get_mut(key).expect("inserted above if it was absent")
    }

    /// Sets a key; a key that was there keeps its place. Returns the earlier value.
    pub fn insert(&mut self, key: impl Into<Box<str>>, value: impl Into<Document>) -> Option<Document> {
        self.0.insert(key.into(), value.into())
    }

    /// Removes a key and keeps the order of the others.
    pub fn remove(&mut self, key: &str) -> Option<Document> {
        self.0.shift_remove(key)
    }

    /// Removes all keys.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Keeps the keys for which the function says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Document) -> bool) {
        self.0.retain(|key, value| keep(key, value));
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Document)> + ExactSizeIterator {
        self.0.iter().map(|(k, v)| (&**k, v))
    }

    /// Keys and values in order, values to edit.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&str, &mut Document)> + ExactSizeIterator {
        self.0.iter_mut().map(|(k, v)| (&**k, v))
    }

    /// Keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.0.keys().map(|k| &**k)
    }

    /// Values in order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Document> + ExactSizeIterator {
        self.0.values()
    }

    /// Values in order, to edit.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Document> + ExactSizeIterator {
        self.0.values_mut()
    }

    /// Sorts the keys, as Go encodes its maps.
    pub fn sort_keys(&mut self) {
        self.0.sort_unstable_keys();
    }
}

impl IntoIterator for Map {
    type Item = (Box<str>, Document);
    type IntoIter = indexmap::map::IntoIter<Box<str>, Document>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Into<Box<str>>, V: Into<Document>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(iter: I) -> Self {
        Self(iter.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

impl<K: Into<Box<str>>, V: Into<Document>> Extend<(K, V)> for Map {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, iter: I) {
        self.0.extend(iter.into_iter().map(|(k, v)| (k.into(), v.into())));
    }
}

impl std::fmt::Debug for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

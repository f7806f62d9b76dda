//! Building documents from typed structs.

use super::{Document, Node};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.node() {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(v) => serializer.serialize_bool(v),
            Node::Int(v) => serializer.serialize_i64(v),
            Node::Float(v) => serializer.serialize_f64(v),
            Node::String(v) => serializer.serialize_str(v),
            Node::Array(list) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                for element in list {
                    seq.serialize_element(element)?;
                }
                seq.end()
            }
            Node::Object(map) => {
                let mut entries = serializer.serialize_map(Some(map.len()))?;
                for (key, value) in map.iter() {
                    entries.serialize_entry(key, value)?;
                }
                entries.end()
            }
        }
    }
}

/// A document with the content of a typed struct. For requests that a component builds; never for writing back an
/// object that was read, because a struct drops the fields that it does not know.
///
/// # Panics
/// Never for types whose maps have string keys, which all API types have.
pub fn to_document<T: Serialize>(value: &T) -> Document {
    let text = serde_json::to_vec(value).expect("API types serialize: their maps have string keys");
    crate::json::decode(&text).expect("serde_json writes valid JSON")
}

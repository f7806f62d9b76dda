//! Reading documents as typed structs, and building them from any serde source.

use super::{Document, Map, Node, Repr};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, Visitor, value::StrDeserializer,
};

/// A document does not have the shape that a typed reader expects.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(String);

impl de::Error for ReadError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Reads a document as a typed struct, without a detour over text.
///
/// # Errors
/// If a field has a type that the struct does not take.
pub fn from_document<'a, T: Deserialize<'a>>(doc: &'a Document) -> Result<T, ReadError> {
    T::deserialize(doc)
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Build)
    }
}

struct Build;

impl<'de> Visitor<'de> for Build {
    type Value = Document;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::NULL)
    }
    fn visit_none<E>(self) -> Result<Document, E> {
        Ok(Document::NULL)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Document, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Document, E> {
        Ok(v.into())
    }
    fn visit_i64<E>(self, v: i64) -> Result<Document, E> {
        Ok(v.into())
    }
    fn visit_u64<E>(self, v: u64) -> Result<Document, E> {
        Ok(v.into())
    }
    fn visit_f64<E>(self, v: f64) -> Result<Document, E> {
        Ok(v.into())
    }
    fn visit_str<E>(self, v: &str) -> Result<Document, E> {
        Ok(v.into())
    }
    fn visit_string<E>(self, v: String) -> Result<Document, E> {
        Ok(v.into())
    }
    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Document, A::Error> {
        let mut list = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(1024));
        while let Some(element) = seq.next_element()? {
            list.push(element);
        }
        Ok(Document(Repr::Array(list)))
    }
    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let mut map = Map::new();
        while let Some((key, value)) = entries.next_entry::<Box<str>, Document>()? {
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

impl<'de> Deserializer<'de> for &'de Document {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node() {
            Node::Null => visitor.visit_unit(),
            Node::Bool(v) => visitor.visit_bool(v),
            Node::Int(v) => visitor.visit_i64(v),
            Node::Float(v) => visitor.visit_f64(v),
            Node::String(v) => visitor.visit_borrowed_str(v),
            Node::Array(list) => visitor.visit_seq(Elements(list.iter())),
            Node::Object(map) => visitor.visit_map(Entries { iter: map.iter(), value: None, _map: map }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.node() {
            Node::String(v) => {
                let name: StrDeserializer<'de, ReadError> = v.into_deserializer();
                visitor.visit_enum(name)
            }
            _ => Err(de::Error::invalid_type(de::Unexpected::Other("non-string"), &visitor)),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Elements<'a>(std::slice::Iter<'a, Document>);

impl<'de> de::SeqAccess<'de> for Elements<'de> {
    type Error = ReadError;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        self.0.next().map(|element| seed.deserialize(element)).transpose()
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries<'a, I> {
    iter: I,
    value: Option<&'a Document>,
    _map: &'a Map,
}

impl<'de, I: Iterator<Item = (&'de str, &'de Document)>> de::MapAccess<'de> for Entries<'de, I> {
    type Error = ReadError;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some((key, value)) = self.iter.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(de::value::BorrowedStrDeserializer::new(key)).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let value = self.value.take().ok_or_else(|| ReadError("value asked before its key".into()))?;
        seed.deserialize(value)
    }
}

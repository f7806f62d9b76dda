//! JSON to documents and back.
//!
//! Decoding bounds the depth and can report duplicate keys with their paths (`fieldValidation`); encoding escapes as
//! Go's encoder does, so that bytes compare equal with upstream's.

use crate::{Document, Map, Node};
use serde::de::{self, DeserializeSeed, Deserializer, Visitor};
use std::cell::RefCell;

/// Deepest nesting that is decoded; upstream's limit is 10,000 but no real object passes 100.
pub const MAX_DEPTH: usize = 512;

/// Bytes that are no JSON, or too deep.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(String);

/// Decodes one JSON value; of a duplicate key the last value wins.
///
/// # Errors
/// If the bytes are no JSON, nest too deep, or something follows the value.
pub fn decode(bytes: &[u8]) -> Result<Document, DecodeError> {
    decode_reporting(bytes).map(|(doc, _)| doc)
}

/// Decodes one JSON value and lists the paths of keys that came twice, such as `spec.replicas`.
///
/// # Errors
/// As [`decode`].
pub fn decode_reporting(bytes: &[u8]) -> Result<(Document, Vec<String>), DecodeError> {
    let trace = Trace { path: RefCell::default(), duplicates: RefCell::default() };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    deserializer.disable_recursion_limit();
    let doc = Build(&trace)
        .deserialize(&mut deserializer)
        .and_then(|doc| deserializer.end().map(|()| doc))
        .map_err(|e| DecodeError(e.to_string()))?;
    Ok((doc, trace.duplicates.into_inner()))
}

struct Trace {
    path: RefCell<Vec<Step>>,
    duplicates: RefCell<Vec<String>>,
}

enum Step {
    Key(Box<str>),
    Index(usize),
}

impl Trace {
    fn text(&self) -> String {
        let mut out = String::new();
        for step in self.path.borrow().iter() {
            match step {
                Step::Key(key) => {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push_str(key);
                }
                Step::Index(i) => out.push_str(&format!("[{i}]")),
            }
        }
        out
    }

    fn enter<E: de::Error>(&self, step: Step) -> Result<(), E> {
        let mut path = self.path.borrow_mut();
        if path.len() >= MAX_DEPTH {
            return Err(E::custom(format!("exceeded max depth of {MAX_DEPTH}")));
        }
        path.push(step);
        Ok(())
    }

    fn leave(&self) {
        self.path.borrow_mut().pop();
    }
}

struct Build<'t>(&'t Trace);

impl<'de> DeserializeSeed<'de> for Build<'_> {
    type Value = Document;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Document, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build<'_> {
    type Value = Document;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::NULL)
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
        let mut list = Vec::new();
        loop {
            self.0.enter(Step::Index(list.len()))?;
            let element = seq.next_element_seed(Build(self.0))?;
            self.0.leave();
            match element {
                Some(element) => list.push(element),
                None => return Ok(list.into()),
            }
        }
    }
    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<Box<str>>()? {
            self.0.enter(Step::Key(key.clone()))?;
            let value = entries.next_value_seed(Build(self.0))?;
            if map.insert(key, value).is_some() {
                self.0.duplicates.borrow_mut().push(self.0.text());
            }
            self.0.leave();
        }
        Ok(map.into())
    }
}

/// The document as compact JSON.
pub fn encode(doc: &Document) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    encode_to(doc, &mut out);
    out
}

/// The document as JSON indented by two spaces, as `?pretty=true` gives it.
pub fn encode_pretty(doc: &Document) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    write_pretty(doc, 0, &mut out);
    out
}

/// Appends the document as compact JSON.
pub fn encode_to(doc: &Document, out: &mut Vec<u8>) {
    match doc.node() {
        Node::Array(list) => {
            out.push(b'[');
            for (i, element) in list.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                encode_to(element, out);
            }
            out.push(b']');
        }
        Node::Object(map) => {
            out.push(b'{');
            for (i, (key, value)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                encode_str(key, out);
                out.push(b':');
                encode_to(value, out);
            }
            out.push(b'}');
        }
        scalar => write_scalar(scalar, out),
    }
}

fn write_scalar(node: Node<'_>, out: &mut Vec<u8>) {
    match node {
        Node::Bool(true) => out.extend_from_slice(b"true"),
        Node::Bool(false) => out.extend_from_slice(b"false"),
        Node::Int(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Node::Float(v) => write_float(v, out),
        Node::String(v) => encode_str(v, out),
        Node::Null | Node::Array(_) | Node::Object(_) => out.extend_from_slice(b"null"),
    }
}

/// Floats as Go writes them: plain between 1e-6 and 1e21, else with an exponent without padding zero.
fn write_float(v: f64, out: &mut Vec<u8>) {
    if !v.is_finite() {
        return out.extend_from_slice(b"null");
    }
    let magnitude = v.abs();
    let text = if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{v:e}");
        match text.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent}"),
            _ => text,
        }
    } else {
        format!("{v}")
    };
    out.extend_from_slice(text.as_bytes());
}

/// Appends a JSON string, escaped as Go's encoder escapes: also `<`, `>`, `&`, U+2028 and U+2029.
pub fn encode_str(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut start = 0;
    for (i, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            b'<' => b"\\u003c",
            b'>' => b"\\u003e",
            b'&' => b"\\u0026",
            0xe2 if bytes.get(i + 1) == Some(&0x80) && bytes.get(i + 2) == Some(&0xa8) => b"\\u2028",
            0xe2 if bytes.get(i + 1) == Some(&0x80) && bytes.get(i + 2) == Some(&0xa9) => b"\\u2029",
            0..0x20 => {
                out.extend_from_slice(&bytes[start..i]);
                out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                start = i + 1;
                continue;
            }
            _ => continue,
        };
        out.extend_from_slice(&bytes[start..i]);
        out.extend_from_slice(escape);
        start = i + if byte == 0xe2 { 3 } else { 1 };
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

fn write_pretty(doc: &Document, indent: usize, out: &mut Vec<u8>) {
    let pad = |n: usize, out: &mut Vec<u8>| {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b' ', n * 2));
    };
    match doc.node() {
        Node::Array(list) if !list.is_empty() => {
            out.push(b'[');
            for (i, element) in list.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                pad(indent + 1, out);
                write_pretty(element, indent + 1, out);
            }
            pad(indent, out);
            out.push(b']');
        }
        Node::Object(map) if !map.is_empty() => {
            out.push(b'{');
            for (i, (key, value)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                pad(indent + 1, out);
                encode_str(key, out);
                out.extend_from_slice(b": ");
                write_pretty(value, indent + 1, out);
            }
            pad(indent, out);
            out.push(b'}');
        }
        _ => encode_to(doc, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;

    #[test]
    fn a_duplicate_key_is_reported_with_its_path_and_the_last_value_wins() {
        let (doc, duplicates) =
            decode_reporting(br#"{"spec":{"a":1,"list":[{"x":1,"x":2}],"a":3}}"#).unwrap();
        assert_eq!(duplicates, ["spec.list[0].x", "spec.a"]);
        assert_eq!(doc, doc!({"spec": {"a": 3, "list": [{"x": 2}]}}));
    }

    #[test]
    fn integers_and_floats_stay_apart() {
        let doc = decode(b"[1, 1.0, 1e3, -7, 9223372036854775807, 1e21, 1e-7]").unwrap();
        assert_eq!(String::from_utf8(encode(&doc)).unwrap(), "[1,1,1000,-7,9223372036854775807,1e+21,1e-7]");
        assert_eq!(doc.as_array().unwrap()[0].node(), Node::Int(1));
        assert_eq!(doc.as_array().unwrap()[1].node(), Node::Float(1.0));
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = "[".repeat(100_000);
        assert!(decode(deep.as_bytes()).unwrap_err().to_string().contains("max depth"));
    }

    #[test]
    fn strings_are_escaped_as_go_escapes_them() {
        let doc = doc!(["<a> & \u{2028} \u{1} \"\\ é"]);
        assert_eq!(
            String::from_utf8(encode(&doc)).unwrap(),
            r#"["\u003ca\u003e \u0026 \u2028 \u0001 \"\\ é"]"#
        );
        assert_eq!(decode(&encode(&doc)).unwrap(), doc);
    }

    #[test]
    fn trailing_bytes_are_refused() {
        assert!(decode(b"{} x").is_err());
    }
}

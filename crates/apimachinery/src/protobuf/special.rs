//! Types whose JSON and protobuf forms have nothing in common.

use super::decode::Decoder;
use super::wire::{DecodeError, Reader, Writer};
use super::{MAGIC, encode};
use crate::schema::Schema;
use crate::time::{format_micro_time, format_time, parse_time};
use crate::{Document, Node, json};
use jiff::Timestamp;

/// A type with forms of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    /// Text, or seconds.
    Time,
    /// Text, or seconds and microseconds.
    MicroTime,
    /// Text, or a message with that text.
    Quantity,
    /// A number or text, or a message that says which.
    IntOrString,
    /// Anything, or its JSON as bytes.
    Raw,
    /// A schema or a list of schemas.
    SchemaOrList,
    /// A schema or a boolean.
    SchemaOrBool,
    /// A schema or a list of texts.
    SchemaOrTexts,
}

/// The special type that a schema is.
pub(super) fn of(schema: &Schema) -> Option<Special> {
    const EXTENSIONS: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.";
    let name = schema.name.as_deref()?;
    if let Some(name) = name.strip_prefix(EXTENSIONS) {
        return Some(match name {
            "JSON" => Special::Raw,
            "JSONSchemaPropsOrArray" => Special::SchemaOrList,
            "JSONSchemaPropsOrBool" => Special::SchemaOrBool,
            "JSONSchemaPropsOrStringArray" => Special::SchemaOrTexts,
            _ => return None,
        });
    }
    Some(match name.strip_prefix("io.k8s.apimachinery.pkg.")? {
        "apis.meta.v1.Time" => Special::Time,
        "apis.meta.v1.MicroTime" => Special::MicroTime,
        "api.resource.Quantity" => Special::Quantity,
        "util.intstr.IntOrString" => Special::IntOrString,
        "runtime.RawExtension" | "apis.meta.v1.FieldsV1" => Special::Raw,
        _ => return None,
    })
}

impl Special {
    /// Writes the message's content; without a value, Go's zero value.
    pub(super) fn write(self, out: &mut Writer, value: Option<&Document>, schema: &Schema) {
        let value = value.filter(|value| !value.is_null());
        match self {
            Self::Time | Self::MicroTime => {
                let Some(time) = value.and_then(Document::as_str).and_then(parse_time) else { return };
                out.integer(1, time.as_second());
                let micros = if self == Self::MicroTime { time.subsec_nanosecond() / 1000 * 1000 } else { 0 };
                out.integer(2, i64::from(micros));
            }
            Self::Quantity => {
                let text = match value.map(Document::node) {
                    Some(Node::String(text)) => text.to_owned(),
                    Some(_) => value.map(ToString::to_string).unwrap_or_default(),
                    None => "0".to_owned(),
                };
                out.bytes(1, text.as_bytes());
            }
            Self::IntOrString => {
                let text = value.and_then(Document::as_str);
                out.integer(1, i64::from(text.is_some()));
                out.integer(2, value.and_then(Document::as_i64).unwrap_or(0));
                out.bytes(3, text.unwrap_or("").as_bytes());
            }
            Self::Raw => {
                if let Some(value) = value {
                    out.bytes(1, &json::encode(value));
                }
            }
            Self::SchemaOrList => match value.map(Document::node) {
                Some(Node::Array(list)) => list.iter().for_each(|one| inner(out, 2, one, schema)),
                Some(_) => value.into_iter().for_each(|one| inner(out, 1, one, schema)),
                None => {}
            },
            Self::SchemaOrBool => {
                let allows = value.is_some_and(|value| value.as_bool().unwrap_or(true));
                out.integer(1, i64::from(allows));
                value
                    .into_iter()
                    .filter(|v| v.as_bool().is_none())
                    .for_each(|one| inner(out, 2, one, schema));
            }
            Self::SchemaOrTexts => match value.map(Document::node) {
                Some(Node::Array(list)) => {
                    list.iter().filter_map(Document::as_str).for_each(|text| out.bytes(2, text.as_bytes()));
                }
                Some(_) => value.into_iter().for_each(|one| inner(out, 1, one, schema)),
                None => {}
            },
        }
    }

    /// Reads the message's content.
    pub(super) fn read(
        self,
        decoder: &Decoder<'_>,
        bytes: &[u8],
        schema: &Schema,
        depth: usize,
    ) -> Result<Document, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut out = Document::NULL;
        match self {
            Self::Time | Self::MicroTime => {
                let (mut seconds, mut nanos) = (0, 0);
                while let Some((number, value)) = reader.next()? {
                    match number {
                        1 => seconds = value.integer()?,
                        2 => nanos = value.integer()?,
                        _ => {}
                    }
                }
                let nanos = i32::try_from(nanos).map_err(|_| DecodeError::Overflow)?;
                let time = Timestamp::new(seconds, nanos).map_err(|_| DecodeError::Overflow)?;
                // an empty message is Go's zero time, which JSON writes as null
                if !bytes.is_empty() {
                    out = if self == Self::Time { format_time(time) } else { format_micro_time(time) }.into();
                }
            }
            Self::Quantity => {
                out = "0".into();
                while let Some((number, value)) = reader.next()? {
                    if number == 1 {
                        out = value.text()?.into();
                    }
                }
            }
            Self::IntOrString => {
                let (mut is_text, mut integer, mut text) = (false, 0, "");
                while let Some((number, value)) = reader.next()? {
                    match number {
                        1 => is_text = value.integer()? == 1,
                        2 => integer = value.integer()?,
                        3 => text = value.text()?,
                        _ => {}
                    }
                }
                out = if is_text { text.into() } else { integer.into() };
            }
            Self::Raw => {
                while let Some((number, value)) = reader.next()? {
                    if number == 1 {
                        out = raw(decoder, value.bytes()?)?;
                    }
                }
            }
            Self::SchemaOrList | Self::SchemaOrBool | Self::SchemaOrTexts => {
                let element = schema.element();
                let part = |bytes: &[u8]| {
                    element.map_or(Ok(Document::NULL), |s| decoder.object(bytes, s, depth + 1))
                };
                while let Some((number, value)) = reader.next()? {
                    match (self, number) {
                        (Self::SchemaOrList | Self::SchemaOrTexts, 1) | (Self::SchemaOrBool, 2) => {
                            out = part(value.bytes()?)?;
                        }
                        (Self::SchemaOrList, 2) => out.push(part(value.bytes()?)?),
                        (Self::SchemaOrTexts, 2) => out.push(value.text()?),
                        (Self::SchemaOrBool, 1) => out = (value.integer()? != 0).into(),
                        _ => {}
                    }
                }
            }
        }
        Ok(out)
    }
}

fn inner(out: &mut Writer, number: u32, value: &Document, schema: &Schema) {
    if let Some(element) = schema.element() {
        out.message(number, |out| encode::object(out, Some(value), element));
    }
}

/// Raw bytes are JSON, or an object with an envelope of its own.
fn raw(decoder: &Decoder<'_>, bytes: &[u8]) -> Result<Document, DecodeError> {
    if bytes.is_empty() {
        Ok(Document::NULL)
    } else if bytes.starts_with(&MAGIC) {
        super::decode(bytes, None, decoder.lookup)
    } else {
        json::decode(bytes).map_err(|e| DecodeError::Json(e.to_string()))
    }
}

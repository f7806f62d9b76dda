//! Messages to documents.

use super::wire::{DecodeError, Reader, Value};
use super::{Lookup, special};
use crate::json::MAX_DEPTH;
use crate::schema::{Field, ProtoKind, Schema, Type};
use crate::{Document, Map};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Decodes messages; the lookup serves objects inside raw extensions.
pub(super) struct Decoder<'a> {
    pub(super) lookup: Lookup<'a>,
}

impl Decoder<'_> {
    /// One message of a schema.
    pub(super) fn object(
        &self,
        bytes: &[u8],
        schema: &Schema,
        depth: usize,
    ) -> Result<Document, DecodeError> {
        if depth > MAX_DEPTH {
            return Err(DecodeError::Depth);
        }
        if let Some(special) = special::of(schema) {
            return special.read(self, bytes, schema, depth);
        }
        let mut out = Map::new();
        self.level(bytes, schema, &mut Vec::new(), &mut out, depth)?;
        for field in schema.fields.iter().filter(|field| field.always && field.proto_number != 0) {
            if !out.contains_key(&field.name) {
                out.insert(field.name.as_ref(), empty(field));
            }
        }
        Ok(out.into())
    }

    /// Fields of a message, and of the structs inlined into it, whose numbers so far are `outer`.
    fn level(
        &self,
        bytes: &[u8],
        schema: &Schema,
        outer: &mut Vec<u32>,
        out: &mut Map,
        depth: usize,
    ) -> Result<(), DecodeError> {
        let mut reader = Reader::new(bytes);
        while let Some((number, value)) = reader.next()? {
            let here = |field: &&Field| field.proto_outer == *outer && field.proto_number == number;
            if let Some(field) = schema.fields.iter().find(here) {
                self.field(value, field, out, depth)?;
                continue;
            }
            outer.push(number);
            let inlined = schema.fields.iter().any(|field| field.proto_outer.starts_with(outer));
            if inlined {
                self.level(value.bytes()?, schema, outer, out, depth)?;
            }
            outer.pop();
        }
        Ok(())
    }

    fn field(&self, value: Value<'_>, field: &Field, out: &mut Map, depth: usize) -> Result<(), DecodeError> {
        let schema = field.schema.get();
        match schema.ty {
            Type::Array => {
                let list = out.entry(&field.name).make_array();
                let element = schema.element();
                if field.proto_kind == ProtoKind::Varint
                    && let Value::Bytes(bytes) = value
                {
                    let mut packed = Reader::new(bytes);
                    while let Some(value) = packed.packed()? {
                        list.push(value.integer()?.into());
                    }
                } else {
                    list.push(self.value(value, field.proto_kind, element, depth)?);
                }
            }
            Type::Object if schema.is_free_map() => {
                let (key, value) = self.entry(value.bytes()?, field.proto_kind, schema.element(), depth)?;
                out.entry(&field.name).make_object().insert(key, value);
            }
            _ => {
                let decoded = self.value(value, field.proto_kind, Some(schema), depth)?;
                // Go writes zero values of plain fields; JSON leaves them out unless it always writes the field
                if field.pointer || field.always || !is_zero(&decoded, field) {
                    out.insert(field.name.as_ref(), decoded);
                }
            }
        }
        Ok(())
    }

    fn entry(
        &self,
        bytes: &[u8],
        kind: ProtoKind,
        values: Option<&Schema>,
        depth: usize,
    ) -> Result<(Box<str>, Document), DecodeError> {
        let mut key: Box<str> = "".into();
        let mut value = None;
        let mut reader = Reader::new(bytes);
        while let Some((number, part)) = reader.next()? {
            match number {
                1 => key = part.text()?.into(),
                2 if values.is_some_and(|values| values.ty == Type::Array) => {
                    let mut list = Document::array();
                    let mut wrapped = Reader::new(part.bytes()?);
                    while let Some((number, part)) = wrapped.next()? {
                        if number == 1 {
                            list.push(self.value(part, kind, values.and_then(Schema::element), depth)?);
                        }
                    }
                    value = Some(list);
                }
                2 => value = Some(self.value(part, kind, values, depth)?),
                _ => {}
            }
        }
        Ok((key, value.unwrap_or_else(|| zero(kind))))
    }

    fn value(
        &self,
        value: Value<'_>,
        kind: ProtoKind,
        schema: Option<&Schema>,
        depth: usize,
    ) -> Result<Document, DecodeError> {
        Ok(match kind {
            ProtoKind::String => value.text()?.into(),
            ProtoKind::Bytes => STANDARD.encode(value.bytes()?).into(),
            ProtoKind::Bool => (value.integer()? != 0).into(),
            ProtoKind::Varint => value.integer()?.into(),
            ProtoKind::Double | ProtoKind::Float => value.float()?.into(),
            ProtoKind::Message => match schema {
                Some(schema) => self.object(value.bytes()?, schema, depth + 1)?,
                None => Document::NULL,
            },
        })
    }
}

/// Zero of a scalar; structs without fields are written where Go always writes them.
fn is_zero(value: &Document, field: &Field) -> bool {
    value.is_null() || (field.proto_kind != ProtoKind::Message && value.is_empty())
}

fn zero(kind: ProtoKind) -> Document {
    match kind {
        ProtoKind::String | ProtoKind::Bytes => "".into(),
        ProtoKind::Bool => false.into(),
        ProtoKind::Varint => 0.into(),
        ProtoKind::Double | ProtoKind::Float => 0.0.into(),
        ProtoKind::Message => Document::object(),
    }
}

/// What JSON shows for a field that it always shows and the message lacks: nothing at all for lists and maps.
fn empty(field: &Field) -> Document {
    let schema = field.schema.get();
    if field.pointer || schema.ty == Type::Array || schema.is_free_map() || special::of(schema).is_some() {
        Document::NULL
    } else {
        zero(field.proto_kind)
    }
}

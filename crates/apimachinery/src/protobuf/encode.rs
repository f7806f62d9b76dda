//! Documents to messages.

use super::special;
use super::wire::Writer;
use crate::schema::{Field, ProtoKind, Schema, Type};
use crate::{Document, Map};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Writes an object's fields in the order of their numbers. Without a value, what Go writes for a zero struct.
pub(super) fn object(out: &mut Writer, value: Option<&Document>, schema: &Schema) {
    if let Some(special) = special::of(schema) {
        return special.write(out, value, schema);
    }
    let fields: Vec<&Field> = schema.fields.iter().filter(|field| field.proto_number != 0).collect();
    level(out, value, &fields, 0);
}

/// Fields of a message and of the structs inlined into it; `depth` counts those that are open.
fn level(out: &mut Writer, value: Option<&Document>, fields: &[&Field], depth: usize) {
    let number = |field: &&Field| field.proto_outer.get(depth).copied().unwrap_or(field.proto_number);
    let mut numbers: Vec<u32> = fields.iter().map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    for wanted in numbers {
        let mut here = fields.iter().copied().filter(|field| number(field) == wanted);
        let Some(first) = here.next() else { continue };
        if first.proto_outer.len() > depth {
            let inlined: Vec<&Field> = [first].into_iter().chain(here).collect();
            out.message(wanted, |out| level(out, value, &inlined, depth + 1));
        } else {
            field(out, value.and_then(|value| value.get(&first.name)), first);
        }
    }
}

fn field(out: &mut Writer, value: Option<&Document>, field: &Field) {
    let schema = field.schema.get();
    let value = value.filter(|value| !value.is_null());
    match schema.ty {
        Type::Array => {
            let Some(list) = value.and_then(Document::as_array) else { return };
            let element = schema.element();
            list.iter().for_each(|one| {
                scalar_or_message(out, field.proto_number, Some(one), field.proto_kind, element)
            });
        }
        Type::Object if schema.is_free_map() => {
            let Some(map) = value.and_then(Document::as_object) else { return };
            entries(out, map, field, schema);
        }
        _ => {
            let absent = value.is_none();
            if absent && (field.pointer || field.proto_kind == ProtoKind::Bytes) {
                return;
            }
            scalar_or_message(out, field.proto_number, value, field.proto_kind, Some(schema));
        }
    }
}

/// A map is a list of messages with key and value, which Go writes sorted.
fn entries(out: &mut Writer, map: &Map, field: &Field, schema: &Schema) {
    let values = schema.element();
    let mut sorted: Vec<(&str, &Document)> = map.iter().collect();
    sorted.sort_unstable_by_key(|(key, _)| *key);
    for (key, value) in sorted {
        out.message(field.proto_number, |out| {
            out.bytes(1, key.as_bytes());
            match value.as_array() {
                // a list cannot be a map's value in protobuf: Go has a message around it
                Some(list) => out.message(2, |out| {
                    let element = values.and_then(Schema::element);
                    list.iter()
                        .for_each(|one| scalar_or_message(out, 1, Some(one), field.proto_kind, element));
                }),
                None => scalar_or_message(out, 2, Some(value), field.proto_kind, values),
            }
        });
    }
}

fn scalar_or_message(
    out: &mut Writer,
    number: u32,
    value: Option<&Document>,
    kind: ProtoKind,
    schema: Option<&Schema>,
) {
    let text = || value.and_then(Document::as_str).unwrap_or("");
    match kind {
        ProtoKind::String => out.bytes(number, text().as_bytes()),
        // what is no base64 was refused when the object was decoded
        ProtoKind::Bytes => out.bytes(number, &STANDARD.decode(text()).unwrap_or_default()),
        ProtoKind::Bool => out.integer(number, i64::from(value.and_then(Document::as_bool).unwrap_or(false))),
        ProtoKind::Varint => out.integer(number, value.map_or(0, integer)),
        ProtoKind::Double => out.double(number, value.and_then(Document::as_f64).unwrap_or(0.0)),
        ProtoKind::Float => out.float(number, value.and_then(Document::as_f64).unwrap_or(0.0)),
        ProtoKind::Message => {
            if let Some(schema) = schema {
                out.message(number, |out| object(out, value, schema));
            }
        }
    }
}

/// Integers may have come as `1.0`.
fn integer(value: &Document) -> i64 {
    value.as_i64().or_else(|| value.as_f64().map(|float| float as i64)).unwrap_or(0)
}

//! Kubernetes' protobuf: any object of a schema with field numbers to bytes and back.
//!
//! On the wire an object is `k8s\0`, then a `runtime.Unknown` with apiVersion and kind beside the object's own message.
//! One generic codec serves all kinds: field numbers, wire kinds and inlined structs come from the [`Schema`], and a few
//! types have forms of their own (times, quantities, raw extensions; `special`). What Go always writes is written too,
//! so that bytes equal upstream's.

mod decode;
mod encode;
mod special;
mod wire;

pub use wire::DecodeError;

use crate::schema::{Schema, SchemaRef};
use crate::{Document, GroupVersionKind};
use wire::{Reader, Writer};

/// The first bytes of every object.
pub const MAGIC: [u8; 4] = *b"k8s\0";

/// Finds the schema of a kind.
pub type Lookup<'a> = &'a dyn Fn(&GroupVersionKind) -> Option<SchemaRef>;

/// What an envelope says of the message inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// `apiVersion` of the object.
    pub api_version: &'a str,
    /// `kind` of the object.
    pub kind: &'a str,
    /// The object's own message.
    pub message: &'a [u8],
    /// Media type of the message where it is not protobuf.
    pub content_type: &'a str,
}

/// Whether bytes claim to be an object in protobuf.
pub fn is_protobuf(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Opens an envelope without decoding the object inside.
///
/// # Errors
/// If the bytes are no envelope.
pub fn open(bytes: &[u8]) -> Result<Envelope<'_>, DecodeError> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(DecodeError::NotKubernetes)?;
    let mut out = Envelope { api_version: "", kind: "", message: &[], content_type: "" };
    let mut reader = Reader::new(rest);
    while let Some((number, value)) = reader.next()? {
        match number {
            1 => {
                let mut types = Reader::new(value.bytes()?);
                while let Some((number, value)) = types.next()? {
                    match number {
                        1 => out.api_version = value.text()?,
                        2 => out.kind = value.text()?,
                        _ => {}
                    }
                }
            }
            2 => out.message = value.bytes()?,
            4 => out.content_type = value.text()?,
            _ => {}
        }
    }
    Ok(out)
}

/// Puts an object's message into an envelope.
pub fn seal(api_version: &str, kind: &str, message: &[u8]) -> Vec<u8> {
    let mut types = Writer::default();
    types.bytes(1, api_version.as_bytes());
    types.bytes(2, kind.as_bytes());
    let mut out = Writer::from(MAGIC.to_vec());
    out.bytes(1, types.as_slice());
    out.bytes(2, message);
    out.bytes(3, b"");
    out.bytes(4, b"");
    out.into_bytes()
}

/// Decodes an object with its envelope. `fallback` names the kind where the envelope does not, as bodies of requests may.
///
/// # Errors
/// If the bytes are no object of a kind that the lookup knows.
pub fn decode(
    bytes: &[u8],
    fallback: Option<&GroupVersionKind>,
    lookup: Lookup<'_>,
) -> Result<Document, DecodeError> {
    let envelope = open(bytes)?;
    let kind = GroupVersionKind::parse(envelope.api_version, envelope.kind).or_else(|| fallback.cloned());
    let kind = kind.filter(|kind| !kind.kind.is_empty()).ok_or(DecodeError::NoKind)?;
    if envelope.content_type == "application/json" {
        return crate::json::decode(envelope.message).map_err(|e| DecodeError::Json(e.to_string()));
    }
    let schema = lookup(&kind).ok_or_else(|| DecodeError::UnknownKind(kind.to_string()))?;
    let mut object = decode_message(envelope.message, schema.get(), lookup)?;
    object.set_gvk(&kind);
    Ok(object)
}

/// Decodes an object's message without an envelope; apiVersion and kind are not in it.
///
/// # Errors
/// If the bytes are no message of this schema.
pub fn decode_message(bytes: &[u8], schema: &Schema, lookup: Lookup<'_>) -> Result<Document, DecodeError> {
    decode::Decoder { lookup }.object(bytes, schema, 0)
}

/// Encodes an object with its envelope.
pub fn encode(object: &Document, schema: &Schema) -> Vec<u8> {
    let message = encode_message(object, schema);
    seal(object.str_at(&["apiVersion"]), object.str_at(&["kind"]), &message)
}

/// Encodes an object's message without an envelope, as lists hold their elements.
pub fn encode_message(object: &Document, schema: &Schema) -> Vec<u8> {
    let mut out = Writer::default();
    encode::object(&mut out, Some(object), schema);
    out.into_bytes()
}

/// Encodes a list whose elements are encoded already (as [`encode_message`] does), with its envelope.
pub fn encode_list<'a>(
    api_version: &str,
    kind: &str,
    metadata: &Document,
    metadata_schema: &Schema,
    items: impl Iterator<Item = &'a [u8]>,
) -> Vec<u8> {
    let mut message = Writer::default();
    message.bytes(1, &encode_message(metadata, metadata_schema));
    items.for_each(|item| message.bytes(2, item));
    seal(api_version, kind, message.as_slice())
}

/// One frame's content of a watch: a `WatchEvent` without an envelope, around an object with one.
pub fn encode_watch_event(ty: &str, object: &[u8]) -> Vec<u8> {
    let mut raw = Writer::default();
    raw.bytes(1, object);
    let mut out = Writer::default();
    out.bytes(1, ty.as_bytes());
    out.bytes(2, raw.as_slice());
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;
    use crate::schema::{Field, ProtoKind, Type};
    use proptest::prelude::*;

    fn field(name: &'static str, schema: Schema, number: u32, kind: ProtoKind) -> Field {
        let mut field = Field::new(name, schema);
        (field.proto_number, field.proto_kind) = (number, kind);
        field
    }

    fn of(ty: Type) -> Schema {
        Schema { ty, ..Schema::default() }
    }

    /// `{count: int, inner: {deep: text}, labels: {text: text}, list: [int], name: text, size: quantity}`, `deep` inlined.
    fn schema() -> Schema {
        let list = Schema { items: Some(of(Type::Integer).into()), ..of(Type::Array) };
        let labels = Schema { items: Some(of(Type::String).into()), ..of(Type::Object) };
        let quantity = Schema {
            name: Some("io.k8s.apimachinery.pkg.api.resource.Quantity".into()),
            ..Schema::default()
        };
        let mut count = field("count", of(Type::Integer), 2, ProtoKind::Varint);
        count.pointer = true;
        let mut deep = field("deep", of(Type::String), 1, ProtoKind::String);
        deep.proto_outer = vec![5];
        let mut size = field("size", quantity, 6, ProtoKind::Message);
        size.pointer = true;
        Schema {
            fields: vec![
                count,
                deep,
                field("labels", labels, 3, ProtoKind::String),
                field("list", list, 4, ProtoKind::Varint),
                field("name", of(Type::String), 1, ProtoKind::String),
                size,
            ],
            ..of(Type::Object)
        }
    }

    fn lookup(kind: &GroupVersionKind) -> Option<SchemaRef> {
        (kind.kind == "Thing").then(|| schema().into())
    }

    #[test]
    fn objects_survive_the_wire() {
        let object = doc!({
            "apiVersion": "v1", "kind": "Thing", "name": "a", "count": 0, "labels": {"b": "2", "a": ""},
            "list": [1, -1], "deep": "x", "size": "10Gi"
        });
        let bytes = encode(&object, &schema());
        assert_eq!(decode(&bytes, None, &lookup).unwrap(), object);
        let envelope = open(&bytes).unwrap();
        assert_eq!((envelope.api_version, envelope.kind), ("v1", "Thing"));
    }

    #[test]
    fn what_go_always_writes_is_no_value_but_a_pointer_is() {
        let empty = doc!({"apiVersion": "v1", "kind": "Thing"});
        let bytes = encode(&empty, &schema());
        // name and the inlined struct with its text are written, empty
        assert_eq!(open(&bytes).unwrap().message, [0x0a, 0, 0x2a, 2, 0x0a, 0]);
        assert_eq!(decode(&bytes, None, &lookup).unwrap(), empty);
    }

    #[test]
    fn unknown_kinds_and_foreign_bytes_are_refused() {
        let bytes = seal("v1", "Other", b"");
        assert_eq!(decode(&bytes, None, &lookup), Err(DecodeError::UnknownKind("/v1, Kind=Other".into())));
        assert_eq!(decode(b"{}", None, &lookup), Err(DecodeError::NotKubernetes));
        assert_eq!(decode(&bytes[..9], None, &lookup), Err(DecodeError::Truncated));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(message in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&seal("v1", "Thing", &message), None, &lookup);
            let _ = decode(&[&MAGIC[..], &message].concat(), None, &lookup);
        }
    }
}

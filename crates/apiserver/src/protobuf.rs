//! The second encoding: `application/vnd.kubernetes.protobuf`, and the same envelope around values that upstream stored.

use skiff_api::schemas;
use skiff_apimachinery::protobuf;
use skiff_apimachinery::schema::{Field, ProtoKind, Schema, SchemaRef, Type};
use skiff_apimachinery::{Document, GroupVersionKind};
use std::sync::OnceLock;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";
const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";
const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";

/// Reads an envelope whose kind says what it holds, or a body whose kind is expected.
pub fn decode(bytes: &[u8], expected: Option<&GroupVersionKind>) -> Result<Document, String> {
    protobuf::decode(bytes, expected, &schema_of).map_err(|error| error.to_string())
}

/// Encodes an object with its envelope; one whose kind has no field numbers travels as JSON within.
pub fn encode(object: &Document) -> Vec<u8> {
    if let Some(items) = object.get("items").and_then(Document::as_array) {
        return encode_list(object, items);
    }
    match object.gvk().and_then(|gvk| schema_of(&gvk)) {
        Some(schema) => protobuf::encode(object, schema.get()),
        None => protobuf::seal(
            object.str_at(&["apiVersion"]),
            object.str_at(&["kind"]),
            &skiff_apimachinery::json::encode(object),
        ),
    }
}

/// One event of a watch, with its length in front.
pub fn watch_frame(kind: &str, object: &Document) -> Vec<u8> {
    let event = protobuf::encode_watch_event(kind, &encode(object));
    let mut frame = Vec::with_capacity(event.len() + 4);
    // An object is at most a few MiB.
    frame.extend_from_slice(&(event.len() as u32).to_be_bytes());
    frame.extend_from_slice(&event);
    frame
}

fn encode_list(list: &Document, items: &[Document]) -> Vec<u8> {
    let (version, kind) = (list.str_at(&["apiVersion"]), list.str_at(&["kind"]));
    let item_kind = GroupVersionKind::parse(version, kind.strip_suffix("List").unwrap_or(kind));
    let schema = item_kind.and_then(|gvk| schema_of(&gvk));
    let encoded: Vec<Vec<u8>> = match &schema {
        Some(schema) => items.iter().map(|item| protobuf::encode_message(item, schema.get())).collect(),
        None => items.iter().map(skiff_apimachinery::json::encode).collect(),
    };
    let metadata = list.get("metadata").cloned().unwrap_or_else(Document::object);
    let metadata_schema = schemas::lookup(LIST_META).unwrap_or_else(|| Schema::default().into());
    let metadata_schema = metadata_schema.get();
    protobuf::encode_list(version, kind, &metadata, metadata_schema, encoded.iter().map(Vec::as_slice))
}

fn schema_of(gvk: &GroupVersionKind) -> Option<SchemaRef> {
    match (&*gvk.group, &*gvk.kind) {
        (_, "Status") => schemas::lookup(STATUS),
        (_, "DeleteOptions") => schemas::lookup(DELETE_OPTIONS),
        ("meta.k8s.io", "PartialObjectMetadata") => Some(metadata_only().clone()),
        _ => schemas::lookup_kind(gvk),
    }
}

/// `PartialObjectMetadata` has one field, which the reference document does not describe.
fn metadata_only() -> &'static SchemaRef {
    static SCHEMA: OnceLock<SchemaRef> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let fields = schemas::lookup(OBJECT_META)
            .map(|metadata| {
                let mut field = Field::new("metadata", metadata);
                (field.proto_number, field.proto_kind) = (1, ProtoKind::Message);
                field
            })
            .into_iter()
            .collect();
        Schema { ty: Type::Object, fields, ..Schema::default() }.into()
    })
}

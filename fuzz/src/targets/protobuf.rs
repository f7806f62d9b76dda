//! Kubernetes' protobuf of all built-in kinds.

use crate::{Target, Verdict, law, sample};
use skiff_api::schemas;
use skiff_apimachinery::{GroupVersionKind, json, protobuf};

/// See [`Target`].
pub const TARGET: Target = Target {
    name: "protobuf",
    seeds: &[
        b"k8s\0\n\x09\n\x02v1\x12\x03Pod\x12\x00\x1a\x00\x22\x00",
        b"k8s\0\n\x0f\n\x02v1\x12\x09ConfigMap\x12\x02{}\x22\x10application/json",
    ],
    made,
    run,
};

fn made() -> Vec<Vec<u8>> {
    let encoded = |text: &&[u8]| {
        let object = json::decode(text).ok()?;
        let schema = schemas::lookup_kind(&sample::kind_of(&object)?)?;
        Some(protobuf::encode(&object, schema.get()))
    };
    sample::OBJECTS.iter().filter_map(encoded).collect()
}

fn run(input: &[u8]) -> Verdict {
    let fallback = GroupVersionKind::new("", "v1", "Pod");
    let Ok(object) = protobuf::decode(input, Some(&fallback), &schemas::lookup_kind) else { return Ok(()) };
    // An object that came as JSON in an envelope was not made to fit its schema here.
    let as_json = protobuf::open(input).is_ok_and(|envelope| !envelope.content_type.is_empty());
    let schema = sample::kind_of(&object).and_then(|kind| schemas::lookup_kind(&kind));
    let Some(schema) = schema.filter(|_| !as_json) else { return Ok(()) };
    let bytes = protobuf::encode(&object, schema.get());
    let again = protobuf::decode(&bytes, None, &schemas::lookup_kind);
    let again = law::succeeds("what was encoded decodes", again)?;
    law::same("encode(decode(encode(x))) is encode(x)", &protobuf::encode(&again, schema.get()), &bytes)
}

//! `FieldsV1`, which clients may hand in.

use crate::{Target, Verdict, law, target};
use skiff_apimachinery::{FieldSet, json};

/// See [`Target`].
pub const TARGET: Target = Target { name: "field_set", seeds: &[
    br#"{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"web\",\"port\":1.5}":{".":{},"f:image":{}}},"f:finalizers":{"v:\"a\"":{},"v:1":{},"i:0":{}}}}"#,
    br#"{"f:a":{"f:b":{"f:c":{"f:d":{"f:":{}}}}},".":{},"k:{}":{"v:null":{},"v:{\"x\":[]}":{}}}"#,
], made: target::none, run };

fn run(input: &[u8]) -> Verdict {
    let Ok(fields) = json::decode(input) else { return Ok(()) };
    let Ok(set) = FieldSet::from_fields(&fields) else { return Ok(()) };
    let written = set.to_fields();
    let again = law::succeeds("what was written reads", FieldSet::from_fields(&written))?;
    law::same("writing what was read is writing", &again.to_fields(), &written)?;
    law::holds("a set without itself is empty", set.difference(&set).is_empty())?;
    law::same("a set with itself is itself", &set.union(&set).len(), &set.len())
}

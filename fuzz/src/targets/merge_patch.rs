//! RFC 7386. An input is an object and a patch, a line each.

use crate::{Target, Verdict, law, sample, target};
use skiff_apimachinery::patch;

/// See [`Target`].
pub const TARGET: Target = Target { name: "merge_patch", seeds: &[
    br#"{"metadata":{"labels":{"app":null,"b":"c"}},"spec":{"containers":[{"name":"d"}],"nodeName":null}}"#,
    b"{\"a\":{\"b\":\"c\"}}\n{\"a\":{\"b\":{\"c\":null,\"d\":[null]}},\"e\":null}",
    b"[1]\n{\"a\":{}}",
], made: target::none, run };

fn run(input: &[u8]) -> Verdict {
    let Some((mut object, patch)) = sample::two_documents(input) else { return Ok(()) };
    patch::apply_merge_patch(&mut object, &patch);
    let mut again = object.clone();
    patch::apply_merge_patch(&mut again, &patch);
    law::same("merging twice is merging once", &again, &object)
}

//! RFC 6902. An input is an object and a patch, a line each.

use crate::{Target, Verdict, law, sample, target};
use skiff_apimachinery::{json, patch};

/// Most bytes that copying may add, as the decoder has it.
const MAX_COPIED: usize = 3 << 20;

/// See [`Target`].
pub const TARGET: Target = Target { name: "json_patch", seeds: &[
    br#"[{"op":"add","path":"/metadata/labels/a~1b","value":"x"},{"op":"test","path":"/spec/nodeName","value":"n"},{"op":"replace","path":"/spec/containers/0/image","value":"y"},{"op":"remove","path":"/spec/volumes/0"}]"#,
    br#"[{"op":"copy","from":"/spec","path":"/spec/a"},{"op":"copy","from":"/spec","path":"/spec/b"},{"op":"copy","from":"","path":"/c"}]"#,
    br#"[{"op":"add","path":"/x","value":{}},{"op":"move","from":"/spec","path":"/x/spec"},{"op":"add","path":"/y","value":[1,2]},{"op":"move","from":"/x","path":"/y/-"},{"op":"add","path":"/y/1","value":null}]"#,
    b"{\"a\":[1,2,{\"b\":null}]}\n[{\"op\":\"move\",\"from\":\"/a/2/b\",\"path\":\"/a/0\"},{\"op\":\"replace\",\"path\":\"\",\"value\":[]}]",
], made: target::none, run };

fn run(input: &[u8]) -> Verdict {
    let Some((mut object, patch)) = sample::two_documents(input) else { return Ok(()) };
    let before = json::encode(&object).len();
    if patch::apply_json_patch(&mut object, &patch).is_err() {
        return Ok(());
    }
    let most = before + json::encode(&patch).len() + MAX_COPIED;
    law::holds("an object grows by the patch and what may be copied", json::encode(&object).len() <= most)
}

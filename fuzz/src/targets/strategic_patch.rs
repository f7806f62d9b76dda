//! Strategic merge patch of a pod. An input is an object and a patch, a line each.

use crate::{Target, Verdict, law, sample, target};
use skiff_api::schemas;
use skiff_apimachinery::{GroupVersionKind, json, patch};

/// See [`Target`].
pub const TARGET: Target = Target { name: "strategic_patch", seeds: &[
    br#"{"spec":{"containers":[{"name":"c","image":"y","env":[{"name":"A","$patch":"delete"}]},{"name":"d"}],"$setElementOrder/containers":[{"name":"d"},{"name":"c"}]}}"#,
    br#"{"metadata":{"labels":{"$patch":"replace","a":"b"},"finalizers":["x"],"$deleteFromPrimitiveList/finalizers":["y"],"$setElementOrder/finalizers":["x"]}}"#,
    br#"{"spec":{"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/"},"emptyDir":null}],"tolerations":[{"$patch":"replace"},{"key":"k"}]}}"#,
    b"{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"a\"},1]}}\n{\"spec\":{\"containers\":[{\"name\":\"a\",\"$patch\":\"merge\"}]}}",
], made: target::none, run };

fn run(input: &[u8]) -> Verdict {
    let Some((mut object, patch)) = sample::two_documents(input) else { return Ok(()) };
    let Some(schema) = schemas::lookup_kind(&GroupVersionKind::new("", "v1", "Pod")) else { return Ok(()) };
    let most = json::encode(&object).len() + json::encode(&patch).len();
    if patch::apply_strategic_merge_patch(&mut object, &patch, schema.get()).is_err() {
        return Ok(());
    }
    law::holds("an object grows by the patch at most", json::encode(&object).len() <= most)
}

//! Server-side apply to a pod. An input is the live object and what is applied, a line each.

use crate::{Target, Verdict, law, sample};
use jiff::Timestamp;
use skiff_api::schemas;
use skiff_apimachinery::managed::{self, OneVersion, Write};
use skiff_apimachinery::{Document, FieldSet, GroupVersionKind, decode};

/// See [`Target`].
pub const TARGET: Target = Target { name: "apply", seeds: &[
    br#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","labels":{"app":"api"}},"spec":{"containers":[{"name":"c","image":"y","ports":[{"containerPort":80,"protocol":"TCP"}]},{"name":"d","image":"z"}]}}"#,
    br#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"tolerations":[{"key":"b"}],"volumes":[{"name":"v"},{"name":"w","emptyDir":{}}]}}"#,
    b"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"spec\":{\"nodeName\":\"n\"}}\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"nodeName\":\"m\"}}",
], made, run };

fn made() -> Vec<Vec<u8>> {
    sample::after_pod(TARGET.seeds.get(..2).unwrap_or_default())
}

fn run(input: &[u8]) -> Verdict {
    let Some((live, mut applied)) = sample::two_documents(input) else { return Ok(()) };
    let Some(schema) = schemas::lookup_kind(&GroupVersionKind::new("", "v1", "Pod")) else { return Ok(()) };
    // As the server does before: only what fits its kind comes this far.
    if decode::conform(&mut applied, schema.get()).is_err() {
        return Ok(());
    }
    let reset = FieldSet::of_names(&[&["status"]]);
    let apply = |live: &Document, force: bool| {
        let write = Write {
            manager: "fuzz",
            api_version: "v1",
            schema: Some(schema.get()),
            subresource: "",
            reset: &reset,
            versions: &OneVersion,
            now: Timestamp::UNIX_EPOCH,
        };
        managed::apply(Some(live), &applied, &write, force)
    };
    // What is stored was valid once: lists that are maps have their keys.
    let mut stored = live.clone();
    stored.remove(&["metadata", "managedFields"]);
    if !managed::fits(&stored, schema.get()) {
        return Ok(());
    }
    // Anything may be said of managers; then nothing holds but that it is survived.
    let _ = apply(&live, true);
    let live = stored;
    // Conflicts are answers too.
    let _ = apply(&live, false);
    let Ok(once) = apply(&live, true) else { return Ok(()) };
    let Ok(twice) = apply(&once, true) else {
        return law::holds("what was applied by force can be applied again", false);
    };
    law::same("applying twice is applying once", &twice, &once)
}

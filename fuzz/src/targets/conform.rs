//! Bodies made to fit the schema of a built-in kind.

use crate::{Target, Verdict, law, sample, target};
use skiff_api::schemas;
use skiff_apimachinery::{decode, json};

/// See [`Target`].
pub const TARGET: Target = Target { name: "conform", seeds: &[
    sample::POD,
    sample::DEPLOYMENT,
    sample::SERVICE,
    sample::SECRET,
    sample::DEFINITION,
    br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","creationTimestamp":null},"data":{"x":"1"},"binaryData":{"y":"AA=="},"dta":{}}"#,
    br#"{"apiVersion":"v1","kind":"Event","metadata":{"name":"a"},"eventTime":"2026-01-02T03:04:05.000006Z","count":1.0,"involvedObject":{}}"#,
], made: target::none, run };

fn run(input: &[u8]) -> Verdict {
    let Ok(mut body) = json::decode(input) else { return Ok(()) };
    let schema = sample::kind_of(&body).and_then(|kind| schemas::lookup_kind(&kind));
    let Some(schema) = schema else { return Ok(()) };
    if decode::conform(&mut body, schema.get()).is_err() {
        return Ok(());
    }
    decode::complete(&mut body, schema.get());
    let mut again = body.clone();
    let unknown = law::succeeds("what fits is taken again", decode::conform(&mut again, schema.get()))?;
    law::same("what fits has no unknown fields", &unknown, &Vec::new())?;
    decode::complete(&mut again, schema.get());
    law::same("fitting twice is fitting once", &again, &body)
}

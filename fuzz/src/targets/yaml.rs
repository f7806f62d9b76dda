//! YAML to documents and back.

use crate::{Target, Verdict, law, sample, target};
use skiff_apimachinery::{json, yaml};

/// See [`Target`].
pub const TARGET: Target = Target { name: "yaml", seeds: &[
    sample::POD,
    b"apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {1: x, yes: b}}\nspec:\n  containers:\n  - name: c\n    args: [\"1\", 2, 'on', 0x1F, 010, 1_000, 1.5, 1e3, ~]\n    command:\n    - |\n      two\n      lines\n    - >-\n      folded\n      text\n",
    b"base: &b {x: 1, z: 2}\none:\n  <<: *b\n  z: 3\ntwo: *b\nthree: [*b, *b, *b]\n",
    b"---\na: 1\n---\n# nothing\n---\n? [complex, key]\n: !!binary aGVsbG8=\n...\n",
    b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
    b"t: 2026-01-02T03:04:05Z\ns: 12:30:45\nf: [1.e-7, 1e+21, -0.5]\nstr: !!str 1\nint: !!int '2'\n",
], made: target::none, run };

fn run(input: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(input);
    // Several documents may be refused where the first one is good.
    let _ = yaml::decode_all(&text);
    let Ok((document, _)) = yaml::decode_reporting(&text) else { return Ok(()) };
    let again = law::succeeds("what was written reads", yaml::decode(&yaml::encode(&document)))?;
    let sorted = |document| String::from_utf8_lossy(&json::encode(&sample::sorted(document))).into_owned();
    law::same("decode(encode(x)) is x", &sorted(again), &sorted(document))
}

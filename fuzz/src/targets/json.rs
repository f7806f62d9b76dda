//! JSON to documents and back.

use crate::{Target, Verdict, law, sample, target};
use skiff_apimachinery::json;

/// See [`Target`].
pub const TARGET: Target = Target { name: "json", seeds: &[
    sample::POD,
    sample::DEPLOYMENT,
    br#"[1, 1.0, -0.0, 1e3, -7, 9223372036854775807, 18446744073709551615, 1e21, 1e-7, 1.7976931348623157e308]"#,
    br#"{"a":{"b":[{"c":"\u003c\ud83d\ude00\u2028 \\ \" \u0001"}],"b":null},"":true,"a":false}"#,
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
], made: target::none, run };

fn run(input: &[u8]) -> Verdict {
    let Ok((document, _)) = json::decode_reporting(input) else { return Ok(()) };
    let text = json::encode(&document);
    let again = law::succeeds("what was encoded decodes", json::decode(&text))?;
    // Texts, not documents: 1.0 is written 1, as Go writes it.
    law::same("encode(decode(encode(x))) is encode(x)", &json::encode(&again), &text)?;
    let pretty = json::encode_pretty(&document);
    let again = law::succeeds("what was indented decodes", json::decode(&pretty))?;
    law::same("the indented document is the same", &json::encode(&again), &text)
}

//! The tokens that lead to the next page of a list.

use crate::{Target, Verdict, law};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use skiff_apiserver::cache::ContinueToken;

/// See [`Target`].
pub const TARGET: Target = Target {
    name: "continue_token",
    seeds: &[
        br#"{"v":"meta.k8s.io/v1","rv":7,"start":"default/a\u0000"}"#,
        br#"{"v":"meta.k8s.io/v1","rv":-1,"start":"x"}"#,
    ],
    made,
    run,
};

fn made() -> Vec<Vec<u8>> {
    TARGET.seeds.iter().map(|seed| URL_SAFE_NO_PAD.encode(seed).into_bytes()).collect()
}

/// The text as it is, and what it would be the content of.
fn run(input: &[u8]) -> Verdict {
    check(&String::from_utf8_lossy(input))?;
    check(&URL_SAFE_NO_PAD.encode(input))
}

fn check(text: &str) -> Verdict {
    let Ok(token) = ContinueToken::parse(text) else { return Ok(()) };
    law::holds("a token leads nowhere else", !token.start.split('/').any(|part| part == ".."))?;
    let Ok(again) = ContinueToken::parse(&token.encode()) else {
        return law::holds("what was encoded parses", false);
    };
    law::same("parse(encode(x)) is x", &again, &token)
}

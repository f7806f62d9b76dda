//! Field selectors as query parameters have them.

use crate::{Target, Verdict, law, target};
use skiff_apimachinery::FieldSelector;

/// See [`Target`].
pub const TARGET: Target = Target {
    name: "field_selector",
    seeds: &[b"metadata.name=web,status.phase!=Running,spec.nodeName==a", br"a=\,\=\\,,b!=,c="],
    made: target::none,
    run,
};

fn run(input: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(input);
    let Ok(selector) = FieldSelector::parse(&text) else { return Ok(()) };
    let again = law::succeeds("what was written parses", FieldSelector::parse(&selector.to_string()))?;
    law::same("parse(write(x)) has the terms of x", &terms(&again), &terms(&selector))
}

/// The terms in an order of their own: they are sorted as they were written, `==` before `=`.
fn terms(selector: &FieldSelector) -> Vec<(&str, &str, bool)> {
    let mut terms: Vec<_> = selector
        .terms()
        .iter()
        .map(|term| (term.field.as_str(), term.value.as_str(), term.negated))
        .collect();
    terms.sort_unstable();
    terms
}

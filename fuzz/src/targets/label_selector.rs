//! Label selectors as query parameters have them.

use crate::{Target, Verdict, law, target};
use skiff_apimachinery::LabelSelector;

/// See [`Target`].
pub const TARGET: Target = Target {
    name: "label_selector",
    seeds: &[
        b"app=web,tier!=x,!gone,here,n in (a,b,),m notin ( c ),size>3,size<9,a.b/c==d",
        b"in in (in),notin notin (notin),x=,x in ()",
    ],
    made: target::none,
    run,
};

fn run(input: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(input);
    let Ok(selector) = LabelSelector::parse(&text) else { return Ok(()) };
    let selects = |selector: &LabelSelector| selector.matches_by(|key| (key.len() % 2 == 0).then_some("4"));
    let written = selector.to_string();
    let again = law::succeeds("what was written parses", LabelSelector::parse(&written))?;
    law::same("parse(write(x)) writes as x", &again.to_string(), &written)?;
    law::same("parse(write(x)) selects as x", &selects(&again), &selects(&selector))
}

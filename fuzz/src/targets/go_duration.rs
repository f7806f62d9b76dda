//! Durations as Go writes them.

use crate::{Target, Verdict, law, target};
use skiff_apimachinery::go_duration::parse_duration;

/// See [`Target`].
pub const TARGET: Target = Target {
    name: "go_duration",
    seeds: &[
        b"15s",
        b"1m30s",
        b"500ms",
        b"1.5h",
        b"0",
        b"7\xc2\xb5s2\xce\xbcs3us4ns",
        b"-1s",
        b"99999999999999999999h",
    ],
    made: target::none,
    run,
};

fn run(input: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(input);
    let Ok(duration) = parse_duration(&text) else { return Ok(()) };
    let Ok(longer) = parse_duration(&format!("{text}1h")) else { return Ok(()) };
    law::holds("with an hour more it is no less", longer >= duration)
}

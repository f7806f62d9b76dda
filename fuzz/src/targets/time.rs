//! Times as objects have them.

use crate::{Target, Verdict, law, target};
use skiff_apimachinery::time::{format_micro_time, format_time, parse_time};

/// The year 0: years before it have no RFC 3339 text.
const FIRST: i64 = -62_167_219_200;

/// See [`Target`].
pub const TARGET: Target = Target {
    name: "time",
    seeds: &[
        b"2026-01-02T03:04:05Z",
        b"2026-01-02T04:04:05.123456789+01:00",
        b"1969-12-31T23:59:59.9-00:30",
        b"9999-12-30T21:59:59Z",
        b"0000-01-01T00:00:00Z",
        b"0000-01-01T00:59:59.93+01:00",
        b"2026-02-29T24:60:61Z",
    ],
    made: target::none,
    run,
};

fn run(input: &[u8]) -> Verdict {
    let Some(time) = parse_time(&String::from_utf8_lossy(input)) else { return Ok(()) };
    for text in [format_time(time), format_micro_time(time)] {
        if (time.as_second(), time.subsec_nanosecond()) >= (FIRST, 0) {
            let again = parse_time(&text);
            let written = again.map(|again| [format_time(again), format_micro_time(again)]);
            law::holds("a written time reads back", written.is_some_and(|texts| texts.contains(&text)))?;
        }
    }
    Ok(())
}

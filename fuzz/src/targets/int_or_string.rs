//! Numbers or percentages.

use crate::{Target, Verdict, law, target};
use skiff_apimachinery::IntOrString;
use skiff_apimachinery::int_or_string::Round;

/// See [`Target`].
pub const TARGET: Target = Target {
    name: "int_or_string",
    seeds: &[b"25%", b"1", b"-3%", b"http", b"2147483648", b"9223372036854775807%"],
    made: target::none,
    run,
};

fn run(input: &[u8]) -> Verdict {
    let value = IntOrString::parse(&String::from_utf8_lossy(input));
    law::same("what was written reads back", &IntOrString::parse(&value.to_string()), &value)?;
    for total in [0, 1, 10, i64::from(i32::MAX)] {
        let (Ok(up), Ok(down)) = (value.scaled(total, Round::Up), value.scaled(total, Round::Down)) else {
            return Ok(());
        };
        law::holds("rounding differs by one at most", up == down || up.checked_sub(1) == Some(down))?;
    }
    Ok(())
}

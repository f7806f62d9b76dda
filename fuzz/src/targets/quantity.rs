//! Quantities.

use crate::{Target, Verdict, law, target};
use skiff_apimachinery::Quantity;

/// See [`Target`].
pub const TARGET: Target = Target {
    name: "quantity",
    seeds: &[
        b"100m",
        b"1Gi",
        b"1.5Ki",
        b"-0.0001n",
        b"2e3",
        b"3E-9",
        b"12E",
        b"7Ei",
        b"9223372036854775807",
        b"+.5u",
        b"1e27",
        b"000000000000000000000000000000000000000000000000000000000000001",
    ],
    made: target::none,
    run,
};

fn run(input: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(input);
    let Ok(quantity) = Quantity::parse(&text) else { return Ok(()) };
    let written = quantity.to_string();
    let again = law::succeeds("the canonical text parses", Quantity::parse(&written))?;
    // The text may be another one: 62.5Ki is written 64000, and that is 64k.
    law::same("the canonical text is the same amount", &again, &quantity)?;
    law::same("the sign stays", &again.is_negative(), &quantity.is_negative())?;
    let _ = (quantity.value(), quantity.milli_value(), quantity.as_f64());
    let twin = quantity;
    law::holds("a quantity less itself is nothing", (quantity - twin).is_zero())
}

//! Laws in words, and what to say when one does not hold.

use crate::{Broken, Verdict};
use std::fmt::Debug;

/// Values are shown up to this length.
const SHOWN: usize = 2_000;

/// Broken unless it holds.
///
/// # Errors
/// The law.
pub fn holds(law: &str, holds: bool) -> Verdict {
    if holds { Ok(()) } else { Err(Broken(format!("does not hold: {law}"))) }
}

/// Broken unless both are the same.
///
/// # Errors
/// The law and both values.
pub fn same<T: PartialEq + Debug + ?Sized>(law: &str, left: &T, right: &T) -> Verdict {
    if left == right {
        return Ok(());
    }
    Err(Broken(format!("does not hold: {law}\n  left:  {}\n  right: {}", shown(left), shown(right))))
}

/// Broken with the error of something that must not fail.
///
/// # Errors
/// The law and the error.
pub fn succeeds<T, E: std::fmt::Display>(law: &str, result: Result<T, E>) -> Result<T, Broken> {
    result.map_err(|error| Broken(format!("does not hold: {law}\n  {error}")))
}

fn shown<T: Debug + ?Sized>(value: &T) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

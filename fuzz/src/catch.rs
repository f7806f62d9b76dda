//! Runs a target and turns panics into verdicts, those too that a runtime's task swallows.

use crate::{Broken, Target, Verdict};
use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;
use std::sync::Once;

thread_local! {
    /// Whether this thread runs a target.
    static WATCHING: Cell<bool> = const { Cell::new(false) };
    /// The last panic of this thread while it did.
    static NOTED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs a target on an input.
///
/// # Errors
/// The panic's message and place, or what the target says.
pub fn run(target: &Target, input: &[u8]) -> Verdict {
    install();
    NOTED.set(None);
    WATCHING.set(true);
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    WATCHING.set(false);
    match (outcome, NOTED.take()) {
        // A target's tasks run on its own thread, where their panics are noted even if nobody waits for them.
        (_, Some(panic)) => Err(Broken(panic)),
        (Err(_), None) => Err(Broken("it panicked without a word".to_owned())),
        (Ok(verdict), None) => verdict,
    }
}

/// Makes panics under watch be noted instead of printed; others are printed as before.
fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if WATCHING.get() {
                NOTED.set(Some(panic.to_string()));
            } else {
                before(panic);
            }
        }));
    });
}

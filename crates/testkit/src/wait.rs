//! Waiting for conditions with a deadline.

use std::time::{Duration, Instant};

/// Pause between looks at a condition of another process.
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until a condition holds.
///
/// # Panics
/// When the deadline passes, with what the last look found.
pub fn until<T, E: std::fmt::Display>(
    what: &str,
    deadline: Duration,
    mut look: impl FnMut() -> Result<T, E>,
) -> T {
    let start = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(error) => assert!(start.elapsed() < deadline, "{what}: not within {deadline:?}: {error}"),
        }
        std::thread::sleep(PAUSE);
    }
}

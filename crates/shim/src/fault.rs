//! Why a step failed: one line for people, built from what was being done and the kernel's answer.

use std::fmt::Display;

/// A failed step.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

impl Fault {
    /// From a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Result of a step.
pub type Outcome<T> = Result<T, Fault>;

/// Says what was being done when a call failed.
pub trait Doing<T> {
    /// `what: error`.
    fn doing(self, what: impl Display) -> Outcome<T>;
}

impl<T> Doing<T> for rustix::io::Result<T> {
    fn doing(self, what: impl Display) -> Outcome<T> {
        self.map_err(std::io::Error::from).doing(what)
    }
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, what: impl Display) -> Outcome<T> {
        self.map_err(|error| Fault(format!("{what}: {}", reason(&error))))
    }
}

/// The error's text without Rust's `(os error N)`, in lower case like other programs of the field.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

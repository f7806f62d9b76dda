//! What a schema says of a value: what is wrong, and how much of it was looked at, by which alternatives are compared.

use crate::{FieldError, FieldErrors};

/// A schema's verdict about a value.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// What is wrong, each thing once.
    pub(super) errors: FieldErrors,
    /// How many checks were made.
    checks: usize,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub(super) fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// Counts a check.
    pub(super) fn count(&mut self) {
        self.checks += 1;
    }

    /// Adds what is wrong, unless it is known.
    pub(super) fn add(&mut self, error: FieldError) {
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Adds all that is wrong.
    pub(super) fn add_all(&mut self, errors: impl IntoIterator<Item = FieldError>) {
        errors.into_iter().for_each(|error| self.add(error));
    }

    /// Adds the verdict about a part.
    pub(super) fn merge(&mut self, other: Self) {
        self.checks += other.checks;
        self.add_all(other.errors);
    }

    /// Adds the verdicts about parts.
    pub(super) fn merge_all(&mut self, others: impl IntoIterator<Item = Self>) {
        others.into_iter().for_each(|other| self.merge(other));
    }

    /// The first valid one of some verdicts, or the first of those that looked at most.
    pub(super) fn best(verdicts: Vec<Self>) -> Option<Self> {
        verdicts.into_iter().reduce(|best, next| {
            let is_better = !best.is_valid() && (next.is_valid() || next.checks > best.checks);
            if is_better { next } else { best }
        })
    }
}

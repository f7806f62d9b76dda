//! What a row of the benchmark is, and what it is given.

use crate::figure::Figure;
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Figures of one run by name.
pub type Measured = BTreeMap<&'static str, f64>;

/// One row, or a family of rows that are measured together.
///
/// To add one: a file in `rows/` with a type that implements this, and a line in [`rows::all`](crate::rows::all). A run
/// starts what it needs (a [`Site`](crate::site::Site) is a server of its own), measures, and lets everything go; it asks
/// [`Bench`] for its counts, so that `--quick` makes it small. The budget and what upstream needs stand beside the figure.
pub trait Row {
    /// Name on the command line and in the results.
    fn name(&self) -> &'static str;

    /// What every run measures.
    fn figures(&self) -> Vec<Figure>;

    /// Whether it makes namespaces, containers or rules.
    fn needs_root(&self) -> bool {
        false
    }

    /// Measures once; the result has every figure.
    ///
    /// # Errors
    /// If something does not work; a run that fails counts for nothing.
    fn measure(&self, bench: &Bench) -> Result<Measured>;
}

/// What a run is given.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The server's binary.
    pub binary: PathBuf,
    /// Whether to use tiny counts: this shows that a row works, not how fast anything is.
    pub quick: bool,
}

impl Bench {
    /// How many of something.
    pub fn count(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }

    /// How long to do something.
    pub fn duration(&self, full: Duration, quick: Duration) -> Duration {
        if self.quick { quick } else { full }
    }
}

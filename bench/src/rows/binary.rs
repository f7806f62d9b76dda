//! The size of what is shipped.

use crate::figure::Figure;
use crate::row::{Bench, Measured, Row};
use anyhow::{Context, Result};

/// The row.
pub struct Binary;

impl Row for Binary {
    fn name(&self) -> &'static str {
        "binary"
    }

    fn figures(&self) -> Vec<Figure> {
        vec![Figure::new("size", "binary, stripped", "MB").below(50.0)]
    }

    /// The release profile strips.
    fn measure(&self, bench: &Bench) -> Result<Measured> {
        let size =
            std::fs::metadata(&bench.binary).with_context(|| bench.binary.display().to_string())?.len();
        Ok([("size", size as f64 / 1e6)].into())
    }
}

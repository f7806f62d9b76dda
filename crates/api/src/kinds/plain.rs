//! The strategy of kinds that add nothing to the generic rules but a generation.

use super::cells;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::Document;

/// Generic rules, with or without a generation.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plain {
    generation: bool,
}

impl Plain {
    pub(crate) const fn new() -> Self {
        Self { generation: false }
    }

    /// Spec changes are counted.
    pub(crate) const fn with_generation(mut self) -> Self {
        self.generation = true;
        self
    }
}

impl Strategy for Plain {
    fn has_generation(&self) -> bool {
        self.generation
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::created_at()]
    }

    fn cells(&self, object: &Document, _now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::created_at(object)]
    }
}

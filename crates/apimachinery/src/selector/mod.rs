//! Selectors: which objects a list, a watch, a Service or a controller means.
//!
//! [`LabelSelector`] comes from text (`app=web,tier in (a,b)`), from a `LabelSelector` object or from a plain map of
//! labels; [`FieldSelector`] from text (`status.phase=Running,spec.nodeName!=a`). Both are plain data: matching needs no
//! allocation.

mod field;
mod label;
mod object;
mod text;

pub use field::{FieldSelector, FieldTerm};
pub use label::{LabelSelector, Operator, Requirement};

/// A selector that cannot be read; the text is upstream's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectorError(pub(crate) String);

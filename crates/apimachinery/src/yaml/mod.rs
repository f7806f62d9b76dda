//! YAML to documents and back, as upstream's `sigs.k8s.io/yaml` sees it.
//!
//! Scalars follow YAML 1.1: `yes` is a boolean, `010` is eight, `1_000` a number. Keys become strings. Aliases, merge keys
//! and several documents are understood; depth, aliases and size are bounded, so that a small text cannot grow into a
//! large object. Duplicate keys are reported for `fieldValidation`.

mod read;
mod scalar;
mod write;

pub use read::{decode, decode_all, decode_reporting};
pub use write::encode;

/// Text that is no YAML, or too deep, or too large.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("yaml: {0}")]
pub struct YamlError(pub(crate) String);

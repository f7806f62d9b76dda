//! Schemas of custom resources: from a CustomResourceDefinition's `openAPIV3Schema` to pruning, defaulting, validation.
//!
//! Place in the data's way: `errors` and [`build`] when a definition is written; [`prune`], [`default`], [`drop_nulls`]
//! and [`validate`] for every custom resource that is decoded, in this order.

mod build;
mod default;
mod format;
mod lists;
mod prune;
mod rules;
mod validate;

pub use build::build;
pub use default::{default, drop_nulls};
pub use format::is_known_format;
pub use prune::prune;
pub use rules::errors;
pub use validate::validate;

#[cfg(test)]
mod tests;

//! Schemas of custom resources: from a CustomResourceDefinition's `openAPIV3Schema` to pruning, defaulting, validation.
//!
//! Place in the data's way: [`unsupported`], [`errors`], [`default_errors`] and [`keyword_errors`] when a definition is
//! written, then [`build`]; [`prune`], [`default`], [`drop_nulls`] and [`validate`] for every custom resource that is
//! decoded, in this order.

mod build;
mod completeness;
mod default;
mod default_errors;
mod embedded;
mod field_path;
mod format;
mod keywords;
mod list_keywords;
mod lists;
mod numbers;
mod prune;
mod rules;
mod types;
mod validate;
mod validation_rules;
mod verdict;

pub use build::build;
pub use default::{default, drop_nulls};
pub use default_errors::default_errors;
pub use field_path::{Found, resolve};
pub use format::{formats, is_known_format};
pub use keywords::{keyword_errors, unsupported};
pub use prune::prune;
pub use rules::errors;
pub use validate::validate;

#[cfg(test)]
mod tests;

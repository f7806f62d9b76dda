//! The resource table: one row per resource and version that the API serves.
//!
//! Place in the data's way: `apiserver` derives everything from a row (routes, discovery, OpenAPI, decoding, defaulting,
//! validation, storage keys, patch and apply rules, Table columns, selectable fields); a built-in kind is a row plus one
//! file under `kinds/`, a custom resource is a row made at run time. There is no handler per kind.
//!
//! Invariants:
//! - pure: no I/O, no clock; defaulting and preparing edit [`Document`](skiff_apimachinery::Document)s, never typed structs;
//! - validation speaks upstream's field paths and messages;
//! - generated tables live under `generated/` and are never edited.

pub mod discovery;
pub mod disruption_budget;
pub mod features;
pub mod kinds;
pub mod openapi;
pub mod pod_resources;
pub mod quota;
pub mod resource;
pub mod resource_list;
pub mod runtime_config;
pub mod schemas;
pub mod strategy;
mod table;
pub mod validation;

pub use features::FeatureGates;
pub use resource::{Conversion, Resource, Scope, Subresource, Verbs};
pub use runtime_config::{RuntimeConfig, served};
pub use strategy::{Cell, Column, NameRule, Strategy};
pub use table::builtin;

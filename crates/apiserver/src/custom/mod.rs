//! Custom resources: rows of the table that CustomResourceDefinitions make at run time.
//!
//! Input: the definitions, through their watch cache; output: rows in the [`Table`](crate::table::Table), the conditions
//! and accepted names in each definition's status, and, when a definition goes, the end of its instances. What a row's
//! objects may be follows from the definition's schema by the engine in `apimachinery::structural`; from there on custom
//! resources take the way of all others.

mod cleanup;
mod columns;
mod conditions;
mod controller;
mod deletion;
mod json_path;
mod names;
mod plan;
mod policy;
mod rows;
mod strategy;

pub use controller::CustomResources;
pub(crate) use deletion::begin_deletion;
pub use skiff_apimachinery::structural::prune;

use skiff_apimachinery::{GroupResource, GroupVersionResource};

/// The group of definitions.
const GROUP: &str = "apiextensions.k8s.io";
/// The resource of definitions.
const PLURAL: &str = "customresourcedefinitions";
/// Holds a definition until its instances are gone.
const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

fn definitions() -> GroupVersionResource {
    GroupVersionResource::new(GROUP, "v1", PLURAL)
}

fn definition_resource() -> GroupResource {
    GroupResource::new(GROUP, PLURAL)
}

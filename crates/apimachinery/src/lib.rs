//! Kubernetes API machinery without I/O.
//!
//! Everything that reads, edits or compares API objects and knows neither a socket nor a runtime: documents, metadata,
//! Status errors, field errors, selectors, quantities, times, schemas, the three patches, server-side apply and the
//! protobuf codec.
//!
//! Place in the data's way: the first crate. `api` describes kinds with it, `apiserver` edits objects with it, `client`
//! hands its [`Document`]s to the components.
//!
//! Invariants:
//! - pure: no I/O, no clock, no async runtime; time is a parameter;
//! - [`Document`] is the only dynamic value; its representation is private;
//! - what clients see of an error is a [`Status`] with upstream's words.

pub mod cron;
pub mod decode;
pub mod document;
pub mod field;
pub mod fieldset;
pub mod generate_name;
pub mod go_duration;
pub mod go_text;
pub mod gvk;
pub mod int_or_string;
pub mod json;
pub mod managed;
pub mod meta;
pub mod names;
pub mod patch;
pub mod protobuf;
pub mod quantity;
pub mod schema;
pub mod selector;
pub mod status;
pub mod structural;
pub mod time;
pub mod yaml;

pub use document::{Document, Map, Node};
pub use field::{FieldError, FieldErrors, FieldPath};
pub use fieldset::FieldSet;
pub use gvk::{GroupKind, GroupResource, GroupVersion, GroupVersionKind, GroupVersionResource};
pub use int_or_string::IntOrString;
pub use quantity::Quantity;
pub use selector::{FieldSelector, LabelSelector};
pub use status::{Reason, Status};

//! The API server: from a request to a stored object to every watcher.
//!
//! Place in the data's way: the only crate that touches `storage`. Module folders follow the request: serve,
//! authenticate, audit, authorize, decode, admit, registry, watch cache.
//!
//! Invariants:
//! - in-process and HTTPS requests take the same way through authentication, audit, authorization and admission;
//! - routes, discovery, OpenAPI, decoding, validation and columns follow from rows of the resource table;
//! - stored bytes are not served bytes: what is stored carries no resourceVersion and passes a value transformer;
//! - everything is bounded; overload answers 429, a slow watcher is cut.

pub mod admission;
/// Records of requests as audit events in a file: [`audit::AuditLog`] for [`Config::audit`].
pub mod audit;
pub mod authentication;
pub mod authorization;
pub mod bootstrap;
pub mod cache;
pub mod chain;
pub mod connect;
mod convert;
mod custom;
mod documents;
mod flow_control;
mod health;
mod local;
pub mod objects;
pub mod operation;
mod own_door;
mod protobuf;
pub mod registry;
mod render;
pub mod request;
mod serve;
mod server;
mod stored;
pub mod table;
mod upkeep;
mod version;

pub use health::Hold;
pub use local::{Local, LocalCall, LocalEvent, LocalList, LocalWatch};
pub use own_door::OwnDoor;
pub use serve::{Cors, CorsError, TlsConfig};
pub use server::{ApiServer, Config};

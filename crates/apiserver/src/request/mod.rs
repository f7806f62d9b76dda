//! What a request asks for: path, query and Accept header turned into plain values.
//!
//! Input: a request's head; output: [`RequestInfo`] (what and where), [`Query`] (how), [`Accepted`] (in which form), and
//! the decoded body. Everything here is pure.

pub mod accept;
pub mod decode;
pub mod info;
pub mod options;
pub mod query;

pub use accept::{Accepted, Media, Shape};
pub use info::{RequestInfo, Verb};
pub use query::Query;

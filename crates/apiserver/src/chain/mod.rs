//! The way of every request, from sockets and from within the process: limits, who asks, as whom, may they, what happened.
//!
//! Input: a request's head and a user; output: leave to go on (or a Status), and an audit record when it is over. The
//! steps are files of this folder in the order in which they are taken; [`Core`] is what they share.

mod audit;
mod authenticate;
mod authorize;
mod core;
mod deadline;
mod impersonate;
mod limits;
mod metrics;

pub use audit::{Audit, Record};
pub use authenticate::authenticate;
pub use authorize::{authorize, authorize_upgrade};
pub use core::Core;
pub use deadline::Deadline;
pub use impersonate::{Unable, impersonate};
pub use limits::{Limits, Permit, RETRY_AFTER, TOO_MANY};
pub(crate) use metrics::{AdmissionMetrics, Half};
pub use metrics::{EventTally, Kind, Metrics, Running};

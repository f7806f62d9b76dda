//! Places pods on nodes.
//!
//! Place in the data's way: hears of unscheduled pods and of nodes through informers, decides in memory, and tells the API
//! server by `pods/binding`; a pod that fits nowhere gets a condition and an event in upstream's words.
//!
//! Shape: [`queue`] orders pods, [`cluster`] is the picture of all nodes, [`plugins`] filter and score (one file each; see
//! there how to add one), [`cycle`] puts them together as a pure function; [`run`] is the thin shell around it.
//!
//! Invariants:
//! - one pod is decided at a time against a picture that includes every pod assumed before it, so that no node is
//!   promised twice; bindings go out concurrently;
//! - the pure parts take the time and randomness as parameters;
//! - a pod that cannot be placed is tried again when something that could help it happened, not by the clock.

pub mod cluster;
pub mod cycle;
pub mod node;
pub mod plugins;
pub mod pod;
pub mod queue;
pub mod resources;
pub mod run;
pub mod selector;

pub use run::{Scheduler, SchedulerConfig};

//! The Node object: what the machine is, how it does, and the lease that says it is alive.
//!
//! `machine` reads facts once; `status` turns them and the runtime's state into the Node's status, purely; `agent`
//! registers, reports changes at once and everything every five minutes; `lease` renews every ten seconds.

pub mod agent;
pub mod lease;
pub mod machine;
pub mod status;

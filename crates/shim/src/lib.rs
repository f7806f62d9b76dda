//! The pod shim: a small static program, one per pod sandbox, that starts, supervises and logs the pod's containers.
//!
//! Place in the data's way: the container runtime writes a sandbox's directory, starts the shim in it and speaks to it over a Unix socket
//! there. The shim is the only parent that containers ever have, so that the server may be killed, upgraded and started again while they run.
//! This library part holds what both sides share: the protocol and the specs. The program is in `main.rs`.
//!
//! Invariants:
//! - the program is single-threaded and never links an async runtime: a process forked from it may allocate and call anything;
//! - the shim decides nothing: every path, number and mask comes in a spec;
//! - the protocol carries a version, and a peer that is newer is refused;
//! - an exit is on disk (by rename) before anyone is told of it.

pub mod protocol;

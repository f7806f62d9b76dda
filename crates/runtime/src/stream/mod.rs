//! Live streams: commands in containers, attached clients, forwarded ports.
//!
//! Descriptors go to the shim and on to the process, so that bytes flow between it and this server directly; only an attached client's pass
//! through the shim, which shares them with the log.

mod attach;
mod exec;
mod exec_sync;
mod pipes;
mod port_forward;
mod terminal;

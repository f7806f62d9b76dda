//! The server's side of the shims: the embedded program, how it is started, and how it is spoken to.

mod client;
mod launch;
mod program;

pub use client::{ShimClient, ShimConnection};
pub use launch::launch;
pub use program::install;

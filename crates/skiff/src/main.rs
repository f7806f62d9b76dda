//! The skiff binary: flags, configuration, composition, supervision.
//!
//! Place in the data's way: it knows every crate, and no crate knows it. A command is a file under `command/`; each
//! component as it runs alone is under `component/`, and `server/` puts them together into one process.
//!
//! Invariants:
//! - what goes wrong at the start is told in one line, with exit code 1 and nothing damaged;
//! - only this crate constructs in-process identities;
//! - stopping the server stops no pod.

mod command;
mod component;
mod server;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    command::main()
}

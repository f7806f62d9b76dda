//! The skiff binary: flags, configuration, composition, supervision.
//!
//! Place in the data's way: it knows every crate, and no crate knows it. A command is a file under `command/`; what a whole
//! server consists of is put together under `server/`.
//!
//! Invariants:
//! - what goes wrong at the start is told in one line, with exit code 1 and nothing damaged;
//! - only this crate constructs in-process identities;
//! - stopping the server stops no pod.

mod command;
mod server;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    command::main()
}

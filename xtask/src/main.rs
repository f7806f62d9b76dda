//! Tasks of the repository, run as `cargo xtask TASK`.
//!
//! Each task is one module with a `run` that prints what it does; a failure is one line and exit code 1.

mod bench;
mod codegen;
mod demo;
mod setup;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask TASK

tasks:
  setup     install what a fresh Debian lacks for building and testing
  tidy      check crate arrows, crate docs, file sizes, names and words
  test      tidy, format, lints, unit and integration tests
  demo      build, start, deploy a small application, show a timeline (--keep leaves it running)
  bench     measure a release build against the budgets ([ROW...] [--runs N] [--quick] [--list] [--readme])
  codegen   write crates/api/src/generated from the reference documents
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let result = match task.as_str() {
        "setup" => setup::run(&rest),
        "tidy" => tidy::run(&rest),
        "test" => test::run(&rest),
        "demo" => demo::run(&rest),
        "bench" => bench::run(&rest),
        "codegen" => codegen::run(&rest),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {task}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

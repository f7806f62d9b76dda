//! Tasks of the repository: `cargo xtask codegen | tidy | setup | test`.
//!
//! Each task is one module with a `run` that prints what it does; a failure is one line and exit code 1.

mod codegen;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask TASK

tasks:
  codegen   write crates/api/src/generated from the reference documents
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let result = match task.as_str() {
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
fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(std::path::Path::to_path_buf)
        .unwrap_or_default()
}

//! `cargo xtask bench [ROW...] [--runs N] [--quick]`: builds the shipped binary and the benchmark, and runs the one on the
//! other. What the rows are and how to add one: `bench/src/rows`.

use crate::root;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// Builds and runs.
pub fn run(arguments: &[String]) -> Result<()> {
    crate::setup::run(&[])?;
    println!("==> building the release binaries");
    // One after the other: together, the benchmark's dependencies would have a say in how the server's are built.
    for package in ["skiff", "skiff-bench"] {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["build", "--release", "--package", package]).current_dir(root());
        ensure!(command.status().context("run cargo")?.success(), "{package} does not build");
    }
    let built = |name: &str| root().join("target/release").join(name);
    let status = Command::new(built("skiff-bench"))
        .args(arguments)
        .env("SKIFF_BIN", built("skiff"))
        .current_dir(Path::new(&root()))
        .status()
        .context("run the benchmark")?;
    ensure!(status.success(), "not all rows were measured");
    Ok(())
}

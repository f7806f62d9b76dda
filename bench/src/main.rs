//! The benchmark's command line: which rows, how often, and what becomes of the results.

use anyhow::{Context, Result, bail};
use clap::Parser;
use skiff_bench::results::{self, Sitting};
use skiff_bench::table::Table;
use skiff_bench::{Bench, Row, machine, readme, rows};
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures a real server against its budgets
#[derive(Parser, Debug)]
#[command(name = "cargo xtask bench")]
struct Arguments {
    /// Rows to measure; all if none is named
    rows: Vec<String>,
    /// Runs of each row
    #[arg(long, default_value_t = 10)]
    runs: usize,
    /// One run with tiny counts: shows that rows work; nothing is recorded
    #[arg(long)]
    quick: bool,
    /// Name the rows and measure nothing
    #[arg(long)]
    list: bool,
    /// Write the last results of all rows into the README
    #[arg(long)]
    readme: bool,
    /// The server's binary
    #[arg(long, env = "SKIFF_BIN", default_value = "target/release/skiff")]
    binary: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let all = rows::all();
    if arguments.list {
        all.iter().for_each(|row| println!("{}", row.name()));
        return Ok(());
    }
    for name in &arguments.rows {
        if !all.iter().any(|row| row.name() == name) {
            bail!("there is no row {name:?}; --list names them");
        }
    }
    let binary = std::path::absolute(&arguments.binary)?;
    let bench = Bench { binary, quick: arguments.quick };
    let sitting = Sitting::begin();
    let committed = results::committed()?;
    let mut table = Table::default();
    let mut failed = Vec::new();
    for row in all.iter().filter(|row| wanted(row.as_ref(), arguments)) {
        match measure(row.as_ref(), &bench, arguments, &sitting) {
            Ok(runs) => {
                let before = results::last_sitting(&committed, row.name());
                for figure in row.figures() {
                    let values: Vec<f64> =
                        runs.iter().filter_map(|run| run.get(figure.name).copied()).collect();
                    table.add(row.name(), &figure, &values, &before);
                }
            }
            Err(error) => {
                eprintln!("{}: {error:#}", row.name());
                failed.push(row.name());
            }
        }
    }
    print!("{table}");
    if arguments.readme {
        readme::update(&all)?;
    }
    if failed.is_empty() { Ok(()) } else { bail!("not measured: {}", failed.join(", ")) }
}

/// Whether a row was asked for and can be measured.
fn wanted(row: &dyn Row, arguments: &Arguments) -> bool {
    let named = arguments.rows.iter().any(|name| name == row.name());
    let asked = arguments.rows.is_empty() || named;
    if asked && row.needs_root() && !rustix::process::geteuid().is_root() {
        eprintln!("{}: left out, it needs root", row.name());
        return false;
    }
    // Writing the README alone measures nothing.
    asked && (named || !arguments.readme)
}

fn measure(
    row: &dyn Row,
    bench: &Bench,
    arguments: &Arguments,
    sitting: &Sitting,
) -> Result<Vec<skiff_bench::Measured>> {
    let count = if bench.quick { 1 } else { arguments.runs };
    let mut runs = Vec::new();
    for number in 1..=count {
        let load = machine::load();
        eprint!("{} {number}/{count}", row.name());
        let measured = row.measure(bench).inspect_err(|_| eprintln!())?;
        let shown: Vec<String> = measured
            .iter()
            .map(|(name, value)| format!("{name} {}", skiff_bench::figure::short(*value)))
            .collect();
        eprintln!(": {}", shown.join(", "));
        if !bench.quick {
            sitting.append(row.name(), load, &measured).context("keep the result")?;
        }
        runs.push(measured);
    }
    Ok(runs)
}

//! `cargo xtask test [FILTER]`: everything that must be green, in the order in which it fails fastest. Shows progress while a
//! person waits, and ends with one line of counts.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What has run so far.
#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
}

pub fn run(arguments: &[String]) -> Result<()> {
    let start = Instant::now();
    let mut counts = Counts::default();
    crate::setup::run(&[])?;
    tidy(&mut counts)?;
    step("format", &["fmt", "--all", "--check"], &mut counts)?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"];
    step("lints", &clippy, &mut counts)?;
    step("the binary", &["build", "--package", "skiff"], &mut counts)?;
    let filter: Vec<&str> = arguments.iter().map(String::as_str).collect();
    tests(
        "unit tests",
        &[&["test", "--workspace", "--lib", "--bins", "--no-fail-fast"], &filter[..]].concat(),
        &mut counts,
    )?;
    tests(
        "integration tests",
        &[&["test", "--workspace", "--test", "*", "--no-fail-fast"], &filter[..]].concat(),
        &mut counts,
    )?;
    tests(
        "examples in documentation",
        &[&["test", "--workspace", "--doc", "--no-fail-fast"], &filter[..]].concat(),
        &mut counts,
    )?;
    println!("{} s", start.elapsed().as_secs());
    println!("{} passed, {} failed", counts.passed, counts.failed);
    if counts.failed > 0 {
        bail!("not green");
    }
    Ok(())
}

fn tidy(counts: &mut Counts) -> Result<()> {
    let problems = crate::tidy::problems(&crate::root())?;
    problems.iter().for_each(|problem| eprintln!("{problem}"));
    note("tidy", problems.is_empty(), counts);
    Ok(())
}

/// A step that passes or fails as a whole.
fn step(name: &str, arguments: &[&str], counts: &mut Counts) -> Result<()> {
    println!("== {name}");
    let status = cargo(arguments).status().with_context(|| format!("run cargo {}", arguments.join(" ")))?;
    note(name, status.success(), counts);
    Ok(())
}

fn note(name: &str, ok: bool, counts: &mut Counts) {
    println!("{} {name}", if ok { "ok    " } else { "FAILED" });
    if ok {
        counts.passed += 1;
    } else {
        counts.failed += 1;
    }
}

/// Test programs, whose results are counted one by one.
fn tests(name: &str, arguments: &[&str], counts: &mut Counts) -> Result<()> {
    println!("== {name}");
    let mut child = cargo(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("run cargo {}", arguments.join(" ")))?;
    let output = child.stdout.take().context("the output is piped")?;
    let failed_before = counts.failed;
    let mut progress = Progress::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        match result_of(&line) {
            Some((test, "ok")) => {
                counts.passed += 1;
                progress.show(counts, test);
            }
            Some((test, "FAILED")) => {
                counts.failed += 1;
                progress.clear();
                println!("FAILED {test}");
            }
            Some(_) => {}
            None => {
                // what tests print, and why they failed
                if !is_noise(&line) {
                    progress.clear();
                    println!("{line}");
                }
            }
        }
    }
    progress.clear();
    let status = child.wait()?;
    if !status.success() && counts.failed == failed_before {
        // a test program that did not build, or died
        counts.failed += 1;
        println!("FAILED {name}");
    }
    println!("{name}: {} passed, {} failed so far", counts.passed, counts.failed);
    Ok(())
}

/// `test path::name ... ok`.
fn result_of(line: &str) -> Option<(&str, &str)> {
    let (test, result) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    Some((test, result.split_whitespace().next()?))
}

fn is_noise(line: &str) -> bool {
    line.is_empty() || line.starts_with("running ") || line.starts_with("test result: ok")
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(crate::root());
    command
}

/// One line that is written over while tests run, where a person looks on.
struct Progress {
    shown: bool,
    terminal: bool,
}

impl Progress {
    fn new() -> Self {
        Self { shown: false, terminal: std::io::stdout().is_terminal() }
    }

    fn show(&mut self, counts: &Counts, test: &str) {
        if self.terminal {
            print!("\r\x1b[2K{} passed, {} failed: {test}", counts.passed, counts.failed);
            let _ = std::io::stdout().flush();
            self.shown = true;
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            print!("\r\x1b[2K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_from_the_test_programs_lines() {
        assert_eq!(result_of("test a::b ... ok"), Some(("a::b", "ok")));
        assert_eq!(result_of("test a::b ... FAILED"), Some(("a::b", "FAILED")));
        assert_eq!(result_of("test result: ok. 4 passed; 0 failed"), None);
    }
}

//! `results.jsonl`: one line per row and run, for as long as the repository lives.
//!
//! Lines of one sitting share its time; comparisons are between sittings, by median.

use crate::machine::{self, Machine};
use crate::row::Measured;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

/// Where results are kept, below the repository's root.
const FILE: &str = "bench/results.jsonl";

/// One run of one row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    /// When the sitting began, RFC 3339.
    pub sitting: String,
    /// When the run ended, RFC 3339.
    pub date: String,
    /// What was measured.
    pub commit: String,
    /// Where.
    #[serde(flatten)]
    pub machine: Machine,
    /// Load average when the run began.
    pub load: f64,
    /// The row.
    pub row: String,
    /// Its figures.
    pub figures: BTreeMap<String, f64>,
}

/// Writes results of one sitting.
#[derive(Debug)]
pub struct Sitting {
    began: String,
    commit: String,
    machine: Machine,
}

impl Sitting {
    /// Begins one.
    pub fn begin() -> Self {
        Self { began: now(), commit: machine::commit(), machine: Machine::read() }
    }

    /// Appends a run.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn append(&self, row: &str, load: f64, measured: &Measured) -> Result<()> {
        let line = Line {
            sitting: self.began.clone(),
            date: now(),
            commit: self.commit.clone(),
            machine: self.machine.clone(),
            load,
            row: row.to_owned(),
            figures: measured.iter().map(|(name, value)| ((*name).to_owned(), rounded(*value))).collect(),
        };
        let text = serde_json::to_string(&line).context("encode a result")?;
        let path = path();
        let file = std::fs::File::options().create(true).append(true).open(&path);
        let mut file = file.with_context(|| format!("open {}", path.display()))?;
        writeln!(file, "{text}").with_context(|| format!("write {}", path.display()))
    }
}

/// All results in the working tree.
///
/// # Errors
/// If a line cannot be read.
pub fn all() -> Result<Vec<Line>> {
    match std::fs::read_to_string(path()) {
        Ok(text) => parse(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).context(FILE),
    }
}

/// The results that are committed.
///
/// # Errors
/// If a line cannot be read.
pub fn committed() -> Result<Vec<Line>> {
    parse(&machine::git(&["show", &format!("HEAD:{FILE}")]))
}

/// The lines of a row's last sitting.
pub fn last_sitting<'a>(lines: &'a [Line], row: &str) -> Vec<&'a Line> {
    let Some(last) = lines.iter().rev().find(|line| line.row == row) else { return Vec::new() };
    lines.iter().filter(|line| line.row == row && line.sitting == last.sitting).collect()
}

/// A figure in each of some lines.
pub fn values(lines: &[&Line], figure: &str) -> Vec<f64> {
    lines.iter().filter_map(|line| line.figures.get(figure).copied()).collect()
}

fn parse(text: &str) -> Result<Vec<Line>> {
    let lines = text.lines().enumerate();
    lines
        .map(|(number, line)| serde_json::from_str(line).with_context(|| format!("{FILE}:{}", number + 1)))
        .collect()
}

fn path() -> PathBuf {
    machine::root().join(FILE)
}

fn now() -> String {
    skiff_apimachinery::time::format_time(jiff::Timestamp::now())
}

/// Six decimals are more than any figure means.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(sitting: &str, row: &str, value: f64) -> String {
        format!(
            r#"{{"sitting":"{sitting}","date":"d","commit":"c","cores":2,"memory_mib":1,"kernel":"k","load":0.5,"row":"{row}","figures":{{"f":{value}}}}}"#
        )
    }

    #[test]
    fn the_last_sitting_of_a_row_is_compared_with() {
        let text =
            [line("1", "a", 1.0), line("2", "a", 2.0), line("2", "a", 3.0), line("3", "b", 4.0)].join("\n");
        let lines = parse(&text).unwrap();
        assert_eq!(values(&last_sitting(&lines, "a"), "f"), [2.0, 3.0]);
        assert!(last_sitting(&lines, "c").is_empty());
    }
}

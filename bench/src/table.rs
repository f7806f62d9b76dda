//! The table that a sitting ends with.

use crate::figure::{Figure, short};
use crate::results::{self, Line};
use crate::statistics::median;

const HEAD: [&str; 8] = ["row", "what", "budget", "median", "min", "max", "", "last"];

/// One printed line per figure.
#[derive(Debug, Default)]
pub struct Table {
    lines: Vec<[String; 8]>,
}

impl Table {
    /// Adds a figure with its values of all runs; `before` are the lines of the sitting to compare with.
    pub fn add(&mut self, row: &str, figure: &Figure, values: &[f64], before: &[&Line]) {
        let middle = median(values);
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let verdict = match figure.budget {
            None => "",
            Some(budget) if budget.is_met(middle) => "pass",
            Some(_) => "OVER",
        };
        let before = results::values(before, figure.name);
        let last = if before.is_empty() { String::new() } else { short(median(&before)) };
        self.lines.push([
            row.to_owned(),
            format!("{} [{}]", figure.what, figure.unit),
            figure.budget.map(|budget| budget.to_string()).unwrap_or_default(),
            short(middle),
            short(least),
            short(most),
            verdict.to_owned(),
            last,
        ]);
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head = HEAD.map(str::to_owned);
        let lines = || std::iter::once(&head).chain(&self.lines);
        let width = |column: usize| lines().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 8] = std::array::from_fn(width);
        for line in lines() {
            let mut text = String::new();
            for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
                let gap = if column == 0 { "" } else { "  " };
                let cell = if (2..6).contains(&column) {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                };
                text.push_str(gap);
                text.push_str(&cell);
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_held_against_the_budget() {
        let mut table = Table::default();
        table.add("start", &Figure::new("ready", "to /readyz", "s").below(0.5), &[0.3, 0.2, 0.9], &[]);
        table.add("list", &Figure::new("rate", "rate", "MiB/s").at_least(400.0), &[300.0], &[]);
        let shown = table.to_string();
        let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines[1],
            ["start", "to", "/readyz", "[s]", "<", "0.500", "0.300", "0.200", "0.900", "pass"]
        );
        assert_eq!(lines[2].last(), Some(&"OVER"));
    }
}

//! The table in the README: the last sitting of every row, between two marks. Nothing outside of them has a number, so
//! measuring again replaces this part alone.

use crate::figure::short;
use crate::machine;
use crate::results::{self, Line};
use crate::row::Row;
use crate::statistics::median;
use anyhow::{Context, Result, bail};
use std::fmt::Write;

const BEGIN: &str = "<!-- figures: written by `cargo xtask bench --readme` -->";
const END: &str = "<!-- end of figures -->";

/// Writes the table into the README.
///
/// # Errors
/// If the README has no marks or cannot be written.
pub fn update(rows: &[Box<dyn Row>]) -> Result<()> {
    let path = machine::root().join("README.md");
    let text = std::fs::read_to_string(&path).context("README.md")?;
    let replaced = replace(&text, &render(rows, &results::all()?))?;
    std::fs::write(&path, replaced).context("README.md")
}

fn replace(text: &str, table: &str) -> Result<String> {
    let (Some(begin), Some(end)) = (text.find(BEGIN), text.find(END)) else {
        bail!("README.md has no line {BEGIN:?} and {END:?}")
    };
    Ok(format!("{}{BEGIN}\n{table}{}", &text[..begin], &text[end..]))
}

fn render(rows: &[Box<dyn Row>], lines: &[Line]) -> String {
    let mut out = String::new();
    if let Some(last) = lines.last() {
        let date = last.date.split('T').next().unwrap_or_default();
        let _ = writeln!(
            out,
            "Medians (and range) of the last sitting of each row; {} cores, {} GiB, Linux {}, {date}.\n",
            last.machine.cores,
            last.machine.memory_mib.div_ceil(1024),
            last.machine.kernel
        );
    }
    out.push_str("| what | budget | figure | range |\n|---|---|---|---|\n");
    for row in rows {
        let sitting = results::last_sitting(lines, row.name());
        for figure in row.figures() {
            let values = results::values(&sitting, figure.name);
            if values.is_empty() {
                continue;
            }
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let middle = median(&values);
            let missed = figure.budget.is_some_and(|budget| !budget.is_met(middle));
            let mark = if missed { "**" } else { "" };
            let budget = figure.budget.map(|budget| budget.to_string()).unwrap_or_default();
            let _ = writeln!(
                out,
                "| {} | {budget} | {mark}{} {}{mark} | {}-{} |",
                figure.what,
                short(middle),
                figure.unit,
                short(least),
                short(most)
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        assert_eq!(replace(&text, "new\n").unwrap(), format!("a\n{BEGIN}\nnew\n{END}\nb\n"));
        assert!(replace("nothing", "new").is_err());
    }
}

//! Runs a session with every kubectl, all at once.

use crate::cluster::{Cluster, SOON};
use crate::script::{Step, steps};
use crate::terminal::Terminal;
use skiff_testkit::Kubectl;
use std::time::Instant;

/// How many lines a difference shows around what differs.
const AROUND: usize = 3;

/// Runs a session, written as [`script`](crate::script) tells, with every kubectl on the machine.
///
/// # Panics
/// If any of them prints something else.
#[track_caller]
pub fn session(text: &str) {
    let shared = Cluster::shared();
    let cluster = &*shared;
    let kubectls = Kubectl::all();
    let failures: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> =
            kubectls.iter().map(|kubectl| scope.spawn(move || run(cluster, kubectl, text))).collect();
        runs.into_iter().filter_map(|run| run.join().unwrap().err()).collect()
    });
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// Runs the session with one kubectl up to the first step that prints something else.
fn run(cluster: &Cluster, kubectl: &Kubectl, text: &str) -> Result<(), String> {
    let terminal = Terminal::open(cluster, kubectl);
    for step in steps(text, kubectl.minor()) {
        let printed = printed(&terminal, &step);
        if printed != step.wanted {
            let difference = difference(&step.wanted, &printed);
            return Err(format!("kubectl 1.{}: $ {}\n{difference}", kubectl.minor(), step.command));
        }
    }
    Ok(())
}

/// What a step prints in the end.
fn printed(terminal: &Terminal, step: &Step<'_>) -> Vec<String> {
    let start = Instant::now();
    loop {
        let printed = terminal.run(&step.command);
        if !step.repeated || printed == step.wanted || start.elapsed() > SOON {
            return printed;
        }
    }
}

/// The lines that differ, with some around them.
fn difference(wanted: &[&str], printed: &[String]) -> String {
    let alike = wanted.iter().zip(printed).take_while(|(a, b)| a == b).count();
    let (wanted_end, printed_end) = (&wanted[alike..], &printed[alike..]);
    let alike_at_end =
        wanted_end.iter().rev().zip(printed_end.iter().rev()).take_while(|(a, b)| a == b).count();
    let mut out = String::new();
    let mut show = |mark: &str, line: &str| out.push_str(&format!("{mark}{line}\n"));
    for line in &wanted[alike.saturating_sub(AROUND)..alike] {
        show("  ", line);
    }
    for line in &wanted_end[..wanted_end.len() - alike_at_end] {
        show("- ", line);
    }
    for line in &printed_end[..printed_end.len() - alike_at_end] {
        show("+ ", line);
    }
    for line in wanted_end[wanted_end.len() - alike_at_end..].iter().take(AROUND) {
        show("  ", line);
    }
    out
}

#[test]
fn a_difference_shows_what_was_wanted_and_what_was_printed() {
    let printed = ["a", "b", "x", "d"].map(str::to_owned);
    assert_eq!(difference(&["a", "b", "c", "d"], &printed), "  a\n  b\n- c\n+ x\n  d\n");
}

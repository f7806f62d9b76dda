//! Every target over its seeds and some mutations of them, so that targets stay alive and decoders stay sound.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use skiff_fuzz::{Finding, Fuzzer, Target, targets};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const MUTATIONS: usize = 500;
/// Without optimisation, and beside other tests.
const PATIENCE: Duration = Duration::from_secs(30);
/// Frames are larger without optimisation.
const STACK: usize = 16 << 20;

fn run(target: &Target) -> Option<Finding> {
    let mut fuzzer = Fuzzer::new(target, 1, PATIENCE);
    for seed in fuzzer.seeds().to_vec() {
        if let Err(finding) = fuzzer.execute(&seed) {
            return Some(finding);
        }
    }
    (0..MUTATIONS).find_map(|_| {
        let input = fuzzer.input();
        fuzzer.execute(&input).err()
    })
}

#[test]
fn no_target_panics_or_breaks_a_law() {
    let (next, findings) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(target) = targets::all().get(next.fetch_add(1, Ordering::Relaxed)) {
            findings.lock().unwrap().extend(run(target));
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap();
        }
    });
    let told: Vec<String> = findings
        .into_inner()
        .unwrap()
        .iter()
        .map(|finding| {
            format!("{}: {}\n  input: {}", finding.target, finding.broken, finding.input.escape_ascii())
        })
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[test]
fn names_of_targets_are_unique() {
    let mut names: Vec<&str> = targets::all().iter().map(|target| target.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

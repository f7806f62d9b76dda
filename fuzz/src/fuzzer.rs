//! Runs a target on its seeds and on what the mutator makes of them.

use crate::{Broken, Mutator, Target, catch};
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

/// An input that shows something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The target's name.
    pub target: &'static str,
    /// The input.
    pub input: Vec<u8>,
    /// What is wrong.
    pub broken: Broken,
}

/// A target under test.
pub struct Fuzzer<'t> {
    target: &'t Target,
    seeds: Vec<Vec<u8>>,
    mutator: Mutator,
    patience: Duration,
    /// How often the target ran.
    pub executions: u64,
}

// === impl Finding ===

impl Finding {
    /// `fuzz-TARGET-HASH`, the file that the input is kept in.
    pub fn file_name(&self) -> String {
        format!("fuzz-{}-{:016x}", self.target, hash(&self.input))
    }
}

// === impl Fuzzer ===

impl<'t> Fuzzer<'t> {
    /// A run of the target that takes longer than `patience` is a finding.
    pub fn new(target: &'t Target, seed: u64, patience: Duration) -> Self {
        let seeds = target.all_seeds();
        // Targets that share seeds must not share their fate.
        let mutator = Mutator::new(seed ^ hash(target.name.as_bytes()), &seeds);
        Self { target, seeds, mutator, patience, executions: 0 }
    }

    /// The seeds.
    pub fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    /// The next broken input.
    pub fn input(&mut self) -> Vec<u8> {
        self.mutator.next(&self.seeds)
    }

    /// Runs the target on an input.
    ///
    /// # Errors
    /// What the input shows.
    pub fn execute(&mut self, input: &[u8]) -> Result<(), Finding> {
        let began = Instant::now();
        self.executions += 1;
        let verdict = catch::run(self.target, input);
        let took = began.elapsed();
        let verdict = verdict.and_then(|()| match took > self.patience {
            true => Err(Broken(format!("it took {took:.1?}, more than {:.1?}", self.patience))),
            false => Ok(()),
        });
        verdict.map_err(|broken| self.finding(input, broken))
    }

    /// A finding of this target.
    pub fn finding(&self, input: &[u8], broken: Broken) -> Finding {
        Finding { target: self.target.name, input: input.to_vec(), broken }
    }
}

fn hash(bytes: &[u8]) -> u64 {
    Sha256::digest(bytes).iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

//! Broken bytes for everything that reads bytes from outside.
//!
//! Each decoder has a [`Target`] in [`targets`]: seeds that are right, and a function that decodes an input and checks the
//! laws that hold for whatever was taken, such as that what is written reads back. [`Mutator`] breaks the seeds,
//! [`Fuzzer`] runs a target on what comes out and turns a panic, a broken law or a long run into a [`Finding`].
//!
//! Place in the data's way: none; the program `skiff-fuzz` runs it for as long as one likes, and the test `seeds` runs a
//! little of every target with the suite. It needs no compiler but the stable one, and nothing that counts branches.
//!
//! Invariants:
//! - a seed number and a target's name decide all inputs and their order, so a finding can be found again;
//! - targets enter by the doors that other crates have, which is what hostile bytes have to pass too;
//! - a run leaves nothing behind: what it writes is in a temporary folder that goes with it.

pub mod archive;
pub mod catch;
pub mod fuzzer;
pub mod law;
pub mod memory;
pub mod mutate;
pub mod sample;
pub mod target;
pub mod targets;

pub use fuzzer::{Finding, Fuzzer};
pub use mutate::Mutator;
pub use target::{Broken, Target, Verdict};

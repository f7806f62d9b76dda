//! Every source file says at its top what it is; every crate more than a line.

use super::File;

/// Fewest lines of a crate's own documentation.
const CRATE_LINES: usize = 3;

pub fn check(files: &[File]) -> Vec<String> {
    files.iter().filter(|file| file.is_rust() && !file.is_generated()).filter_map(problem).collect()
}

fn problem(file: &File) -> Option<String> {
    let lines = file.text.lines().take_while(|line| line.starts_with("//!")).count();
    let path = file.path.display();
    let is_crate = file.path.ends_with("src/lib.rs");
    match lines {
        0 => Some(format!("{path}: does not start with //!")),
        1..CRATE_LINES if is_crate => {
            Some(format!("{path}: a crate says what it is for, its place and its invariants"))
        }
        _ => None,
    }
}

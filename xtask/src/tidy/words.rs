//! Words that mark unfinished work, and paths of the machine where somebody worked.

use super::File;

/// What must not be in a file, written so that this file does not hold it.
const FORBIDDEN: &[(&str, &str)] = &[
    ("to", "do!("),
    ("un", "implemented!("),
    ("TO", "DO"),
    ("FIX", "ME"),
    ("not yet ", "implemented"),
    ("not implemented ", "yet"),
    ("dummy ", "implementation"),
    ("/wo", "rk/"),
    ("/ro", "ot/.cargo"),
];

pub fn check(files: &[File]) -> Vec<String> {
    let forbidden: Vec<String> = FORBIDDEN.iter().map(|(head, tail)| format!("{head}{tail}")).collect();
    let checked = |file: &&File| !file.is_generated() && !file.path.ends_with("Cargo.lock");
    let mut out = Vec::new();
    for file in files.iter().filter(checked) {
        for (number, line) in file.text.lines().enumerate() {
            for word in forbidden.iter().filter(|word| line.contains(word.as_str())) {
                out.push(format!("{}:{}: {word:?} must not stay", file.path.display(), number + 1));
            }
        }
    }
    out
}

//! Small files with names that say something.

use super::File;

/// Most lines of a source file.
const MAX_LINES: usize = 600;
/// Names that say nothing about what is inside.
const FORBIDDEN: [&str; 6] = ["common", "helper", "helpers", "misc", "util", "utils"];

pub fn check(files: &[File]) -> Vec<String> {
    let mut out = Vec::new();
    for file in files.iter().filter(|file| file.is_rust() && !file.is_generated()) {
        let (path, lines) = (file.path.display(), file.text.lines().count());
        if lines > MAX_LINES {
            out.push(format!("{path}: {lines} lines, most are {MAX_LINES}"));
        }
        let parts = file.path.with_extension("");
        for part in parts.components().map(|part| part.as_os_str().to_string_lossy()) {
            if FORBIDDEN.contains(&part.as_ref()) {
                out.push(format!("{path}: {part:?} does not say what is inside"));
            }
        }
    }
    out
}

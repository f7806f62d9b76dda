//! `cargo xtask tidy`: rules of the house that no compiler checks. Each rule is a module with a `check` that returns what
//! is wrong, one line each.

mod arrows;
mod docs;
mod sizes;
mod words;

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file of the repository.
pub struct File {
    /// Path below the root.
    pub path: PathBuf,
    /// Its text; files that are no text are left out.
    pub text: String,
}

impl File {
    /// Whether `codegen` made the file.
    pub fn is_generated(&self) -> bool {
        self.path.components().any(|part| part.as_os_str() == "generated")
    }

    /// Whether it is Rust source.
    pub fn is_rust(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "rs")
    }
}

pub fn run(_arguments: &[String]) -> Result<()> {
    let problems = problems(&crate::root())?;
    for problem in &problems {
        eprintln!("{problem}");
    }
    match problems.len() {
        0 => {
            println!("tidy");
            Ok(())
        }
        count => bail!("{count} problems"),
    }
}

/// Everything that is wrong.
pub fn problems(root: &Path) -> Result<Vec<String>> {
    let files = files(root)?;
    let mut out = arrows::check(root)?;
    out.extend(docs::check(&files));
    out.extend(sizes::check(&files));
    out.extend(words::check(&files));
    Ok(out)
}

/// Files that are tracked or about to be: what `.gitignore` names is left out.
fn files(root: &Path) -> Result<Vec<File>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("run git ls-files")?;
    let names = String::from_utf8(output.stdout)?;
    Ok(names
        .split('\0')
        .filter(|name| !name.is_empty())
        .filter_map(|name| {
            let text = std::fs::read_to_string(root.join(name)).ok()?;
            Some(File { path: name.into(), text })
        })
        .collect())
}

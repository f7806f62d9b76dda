//! The real kubectls of this machine, each with its version.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A kubectl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubectl {
    path: PathBuf,
    minor: u32,
}

impl Kubectl {
    /// Every real kubectl on this machine, the oldest first: those that lie beside the real file of the one on PATH under
    /// names such as `kubectl.1.30`, or else that one.
    ///
    /// # Panics
    /// If there is none.
    pub fn all() -> Vec<Self> {
        let output = Command::new("sh")
            .args(["-c", "command -v kubectl"])
            .output()
            .expect("every machine has a shell");
        let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        let real = path.canonicalize().expect("kubectl is installed by `cargo xtask setup`");
        let beside =
            real.parent().and_then(|dir| std::fs::read_dir(dir).ok()).into_iter().flatten().flatten();
        let mut all: Vec<Self> = beside.filter_map(|entry| Self::named(entry.path())).collect();
        all.sort_by_key(|kubectl| kubectl.minor);
        if all.is_empty() { vec![Self { minor: asked(&path), path }] } else { all }
    }

    fn named(path: PathBuf) -> Option<Self> {
        let minor = path.file_name()?.to_str()?.strip_prefix("kubectl.1.")?.parse().ok()?;
        Some(Self { path, minor })
    }

    /// The program.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The minor version: 30 of 1.30.
    pub fn minor(&self) -> u32 {
        self.minor
    }
}

/// The minor version that a kubectl says it has.
fn asked(path: &Path) -> u32 {
    let output =
        Command::new(path).args(["version", "--client", "-o", "json"]).output().expect("kubectl starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let (_, minor) = text.split_once("\"minor\": \"").expect("kubectl tells its version");
    let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a version is a number")
}

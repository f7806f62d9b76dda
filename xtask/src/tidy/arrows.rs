//! Which crate may use which. Dependencies point downward only; `storage` and `client` never see each other; nothing knows
//! the binary. Dev-dependencies are free, because tests put parts together.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// Crates and the crates of ours that each may use. Leaf libraries use none.
const ARROWS: &[(&str, &[&str])] = &[
    // leaves
    ("apimachinery", &[]),
    ("cri", &[]),
    ("nftables", &[]),
    ("pki", &[]),
    ("shim", &[]),
    ("streaming", &[]),
    ("telemetry", &[]),
    // the API
    ("cel", &["apimachinery"]),
    ("api", &["apimachinery", "cel"]),
    ("storage", &["apimachinery", "telemetry"]),
    ("apiserver", &["api", "apimachinery", "cel", "pki", "storage", "streaming", "telemetry"]),
    // what speaks it
    ("client", &["api", "apimachinery", "pki", "telemetry"]),
    ("controller-manager", &["api", "apimachinery", "client", "pki", "telemetry"]),
    ("scheduler", &["api", "apimachinery", "client", "telemetry"]),
    ("runtime", &["cri", "shim", "streaming", "telemetry"]),
    ("network", &["cri", "nftables", "telemetry"]),
    ("proxy", &["apimachinery", "client", "nftables", "telemetry"]),
    ("dns", &["apimachinery", "client", "telemetry"]),
    ("kubelet", &["api", "apimachinery", "client", "cri", "pki", "streaming", "telemetry"]),
    ("testkit", &["apimachinery", "client"]),
];

/// The binary: it may use every crate, and no crate may use it.
const BINARY: &str = "skiff";

pub fn check(root: &Path) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for (name, uses) in crates(root)? {
        if name == BINARY {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            out.push(format!("crates/{name}: not in the table of arrows (xtask/src/tidy/arrows.rs)"));
            continue;
        };
        for used in uses.iter().filter(|used| !allowed.contains(&used.as_str())) {
            out.push(format!("crates/{name}/Cargo.toml: {name} must not use {used}"));
        }
    }
    Ok(out)
}

/// Crates and what their `[dependencies]` and `[build-dependencies]` name of ours.
fn crates(root: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let mut out = BTreeMap::new();
    for entry in std::fs::read_dir(root.join("crates")).context("list crates")? {
        let entry = entry?;
        let Ok(manifest) = std::fs::read_to_string(entry.path().join("Cargo.toml")) else { continue };
        out.insert(entry.file_name().to_string_lossy().into_owned(), used(&manifest));
    }
    Ok(out)
}

fn used(manifest: &str) -> Vec<String> {
    let mut section = "";
    let mut out = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if !section.contains("dev-dependencies")
            && section.contains("dependencies")
            && let Some(rest) = line.strip_prefix("skiff-")
        {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
            out.push(rest[..end].to_owned());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_of_ours_are_found_outside_of_tests() {
        let manifest = "[dependencies]\nskiff-api.workspace = true\nserde = \"1\"\n[dev-dependencies]\nskiff-testkit = {}\n";
        assert_eq!(used(manifest), ["api"]);
    }

    #[test]
    fn arrows_point_downward() {
        let order: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
        for (at, (name, uses)) in ARROWS.iter().enumerate() {
            for used in *uses {
                let below = order.iter().position(|known| known == used);
                assert!(below.is_some_and(|below| below < at), "{name} uses {used}");
            }
        }
    }
}

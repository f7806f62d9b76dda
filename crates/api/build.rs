//! Extracts the field descriptions for OpenAPI and `kubectl explain` from the source of the `k8s-openapi` dependency
//! into one compressed table, so that the repository holds no copy of them.
//!
//! Table: a line `=DEFINITION<tab>TEXT` for each type, then `FIELD<tab>TEXT` for each field; line ends inside texts are
//! the character U+0001.

use anyhow::{Context, Result, ensure};
use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of `k8s-openapi` that describes the release which the tables are generated from.
const RELEASE: &str = "src/v1_35";

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let source = dependency_source("k8s-openapi")?.join(RELEASE);
    println!("cargo::rerun-if-changed={}", source.display());
    let mut table = String::new();
    walk(&source, &mut table)?;
    ensure!(table.len() > 100_000, "{} holds no descriptions", source.display());
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("descriptions.zlib");
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(table.as_bytes())?;
    std::fs::write(out, encoder.finish()?)?;
    Ok(())
}

#[derive(serde::Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(serde::Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

/// Where cargo keeps a dependency's source: its registry, or a vendor folder. The network is only asked when packages of
/// the workspace that this build does not need were never fetched.
fn dependency_source(name: &str) -> Result<PathBuf> {
    let metadata = metadata(&["--offline"]).or_else(|_| metadata(&[]))?;
    let package = metadata.packages.into_iter().find(|package| package.name == name);
    let package = package.with_context(|| format!("{name} is no dependency"))?;
    Ok(package.manifest_path.parent().context("a manifest has a folder")?.to_path_buf())
}

fn metadata(options: &[&str]) -> Result<Metadata> {
    let output = Command::new(std::env::var("CARGO")?)
        .args(["metadata", "--format-version", "1"])
        .args(options)
        .args(["--filter-platform", &std::env::var("TARGET")?, "--manifest-path"])
        .arg(Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("Cargo.toml"))
        .output()
        .context("run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn walk(folder: &Path, table: &mut String) -> Result<()> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(|| format!("list {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, table)?;
        } else {
            extract(&std::fs::read_to_string(&path)?, table);
        }
    }
    Ok(())
}

/// One file holds one type: its name in the first line, its texts as doc comments, its JSON names in its deserializer.
fn extract(text: &str, table: &mut String) {
    let Some(definition) = text.lines().next().and_then(|l| l.strip_prefix("// Generated from definition "))
    else {
        return;
    };
    let names: HashMap<&str, &str> = text.lines().filter_map(json_name).collect();
    let mut comment: Vec<&str> = Vec::new();
    for line in text.lines().skip(1) {
        let line = line.trim();
        if let Some(part) = line.strip_prefix("///") {
            comment.push(part.strip_prefix(' ').unwrap_or(part));
        } else if let Some(rest) = line.strip_prefix("pub ") {
            let text = comment.join("\u{1}");
            match rest.split_once(':') {
                Some((field, _)) if !field.contains(' ') => {
                    let name = names.get(field).copied().unwrap_or(field);
                    table.push_str(&format!("{name}\t{text}\n"));
                }
                _ if rest.starts_with("struct") || rest.starts_with("enum") => {
                    table.push_str(&format!("={definition}\t{text}\n"));
                }
                _ => {}
            }
            comment.clear();
        } else if line.starts_with("impl") {
            break;
        } else if !line.starts_with('#') {
            comment.clear();
        }
    }
}

/// `"clusterIP" => Field::Key_cluster_ip,` names the JSON form of `cluster_ip`.
fn json_name(line: &str) -> Option<(&str, &str)> {
    let (json, rust) = line.trim().strip_prefix('"')?.split_once("\" => Field::Key_")?;
    Some((rust.trim_end_matches(','), json))
}

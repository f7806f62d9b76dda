//! Builds the shim as a small static program, which the runtime embeds.
//!
//! It is built by a cargo of its own, in a target folder of its own: its code generation differs (static, for size), and the outer cargo's
//! folder is locked.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

fn main() {
    let manifest_dir = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let shim = manifest_dir.join("../shim");
    for input in ["src", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", shim.join(input).display());
    }
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let target = env::var("TARGET").expect("cargo sets it");
    let target_dir = out_dir.join("shim");
    let status = Command::new(env::var_os("CARGO").expect("cargo sets it"))
        .args(["build", "--release", "--bin", "skiff-shim", "--locked", "--quiet"])
        .args(["--target", &target])
        .arg("--target-dir")
        .arg(&target_dir)
        .arg("--manifest-path")
        .arg(shim.join("Cargo.toml"))
        // Flags and wrappers of the outer build are not meant for this program.
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("CLIPPY_ARGS")
        .env("RUSTFLAGS", "-C target-feature=+crt-static -C relocation-model=static")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s")
        .env("CARGO_PROFILE_RELEASE_LTO", "fat")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the shim does not build");
    let built = target_dir.join(&target).join("release/skiff-shim");
    fs::copy(&built, out_dir.join("skiff-shim")).expect("the shim was built");
}

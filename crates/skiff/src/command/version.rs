//! `skiff version`.

/// Version of this program.
pub(crate) const SKIFF: &str = env!("CARGO_PKG_VERSION");
/// Version of Kubernetes whose API is served.
pub(crate) const KUBERNETES: &str = "v1.35.0";

/// Prints both versions.
pub(super) fn run() -> anyhow::Result<()> {
    println!("skiff v{SKIFF}\nKubernetes {KUBERNETES}");
    Ok(())
}

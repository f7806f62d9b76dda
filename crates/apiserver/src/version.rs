//! `/version`: which Kubernetes this is.

use skiff_apimachinery::{Document, doc};

/// Major version.
pub const MAJOR: &str = "1";
/// Minor version.
pub const MINOR: &str = "35";
/// The release whose API is served.
pub const GIT_VERSION: &str = "v1.35.0";
/// The commit that was built.
pub const GIT_COMMIT: &str = match option_env!("SKIFF_COMMIT") {
    Some(commit) => commit,
    None => "",
};
/// Whether the commit was all that was built.
pub const GIT_TREE_STATE: &str = "clean";
/// When it was built.
pub const BUILD_DATE: &str = match option_env!("SKIFF_BUILD_DATE") {
    Some(date) => date,
    None => "1970-01-01T00:00:00Z",
};
/// No Go was used.
pub const GO_VERSION: &str = "";
/// What it was built with.
pub const COMPILER: &str = "rustc";

/// Operating system and architecture, as Go names them.
pub fn platform() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{}/{architecture}", std::env::consts::OS)
}

/// The document.
pub fn document() -> Document {
    doc!({
        "major": MAJOR,
        "minor": MINOR,
        "emulationMajor": MAJOR,
        "emulationMinor": MINOR,
        "minCompatibilityMajor": MAJOR,
        "minCompatibilityMinor": "34",
        "gitVersion": GIT_VERSION,
        "gitCommit": GIT_COMMIT,
        "gitTreeState": GIT_TREE_STATE,
        "buildDate": BUILD_DATE,
        "goVersion": GO_VERSION,
        "compiler": COMPILER,
        "platform": platform()
    })
}

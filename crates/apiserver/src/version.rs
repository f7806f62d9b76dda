//! `/version`: which Kubernetes this is.

use skiff_apimachinery::{Document, doc};

/// Major version.
pub const MAJOR: &str = "1";
/// Minor version.
pub const MINOR: &str = "35";
/// The release whose API is served.
pub const GIT_VERSION: &str = "v1.35.0";

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
        "gitCommit": option_env!("SKIFF_COMMIT").unwrap_or(""),
        "gitTreeState": "clean",
        "buildDate": option_env!("SKIFF_BUILD_DATE").unwrap_or("1970-01-01T00:00:00Z"),
        "goVersion": "",
        "compiler": "rustc",
        "platform": platform()
    })
}

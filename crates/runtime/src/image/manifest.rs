//! Manifests and indexes of OCI and Docker, as far as they matter here.

use super::digest::Digest;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Media types that are asked for, the most wanted first.
pub const ACCEPTED: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// An index or a manifest; what it has tells which it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Of an index: the manifests of its platforms.
    pub manifests: Option<Vec<Descriptor>>,
    /// Of a manifest: the image configuration.
    pub config: Option<Descriptor>,
    /// Of a manifest: the layers, lowest first.
    #[serde(default)]
    pub layers: Vec<Descriptor>,
}

/// Points to content.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Its digest.
    pub digest: Digest,
    /// Its length.
    #[serde(default)]
    pub size: u64,
    /// The platform that it is for.
    pub platform: Option<Platform>,
    /// Names and other notes.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// A platform.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Platform {
    /// `linux`.
    #[serde(default)]
    pub os: String,
    /// Go's name of the processor architecture.
    #[serde(default)]
    pub architecture: String,
}

impl Platform {
    /// True if this machine runs it.
    pub fn is_native(&self) -> bool {
        self.os == "linux" && self.architecture == native_architecture()
    }
}

/// Go's name of this machine's architecture.
pub fn native_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

/// The manifest for this machine in an index. A single one without a platform is taken as it is.
pub fn select(manifests: &[Descriptor]) -> Option<&Descriptor> {
    manifests
        .iter()
        .find(|descriptor| descriptor.platform.as_ref().is_some_and(Platform::is_native))
        .or_else(|| manifests.iter().find(|descriptor| descriptor.platform.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_native_platform_is_selected() {
        let index = |architecture: &str| {
            format!(
                r#"{{"manifests":[{{"digest":"sha256:{}","size":1,"platform":{{"os":"linux","architecture":"other"}}}},
                {{"digest":"sha256:{}","size":1,"platform":{{"os":"linux","architecture":"{architecture}"}}}}]}}"#,
                "1".repeat(64),
                "2".repeat(64)
            )
        };
        let parsed: Manifest = serde_json::from_str(&index(native_architecture())).unwrap();
        assert_eq!(select(&parsed.manifests.unwrap()).unwrap().digest.digits(), "2".repeat(64));
        let parsed: Manifest = serde_json::from_str(&index("another")).unwrap();
        assert!(select(&parsed.manifests.unwrap()).is_none());
    }
}

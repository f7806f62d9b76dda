//! Manifests and indexes of an image layout that is right in everything else.

use crate::archive::{Item, config, digest, import, layout, tar};
use crate::{Target, Verdict};

/// See [`Target`].
pub const TARGET: Target = Target { name: "oci_manifest", seeds: &[], made, run };

/// A manifest of an image with one layer.
pub(super) fn manifest(config: &[u8], layer: &[u8]) -> String {
    format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}},"layers":[{{"digest":"{}","size":{}}}]}}"#,
        digest(config),
        config.len(),
        digest(layer),
        layer.len()
    )
}

fn parts() -> (Vec<u8>, Vec<u8>) {
    let layer = tar(&[Item::File("a", b"x")]);
    (config(&[&layer]), layer)
}

fn made() -> Vec<Vec<u8>> {
    let (config, layer) = parts();
    let manifest = manifest(&config, &layer);
    let index = |platform: &str| {
        let digest = digest(manifest.as_bytes());
        format!(r#"{{"manifests":[{{"digest":"{digest}","size":1{platform}}}]}}"#).into_bytes()
    };
    let platform = r#","platform":{"os":"linux","architecture":"amd64"}"#;
    vec![index(""), index(platform), manifest.clone().into_bytes()]
}

/// The blobs beside the input are those that the seeds name.
fn run(input: &[u8]) -> Verdict {
    let (config, layer) = parts();
    let manifest = manifest(&config, &layer);
    import(&layout(input, &[manifest.as_bytes(), &config, &layer]))
}

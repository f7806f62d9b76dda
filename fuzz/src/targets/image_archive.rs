//! Image archives: what `docker save` writes, and OCI image layouts.

use crate::archive::{Item, config, docker, import_both, layout, tar};
use crate::{Target, Verdict};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// See [`Target`].
pub const TARGET: Target = Target { name: "image_archive", seeds: &[b"not an archive"], made, run };

fn made() -> Vec<Vec<u8>> {
    let layer = tar(&[Item::File("a", b"x")]);
    let config = config(&[&layer]);
    let manifest = super::oci_manifest::manifest(&config, &layer);
    let saved = docker(&config, &[&layer]);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    // Memory takes everything.
    let _ = packed.write_all(&saved);
    vec![packed.finish().unwrap_or_default(), saved, layout(manifest.as_bytes(), &[&config, &layer])]
}

fn run(input: &[u8]) -> Verdict {
    import_both(input)
}

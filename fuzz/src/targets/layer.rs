//! Layers: names that lead out, links, whiteouts. Unpacking needs root for some of it; without, that part is refused.

use crate::archive::{self, Item, config, docker, import, mended};
use crate::{Target, Verdict};
use tar::EntryType;

/// See [`Target`].
pub const TARGET: Target = Target { name: "layer", seeds: &[], made, run };

fn made() -> Vec<Vec<u8>> {
    let outward = archive::tar(&[
        Item::Other(EntryType::Symlink, "out", ".."),
        Item::File("out/../escaped", b"x"),
        Item::File("../escaped", b"x"),
        Item::File("/absolute", b"x"),
    ]);
    let replaced = archive::tar(&[
        Item::File("a/b", b"x"),
        Item::Other(EntryType::Symlink, "a", "/"),
        Item::Other(EntryType::Directory, "a/", ""),
        Item::Other(EntryType::Link, "c", "a/b"),
        Item::File(".wh.a", b""),
        Item::File(".wh...", b""),
    ]);
    vec![archive::layer(), outward, replaced]
}

/// The input is the only layer of an image whose configuration has its digest.
fn run(input: &[u8]) -> Verdict {
    for layer in [input.to_vec(), mended(input)] {
        import(&docker(&config(&[&layer]), &[&layer]))?;
    }
    Ok(())
}

//! Configurations of an image that is right in everything else.

use crate::archive::{Item, config, docker, import, tar};
use crate::{Target, Verdict};

/// See [`Target`].
pub const TARGET: Target =
    Target { name: "image_config", seeds: &[br#"{"rootfs":{"diff_ids":[]}}"#], made, run };

fn layer() -> Vec<u8> {
    tar(&[Item::File("a", b"x")])
}

fn made() -> Vec<Vec<u8>> {
    vec![config(&[&layer()])]
}

fn run(input: &[u8]) -> Verdict {
    import(&docker(input, &[]))?;
    import(&docker(input, &[&layer()]))
}

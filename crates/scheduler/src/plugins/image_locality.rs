//! Nodes that have a pod's images already are better, the larger the images the more.

use super::{MAX_SCORE, Plugin};
use crate::node::Node;
use crate::pod::Pod;

/// Images smaller than this do not matter, in bytes.
const MIN_SIZE: i64 = 23 * 1024 * 1024;
/// Per container, more than this does not count, in bytes.
const MAX_SIZE: i64 = 1000 * 1024 * 1024;

/// The plugin.
pub struct ImageLocality;

impl Plugin for ImageLocality {
    fn name(&self) -> &'static str {
        "ImageLocality"
    }

    fn scores(&self, pod: &Pod) -> bool {
        !pod.images.is_empty()
    }

    fn score(&self, pod: &Pod, node: &Node) -> i64 {
        let sum: i64 = pod.images.iter().filter_map(|image| node.images.get(image)).sum();
        let max = MAX_SIZE * pod.images.len() as i64;
        (sum.clamp(MIN_SIZE, max) - MIN_SIZE) * MAX_SCORE / (max - MIN_SIZE)
    }
}

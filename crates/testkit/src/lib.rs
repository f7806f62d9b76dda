//! What tests share: real clusters, images, a registry

pub mod netns;

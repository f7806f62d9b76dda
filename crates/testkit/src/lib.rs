//! What tests share: real clusters, images, a registry

pub mod memory_api;
pub mod netns;
pub mod traffic;

//! One decoder a file, all of the shape of [`Target`].

mod apply;
mod conform;
mod continue_token;
mod cri_log;
mod dns;
mod field_selector;
mod field_set;
mod go_duration;
mod image_archive;
mod image_config;
mod int_or_string;
mod json;
mod json_patch;
mod kubeconfig;
mod kubelet_configuration;
mod label_selector;
mod layer;
mod merge_patch;
mod oci_manifest;
mod protobuf;
mod quantity;
mod spdy;
mod strategic_patch;
mod structural;
mod time;
mod token;
mod websocket;
mod yaml;

use crate::Target;

static ALL: &[Target] = &[
    apply::TARGET,
    conform::TARGET,
    continue_token::TARGET,
    cri_log::TARGET,
    dns::TARGET,
    field_selector::TARGET,
    field_set::TARGET,
    go_duration::TARGET,
    image_archive::TARGET,
    image_config::TARGET,
    int_or_string::TARGET,
    json::TARGET,
    json_patch::TARGET,
    kubeconfig::TARGET,
    kubelet_configuration::TARGET,
    label_selector::TARGET,
    layer::TARGET,
    merge_patch::TARGET,
    oci_manifest::TARGET,
    protobuf::TARGET,
    quantity::TARGET,
    spdy::TARGET,
    strategic_patch::TARGET,
    structural::TARGET,
    time::TARGET,
    token::TARGET,
    websocket::TARGET,
    yaml::TARGET,
];

/// All targets, in the order of their names.
pub fn all() -> &'static [Target] {
    ALL
}

//! The parts of an OpenAPI v2 document that carry facts.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The document.
#[derive(Deserialize)]
pub struct Document {
    pub definitions: BTreeMap<String, Schema>,
    pub paths: BTreeMap<String, Item>,
}

/// A definition, a property, or what a list or map holds.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Schema {
    #[serde(rename = "type")]
    pub ty: Option<String>,
    pub format: Option<String>,
    #[serde(rename = "$ref")]
    pub reference: Option<String>,
    pub properties: BTreeMap<String, Schema>,
    pub required: Vec<String>,
    pub items: Option<Box<Schema>>,
    #[serde(rename = "additionalProperties")]
    pub values: Option<Box<Schema>>,
    #[serde(rename = "x-kubernetes-list-type")]
    pub list_type: Option<String>,
    #[serde(rename = "x-kubernetes-list-map-keys")]
    pub list_map_keys: Vec<String>,
    #[serde(rename = "x-kubernetes-map-type")]
    pub map_type: Option<String>,
    #[serde(rename = "x-kubernetes-patch-strategy")]
    pub patch_strategy: Option<String>,
    #[serde(rename = "x-kubernetes-patch-merge-key")]
    pub patch_merge_key: Option<String>,
    #[serde(rename = "x-kubernetes-group-version-kind")]
    pub kinds: Vec<Kind>,
    #[serde(rename = "x-kubernetes-unions")]
    pub unions: Vec<Union>,
}

/// Fields of which one may be set, told by a discriminator.
#[derive(Deserialize)]
pub struct Union {
    pub discriminator: String,
    #[serde(rename = "fields-to-discriminateBy")]
    pub fields: BTreeMap<String, String>,
}

/// A group, version and kind.
#[derive(Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    pub group: String,
    pub version: String,
    pub kind: String,
}

/// The operations of a path.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Item {
    pub get: Option<Operation>,
    pub put: Option<Operation>,
    pub post: Option<Operation>,
    pub delete: Option<Operation>,
    pub patch: Option<Operation>,
}

/// What a method on a path does.
#[derive(Deserialize)]
pub struct Operation {
    #[serde(rename = "x-kubernetes-action")]
    pub action: Option<String>,
    #[serde(rename = "x-kubernetes-group-version-kind")]
    pub kind: Option<Kind>,
}

/// Reads the document.
pub fn read(path: &Path) -> Result<Document> {
    let text = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("parse {}", path.display()))
}

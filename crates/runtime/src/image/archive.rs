//! Takes in image archives: what `docker save` writes, OCI image layouts, and files that are both.
//!
//! An archive may name content before or after it comes, so its files are spread in a temporary folder first.

use super::digest::Digest;
use super::layer::{self, TemporaryFolder};
use super::manifest::{Descriptor, Manifest, Platform, select};
use super::reference::Reference;
use super::store::{ImageStore, NewImage, parse_config};
use super::{ImageError, ImageOutcome};
use crate::error::{At, RuntimeError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use tar::{Archive, EntryType};

/// More files than any sane archive has.
const MAX_FILES: usize = 100_000;
/// More bytes than any sane archive has.
const MAX_BYTES: u64 = 64 << 30;
/// Documents are not bigger.
const MAX_DOCUMENT: u64 = 8 << 20;
/// Indexes are not nested deeper.
const MAX_NESTING: usize = 4;

/// Takes an archive in; returns the names of its images, or ids of those without a name.
pub fn import(store: &ImageStore, archive: impl Read) -> ImageOutcome<Vec<String>> {
    let _layers = store.hold_layers()?;
    let spread = Spread::of(store, archive)?;
    let mut names = BTreeSet::new();
    if spread.has("index.json") {
        names.extend(import_layout(store, &spread)?);
    }
    if spread.has("manifest.json") {
        names.extend(import_docker(store, &spread)?);
    }
    if names.is_empty() {
        return Err(ImageError::Archive("it has no image for this machine".to_owned()).into());
    }
    // An image that one of the two descriptions leaves without a name has it from the other.
    let named: Vec<String> = names.iter().filter(|name| !name.starts_with("sha256:")).cloned().collect();
    Ok(if named.is_empty() { names.into_iter().collect() } else { named })
}

/// An entry of Docker's manifest.json.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

fn import_layout(store: &ImageStore, spread: &Spread) -> ImageOutcome<Vec<String>> {
    let index: Manifest = spread.document("index.json")?;
    let mut names = Vec::new();
    for descriptor in index.manifests.unwrap_or_default() {
        if descriptor.platform.as_ref().is_some_and(|platform| !is_wanted(platform)) {
            continue;
        }
        let Some(manifest) = resolve(spread, &descriptor)? else { continue };
        let Some(config) = &manifest.config else { continue };
        let config_bytes = spread.blob(&config.digest)?;
        let paths: Vec<String> = manifest.layers.iter().map(|layer| blob_path(&layer.digest)).collect();
        unpack_layers(store, spread, &config_bytes, &paths)?;
        let references = layout_names(&descriptor);
        let size = config.size + manifest.layers.iter().map(|layer| layer.size).sum::<u64>();
        names.extend(references.iter().map(Reference::name));
        let image =
            NewImage { config: &config_bytes, manifest: Some(descriptor.digest), names: references, size };
        names.push(store.add(image)?.to_string());
    }
    Ok(names)
}

fn import_docker(store: &ImageStore, spread: &Spread) -> ImageOutcome<Vec<String>> {
    let mut names = Vec::new();
    for image in spread.document::<Vec<DockerImage>>("manifest.json")? {
        let config_bytes = spread.read(&image.config)?;
        unpack_layers(store, spread, &config_bytes, &image.layers)?;
        let tags = image.repo_tags.unwrap_or_default();
        let references = tags.iter().map(|tag| Reference::parse(tag)).collect::<Result<Vec<_>, _>>()?;
        let layers: u64 = image.layers.iter().map(|path| spread.length(path)).sum();
        names.extend(references.iter().map(Reference::name));
        let size = config_bytes.len() as u64 + layers;
        let new = NewImage { config: &config_bytes, manifest: None, names: references, size };
        names.push(store.add(new)?.to_string());
    }
    Ok(names)
}

fn unpack_layers(store: &ImageStore, spread: &Spread, config: &[u8], paths: &[String]) -> ImageOutcome<()> {
    let layers = layer::chain(&parse_config(config)?.rootfs.diff_ids);
    if layers.len() != paths.len() {
        return Err(ImageError::Archive("manifest and configuration disagree about layers".to_owned()).into());
    }
    for (position, (id, path)) in layers.iter().zip(paths).enumerate() {
        let below: Vec<String> = layers[..position].iter().map(|layer| layer.key.clone()).collect();
        layer::unpack_layer(&store.layers(), id, &below, spread.open(path)?)?;
    }
    Ok(())
}

/// Follows indexes down to the manifest for this machine.
fn resolve(spread: &Spread, descriptor: &Descriptor) -> ImageOutcome<Option<Manifest>> {
    let mut digest = descriptor.digest.clone();
    for _ in 0..MAX_NESTING {
        let bytes = spread.blob(&digest)?;
        let manifest: Manifest = parse(&bytes, "manifest")?;
        match &manifest.manifests {
            None => return Ok(Some(manifest)),
            Some(manifests) => match select(manifests) {
                Some(selected) => digest = selected.digest.clone(),
                None => return Ok(None),
            },
        }
    }
    Err(ImageError::Archive("indexes are nested too deep".to_owned()).into())
}

fn is_wanted(platform: &Platform) -> bool {
    platform.os.is_empty() || platform.is_native()
}

/// containerd notes the full name; others only a tag, which is a name if it says more than that.
fn layout_names(descriptor: &Descriptor) -> Vec<Reference> {
    let full = descriptor.annotations.get("io.containerd.image.name");
    let short = descriptor
        .annotations
        .get("org.opencontainers.image.ref.name")
        .filter(|name| name.contains(['/', ':']));
    full.or(short).and_then(|name| Reference::parse(name).ok()).into_iter().collect()
}

fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.digits())
}

fn parse<T: DeserializeOwned>(bytes: &[u8], what: &str) -> ImageOutcome<T> {
    serde_json::from_slice(bytes)
        .map_err(|error| RuntimeError::Image(ImageError::Archive(format!("malformed {what}: {error}"))))
}

/// An archive's files in a temporary folder.
struct Spread {
    #[allow(dead_code, reason = "its drop removes the files")]
    folder: TemporaryFolder,
    files: BTreeMap<String, Stored>,
}

enum Stored {
    File(PathBuf, u64),
    /// Old versions of Docker write a layer once and link to it.
    Link(String),
}

impl Spread {
    fn of(store: &ImageStore, archive: impl Read) -> ImageOutcome<Self> {
        let broken = |error: std::io::Error| ImageError::Archive(error.to_string());
        let folder = TemporaryFolder::new(&store.workspace())?;
        let mut files = BTreeMap::new();
        let mut bytes = 0;
        let mut archive = Archive::new(layer::decompress(archive).map_err(broken)?);
        for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
            let mut entry = entry.map_err(broken)?;
            bytes += entry.size();
            if count >= MAX_FILES || bytes > MAX_BYTES {
                return Err(ImageError::Archive("it is too big".to_owned()).into());
            }
            let name = normal(&entry.path().map_err(broken)?.to_string_lossy());
            let stored = match entry.header().entry_type() {
                EntryType::Regular => {
                    let path = folder.path.join(count.to_string());
                    let mut file = File::create(&path).at("create", &path)?;
                    let length = std::io::copy(&mut entry, &mut file).map_err(broken)?;
                    Stored::File(path, length)
                }
                EntryType::Symlink => {
                    let target = entry.link_name().map_err(broken)?.unwrap_or_default();
                    let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
                    Stored::Link(normal(&format!("{parent}/{}", target.to_string_lossy())))
                }
                EntryType::Link => {
                    let target = entry.link_name().map_err(broken)?.unwrap_or_default();
                    Stored::Link(normal(&target.to_string_lossy()))
                }
                _ => continue,
            };
            files.insert(name, stored);
        }
        Ok(Self { folder, files })
    }

    fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    fn locate(&self, name: &str) -> ImageOutcome<(&PathBuf, u64)> {
        let missing = || ImageError::Archive(format!("{name} is missing"));
        let target = match self.files.get(&normal(name)).ok_or_else(missing)? {
            Stored::File(path, length) => return Ok((path, *length)),
            Stored::Link(target) => target,
        };
        match self.files.get(target) {
            Some(Stored::File(path, length)) => Ok((path, *length)),
            _ => Err(missing().into()),
        }
    }

    fn length(&self, name: &str) -> u64 {
        self.locate(name).map_or(0, |(_, length)| length)
    }

    fn open(&self, name: &str) -> ImageOutcome<File> {
        let (path, _) = self.locate(name)?;
        File::open(path).at("open", path)
    }

    fn read(&self, name: &str) -> ImageOutcome<Vec<u8>> {
        if self.length(name) > MAX_DOCUMENT {
            return Err(ImageError::Archive(format!("{name} is too big")).into());
        }
        let (path, _) = self.locate(name)?;
        std::fs::read(path).at("read", path)
    }

    fn document<T: DeserializeOwned>(&self, name: &str) -> ImageOutcome<T> {
        parse(&self.read(name)?, name)
    }

    fn blob(&self, digest: &Digest) -> ImageOutcome<Vec<u8>> {
        let bytes = self.read(&blob_path(digest))?;
        digest.check("a blob of the archive", &Digest::of(&bytes))?;
        Ok(bytes)
    }
}

/// A name without `.`, `..` and empty parts. It is a key here and never a path.
fn normal(name: &str) -> String {
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

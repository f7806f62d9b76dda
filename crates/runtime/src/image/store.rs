//! The image store: an index of images and names, configurations, and unpacked layers.
//!
//! ```text
//! images/index.json       images by id, names and digests that stand for them; replaced under `lock`
//! images/ID.json          configurations
//! images/lock             held while the index is changed
//! images/use.lock         held (shared) while layers are made or taken into use, (exclusive) while unused ones are removed
//! layers/KEY/             see `layer`
//! ```
//! Nothing is cached across calls: another process may have changed it.

use super::config::ImageConfig;
use super::digest::Digest;
use super::layer::{self, LayerId, TEMPORARY};
use super::reference::Reference;
use super::{ImageError, ImageOutcome};
use crate::error::{At, RuntimeError};
use crate::layout::Layout;
use crate::record;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The images of a data directory. Usable with and without a running server, by several processes at once.
#[derive(Debug, Clone)]
pub struct ImageStore {
    layout: Layout,
}

/// An image as the command line lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSummary {
    /// Its id, `sha256:...`.
    pub id: String,
    /// Names with tag that stand for it.
    pub tags: Vec<String>,
    /// Names with digest that stand for it.
    pub digests: Vec<String>,
    /// Bytes to transfer it.
    pub size: u64,
}

impl ImageSummary {
    /// The tag that `asked` is written out, any other if there is none, else `asked` itself.
    pub fn name_like(&self, asked: &str) -> String {
        let full = Reference::parse(asked).map(|reference| reference.name()).unwrap_or_default();
        let same = self.tags.iter().find(|tag| **tag == full);
        same.or(self.tags.first()).map_or(asked, String::as_str).to_owned()
    }

    /// The name by digest in the repository of `name`, any other if there is none, else the id.
    pub fn reference_like(&self, name: &str) -> String {
        let repository = Reference::parse(name).map(|reference| reference.repository()).unwrap_or_default();
        let same = self.digests.iter().find(|digest| digest.split('@').next() == Some(repository.as_str()));
        same.or(self.digests.first()).unwrap_or(&self.id).clone()
    }
}

/// An image with what is needed to run it.
#[derive(Debug, Clone)]
pub struct Image {
    /// Names and size.
    pub summary: ImageSummary,
    /// Keys of its layers, lowest first.
    pub layers: Vec<String>,
    /// Its configuration.
    pub config: ImageConfig,
}

/// An image to be added: all but its layers, which are there by then.
pub struct NewImage<'a> {
    /// The configuration document as it came.
    pub config: &'a [u8],
    /// The manifest's digest, if there was a manifest.
    pub manifest: Option<Digest>,
    /// Full names to give it.
    pub names: Vec<Reference>,
    /// Bytes to transfer it.
    pub size: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Index {
    images: BTreeMap<Digest, IndexedImage>,
    tags: BTreeMap<String, Digest>,
    digests: BTreeMap<String, Digest>,
}

#[derive(Debug, Serialize, Deserialize)]
struct IndexedImage {
    size: u64,
    layers: Vec<String>,
}

/// While it lives, no layer is removed.
pub struct LayersInUse(#[allow(dead_code, reason = "it is held, not read")] File);

/// What of a container's record tells which layers it needs.
#[derive(Deserialize)]
struct LayersOfContainer {
    layers: Vec<String>,
}

impl ImageStore {
    /// Of a data directory, made where missing.
    pub fn open(data_dir: &Path) -> ImageOutcome<Self> {
        Ok(Self { layout: Layout::open(data_dir)? })
    }

    /// Of an open layout.
    pub(crate) fn of(layout: &Layout) -> Self {
        Self { layout: layout.clone() }
    }

    /// Takes in an archive made by `docker save` or an OCI layout, compressed or not; returns the names of its images.
    pub fn import(&self, archive: impl Read) -> ImageOutcome<Vec<String>> {
        super::archive::import(self, archive)
    }

    /// All images.
    pub fn list(&self) -> ImageOutcome<Vec<ImageSummary>> {
        let index = self.read_index()?;
        Ok(index.images.keys().map(|id| index.summary(id)).collect())
    }

    /// The image that an id, the start of an id, or a name stands for.
    pub fn find(&self, given: &str) -> ImageOutcome<Option<Image>> {
        let index = self.read_index()?;
        let Some(id) = index.resolve(given) else { return Ok(None) };
        let Some(indexed) = index.images.get(&id) else { return Ok(None) };
        let config = record::read(&self.config_path(&id))?
            .ok_or_else(|| ImageError::NotFound(format!("configuration of {id}")))?;
        Ok(Some(Image { summary: index.summary(&id), layers: indexed.layers.clone(), config }))
    }

    /// Removes a name, and with its last name the image; given an id, the image with all its names. False if there is none.
    pub fn remove(&self, given: &str) -> ImageOutcome<bool> {
        let removed = {
            let _lock = self.lock_index()?;
            let mut index = self.read_index()?;
            let Some(id) = index.resolve(given) else { return Ok(false) };
            let name = Reference::parse(given).map(|reference| reference.name()).unwrap_or_default();
            let by_name = index.tags.remove(&name).or_else(|| index.digests.remove(&name)).is_some();
            let named_still = index.tags.values().any(|other| *other == id);
            if !by_name || !named_still {
                index.forget(&id);
                // The index is what counts; a configuration alone is harmless.
                let _ = std::fs::remove_file(self.config_path(&id));
            }
            self.write_index(&index)?;
            true
        };
        self.sweep()?;
        Ok(removed)
    }

    /// Keeps layers from being removed until the result is dropped. Waits while some are.
    pub fn hold_layers(&self) -> ImageOutcome<LayersInUse> {
        self.lock("use.lock", FlockOperation::LockShared).map(LayersInUse)
    }

    /// True if a layer is there.
    pub(super) fn has_layer(&self, id: &LayerId) -> bool {
        self.layout.layers().join(&id.key).is_dir()
    }

    /// Folder for layers and for what is on its way to be one.
    pub(super) fn layers(&self) -> PathBuf {
        self.layout.layers()
    }

    /// Folder for downloads and the like.
    pub(super) fn workspace(&self) -> PathBuf {
        self.layout.images()
    }

    /// Adds an image whose layers are there, under its names; returns its id.
    pub(super) fn add(&self, image: NewImage<'_>) -> ImageOutcome<Digest> {
        let config: ImageConfig = parse_config(image.config)?;
        let id = Digest::of(image.config);
        let layers = layer::chain(&config.rootfs.diff_ids).into_iter().map(|layer| layer.key).collect();
        let _lock = self.lock_index()?;
        record::write_bytes(&self.config_path(&id), image.config)?;
        let mut index = self.read_index()?;
        index.images.insert(id.clone(), IndexedImage { size: image.size, layers });
        for name in &image.names {
            if name.digest.is_none() {
                index.tags.insert(name.name(), id.clone());
            } else {
                index.digests.insert(name.name(), id.clone());
            }
            if let Some(manifest) = &image.manifest {
                index.digests.insert(name.with_digest(manifest), id.clone());
            }
        }
        self.write_index(&index)?;
        Ok(id)
    }

    /// Removes layers that no image and no container needs, unless somebody is about to use some.
    pub fn sweep(&self) -> ImageOutcome<()> {
        let Ok(_lock) = self.lock("use.lock", FlockOperation::NonBlockingLockExclusive) else {
            return Ok(());
        };
        let index = self.read_index()?;
        let mut needed: BTreeSet<String> =
            index.images.values().flat_map(|image| image.layers.iter().cloned()).collect();
        for container in folder_names(&self.layout.containers()) {
            let path = self.layout.container(&container).join("record.json");
            if let Ok(Some(record)) = record::read::<LayersOfContainer>(&path) {
                needed.extend(record.layers);
            }
        }
        let unused = folder_names(&self.layout.layers()).into_iter().filter(|name| !needed.contains(name));
        for name in unused {
            let path = self.layout.layers().join(&name);
            // Renamed first: half a layer must never look like one.
            let doomed = self.layout.layers().join(format!("{TEMPORARY}{name}"));
            let path = if std::fs::rename(&path, &doomed).is_ok() { doomed } else { path };
            std::fs::remove_dir_all(&path).at("remove", &path)?;
        }
        for name in folder_names(&self.layout.images()).into_iter().filter(|name| name.starts_with(TEMPORARY))
        {
            let path = self.layout.images().join(name);
            std::fs::remove_dir_all(&path).at("remove", &path)?;
        }
        Ok(())
    }

    fn config_path(&self, id: &Digest) -> PathBuf {
        self.layout.images().join(format!("{}.json", id.digits()))
    }

    fn read_index(&self) -> ImageOutcome<Index> {
        Ok(record::read(&self.layout.images().join("index.json"))?.unwrap_or_default())
    }

    fn write_index(&self, index: &Index) -> ImageOutcome<()> {
        record::write(&self.layout.images().join("index.json"), index)
    }

    fn lock_index(&self) -> ImageOutcome<File> {
        self.lock("lock", FlockOperation::LockExclusive)
    }

    fn lock(&self, name: &str, operation: FlockOperation) -> ImageOutcome<File> {
        let path = self.layout.images().join(name);
        let file = File::options().create(true).append(true).open(&path).at("open", &path)?;
        rustix::fs::flock(&file, operation).at("lock", &path)?;
        Ok(file)
    }
}

impl Index {
    fn summary(&self, id: &Digest) -> ImageSummary {
        let names = |map: &BTreeMap<String, Digest>| {
            map.iter().filter(|(_, other)| *other == id).map(|(name, _)| name.clone()).collect()
        };
        ImageSummary {
            id: id.to_string(),
            tags: names(&self.tags),
            digests: names(&self.digests),
            size: self.images.get(id).map_or(0, |image| image.size),
        }
    }

    fn resolve(&self, given: &str) -> Option<Digest> {
        if let Ok(id) = Digest::try_from(given.to_owned()) {
            return self.images.contains_key(&id).then_some(id);
        }
        let named = Reference::parse(given).ok().and_then(|reference| {
            let name = reference.name();
            self.tags.get(&name).or_else(|| self.digests.get(&name)).cloned()
        });
        named.or_else(|| self.resolve_start(given))
    }

    fn resolve_start(&self, given: &str) -> Option<Digest> {
        let digits = given.strip_prefix("sha256:").unwrap_or(given);
        let mut matching = self.images.keys().filter(|id| id.digits().starts_with(digits));
        match (matching.next(), matching.next()) {
            (Some(only), None) if digits.len() >= 4 => Some(only.clone()),
            _ => None,
        }
    }

    fn forget(&mut self, id: &Digest) {
        self.images.remove(id);
        self.tags.retain(|_, other| other != id);
        self.digests.retain(|_, other| other != id);
    }
}

/// Parses a configuration document.
pub(super) fn parse_config(bytes: &[u8]) -> ImageOutcome<ImageConfig> {
    serde_json::from_slice(bytes).map_err(|error| {
        RuntimeError::Image(ImageError::Archive(format!("malformed image configuration: {error}")))
    })
}

fn folder_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

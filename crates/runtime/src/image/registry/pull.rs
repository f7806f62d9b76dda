//! The order of a pull: manifest, configuration, missing layers (some at once), then the image's entry in the store.

use super::session::{Session, failure};
use super::{Credentials, RegistryOptions, http};
use crate::error::{At, RuntimeError};
use crate::image::digest::{Digest, RunningDigest};
use crate::image::layer::{self, LayerId, TemporaryFolder};
use crate::image::manifest::{ACCEPTED, Descriptor, Manifest, select};
use crate::image::reference::Reference;
use crate::image::store::{ImageStore, NewImage, parse_config};
use crate::image::{ImageError, ImageOutcome};
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use http_body_util::BodyExt;
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;

/// Layers downloaded at once.
const PARALLEL: usize = 3;
/// Tries of a download that breaks.
const TRIES: usize = 3;
/// Indexes are not nested deeper.
const MAX_NESTING: usize = 3;

impl ImageStore {
    /// Pulls an image; returns its id.
    pub async fn pull(
        &self,
        image: &str,
        credentials: Credentials,
        options: &RegistryOptions,
    ) -> ImageOutcome<String> {
        let reference = Reference::parse(image)?;
        let session = Session::new(&reference, credentials, options)?;
        let (manifest_digest, manifest) = fetch_manifest(&session, &reference).await?;
        let config = manifest.config.ok_or_else(|| failure(&reference, "manifest without configuration"))?;
        let config_bytes = session.document(&format!("blobs/{}", config.digest), &[]).await?;
        config.digest.check("the image configuration", &Digest::of(&config_bytes))?;
        let layers = layer::chain(&parse_config(&config_bytes)?.rootfs.diff_ids);
        if layers.len() != manifest.layers.len() {
            return Err(failure(&reference, "manifest and configuration disagree about layers").into());
        }
        let holding = {
            let store = self.clone();
            blocking(move || store.hold_layers()).await?
        };
        self.fetch_layers(&session, &reference, &layers, &manifest.layers).await?;
        let size = config.size + manifest.layers.iter().map(|layer| layer.size).sum::<u64>();
        let new = NewImage {
            config: &config_bytes,
            manifest: Some(manifest_digest),
            names: vec![reference.clone()],
            size,
        };
        let id = self.add(new)?;
        drop(holding);
        Ok(id.to_string())
    }

    async fn fetch_layers(
        &self,
        session: &Session,
        reference: &Reference,
        layers: &[LayerId],
        descriptors: &[Descriptor],
    ) -> ImageOutcome<()> {
        let folder = TemporaryFolder::new(&self.workspace())?;
        let mut downloads: Vec<BoxFuture<'_, ImageOutcome<Option<usize>>>> = Vec::new();
        for (position, (id, descriptor)) in layers.iter().zip(descriptors).enumerate() {
            let path = folder.path.join(position.to_string());
            downloads.push(Box::pin(async move {
                if self.has_layer(id) {
                    return Ok(None);
                }
                download(session, reference, descriptor, &path).await?;
                Ok(Some(position))
            }));
        }
        // In order, because a layer is unpacked over those below.
        let mut arrivals = futures::stream::iter(downloads).buffered(PARALLEL);
        while let Some(arrival) = arrivals.try_next().await? {
            let Some(position) = arrival else { continue };
            let path = folder.path.join(position.to_string());
            let below: Vec<String> = layers[..position].iter().map(|layer| layer.key.clone()).collect();
            let (layers_folder, id) = (self.layers(), layers[position].clone());
            blocking(move || unpack_file(&layers_folder, &id, &below, &path)).await?;
        }
        Ok(())
    }
}

/// The manifest for this machine, with the digest that the name itself stands for: the index's, if there is one.
async fn fetch_manifest(session: &Session, reference: &Reference) -> ImageOutcome<(Digest, Manifest)> {
    let mut selector = reference.selector();
    let mut expected = reference.digest.clone();
    let mut named = None;
    for _ in 0..MAX_NESTING {
        let bytes = session.document(&format!("manifests/{selector}"), &ACCEPTED).await?;
        let found = Digest::of(&bytes);
        if let Some(expected) = &expected {
            expected.check("the manifest", &found)?;
        }
        let manifest: Manifest = serde_json::from_slice(&bytes)
            .map_err(|error| failure(reference, format_args!("malformed manifest: {error}")))?;
        let named = named.get_or_insert(found);
        let Some(manifests) = &manifest.manifests else { return Ok((named.clone(), manifest)) };
        let selected = select(manifests).ok_or_else(|| ImageError::Platform(reference.name()))?;
        selector = selected.digest.to_string();
        expected = Some(selected.digest.clone());
    }
    Err(failure(reference, "indexes are nested too deep").into())
}

async fn download(
    session: &Session,
    reference: &Reference,
    descriptor: &Descriptor,
    path: &Path,
) -> ImageOutcome<()> {
    let mut tries = 1;
    loop {
        match download_once(session, reference, descriptor, path).await {
            Err(RuntimeError::Image(ImageError::Registry { .. })) if tries < TRIES => tries += 1,
            result => return result,
        }
    }
}

async fn download_once(
    session: &Session,
    reference: &Reference,
    descriptor: &Descriptor,
    path: &Path,
) -> ImageOutcome<()> {
    let mut body = session.get(&format!("blobs/{}", descriptor.digest), &[]).await?.into_body();
    let mut file = tokio::fs::File::create(path).await.at("create", path)?;
    let (mut digest, mut length) = (RunningDigest::default(), 0);
    loop {
        let frame = tokio::time::timeout(http::SILENCE, body.frame())
            .await
            .map_err(|_| failure(reference, "the transfer stalled"))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| failure(reference, error))?;
        let Ok(bytes) = frame.into_data() else { continue };
        length += bytes.len() as u64;
        if length > descriptor.size {
            return Err(failure(reference, "a layer is longer than its manifest says").into());
        }
        digest.update(&bytes);
        file.write_all(&bytes).await.at("write", path)?;
    }
    file.flush().await.at("write", path)?;
    Ok(descriptor.digest.check("a layer", &digest.finish())?)
}

fn unpack_file(folder: &Path, id: &LayerId, below: &[String], path: &PathBuf) -> ImageOutcome<()> {
    layer::unpack_layer(folder, id, below, std::fs::File::open(path).at("open", path)?)?;
    std::fs::remove_file(path).at("remove", path)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> ImageOutcome<T> + Send + 'static,
) -> ImageOutcome<T> {
    tokio::task::spawn_blocking(work).await.map_err(RuntimeError::internal)?
}

//! Layers on disk: one folder for each, named after its chain (the layer with all below it), so that images share them.

use super::digest::{Digest, DigestReader};
use super::{ImageError, ImageOutcome, unpack};
use crate::error::At;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// How many digits of a chain's digest make its folder's name: 104 bits, short because all names of an image's layers have to fit into one page
/// of mount options.
const KEY_DIGITS: usize = 26;

/// A layer to be had: its key, and the digest of its uncompressed archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerId {
    /// The folder's name.
    pub key: String,
    /// Digest of the uncompressed archive.
    pub diff: Digest,
}

/// The layers of an image, lowest first.
pub fn chain(diff_ids: &[Digest]) -> Vec<LayerId> {
    let mut previous: Option<Digest> = None;
    diff_ids
        .iter()
        .map(|diff| {
            let chain = match &previous {
                None => diff.clone(),
                Some(below) => Digest::of(format!("{below} {diff}").as_bytes()),
            };
            let key = chain.digits()[..KEY_DIGITS].to_owned();
            previous = Some(chain);
            LayerId { key, diff: diff.clone() }
        })
        .collect()
}

/// Unpacks a layer, compressed or not, into the folder of layers. `below` are the keys of the layers below it, lowest first.
pub fn unpack_layer(layers: &Path, id: &LayerId, below: &[String], archive: impl Read) -> ImageOutcome<()> {
    let destination = layers.join(&id.key);
    if destination.is_dir() {
        return Ok(());
    }
    let temporary = TemporaryFolder::new(layers)?;
    let below: Vec<PathBuf> = below.iter().rev().map(|key| layers.join(key)).collect();
    let failed = |reason: String| ImageError::Layer { layer: id.diff.to_string(), reason };
    let plain = decompress(archive).map_err(|error| failed(error.to_string()))?;
    let mut reader = DigestReader::new(plain);
    unpack::unpack(&temporary.path, &below, &mut reader).map_err(|error| failed(error.to_string()))?;
    let found = reader.finish().map_err(|error| failed(error.to_string()))?;
    id.diff.check("the layer", &found)?;
    match std::fs::rename(&temporary.path, &destination) {
        // Another process has unpacked the same meanwhile.
        Err(_) if destination.is_dir() => Ok(()),
        result => result.at("put a layer in place at", &destination),
    }
}

/// Reads gzip, zstd or plain bytes, told apart by how they begin.
pub fn decompress<'a>(reader: impl Read + 'a) -> std::io::Result<Box<dyn Read + 'a>> {
    let mut reader = BufReader::with_capacity(128 * 1024, reader);
    let start = reader.fill_buf()?;
    Ok(if start.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::bufread::MultiGzDecoder::new(reader))
    } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(zstd::Decoder::with_buffer(reader)?)
    } else {
        Box::new(reader)
    })
}

/// Temporary folders begin with this; what a crash leaves is swept.
pub const TEMPORARY: &str = ".new-";

/// A folder that goes away unless it is renamed.
pub struct TemporaryFolder {
    /// Its path.
    pub path: PathBuf,
}

impl TemporaryFolder {
    /// In a folder.
    pub fn new(parent: &Path) -> ImageOutcome<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let path = parent.join(format!("{TEMPORARY}{}", uuid::Uuid::new_v4().simple()));
        std::fs::DirBuilder::new().mode(0o755).create(&path).at("create", &path)?;
        Ok(Self { path })
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // Renamed away is gone too.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_over_another_has_another_key_than_alone() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let alone = chain(std::slice::from_ref(&b));
        let over = chain(&[a.clone(), b.clone()]);
        assert_eq!(over[0], chain(&[a])[0]);
        assert_ne!(over[1].key, alone[0].key);
        assert_eq!(over[1].diff, alone[0].diff);
    }

    #[test]
    fn compression_is_recognised() {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"content").unwrap();
        let zstd = zstd::encode_all(&b"content"[..], 1).unwrap();
        for bytes in [gzip.finish().unwrap(), zstd, b"content".to_vec()] {
            let mut text = String::new();
            decompress(&*bytes).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "content");
        }
    }
}

//! Image archives: made for seeds, mended after mutation, taken in.

use crate::{Verdict, law};
use sha2::{Digest, Sha256};
use skiff_runtime::ImageStore;
use tar::{Builder, EntryType, Header};

/// Bytes of a tar header and of a block of content.
const BLOCK: usize = 512;
/// Most bytes that a sparse file may claim before an input is left out.
const SPARSE_MAX: u64 = 1 << 20;

/// An entry of an archive.
pub enum Item<'a> {
    /// A file with content.
    File(&'a str, &'a [u8]),
    /// Anything else: its kind, name and target.
    Other(EntryType, &'a str, &'a str),
}

/// `sha256:...` of bytes.
pub fn digest(bytes: &[u8]) -> String {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

/// An archive. Names are written byte by byte, because the builder refuses hostile ones.
pub fn tar(items: &[Item<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for item in items {
        let mut header = Header::new_gnu();
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        let (name, target, content) = match item {
            Item::File(name, content) => (*name, "", *content),
            Item::Other(kind, name, target) => {
                header.set_entry_type(*kind);
                (*name, *target, &[][..])
            }
        };
        let fields = header.as_old_mut();
        fields.name.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        fields.linkname.iter_mut().zip(target.bytes()).for_each(|(to, from)| *to = from);
        header.set_size(content.len() as u64);
        header.set_cksum();
        // Memory takes everything.
        let _ = builder.append(&header, content);
    }
    builder.into_inner().unwrap_or_default()
}

/// What `docker save` writes for an image of this configuration and these layers.
pub fn docker(config: &[u8], layers: &[&[u8]]) -> Vec<u8> {
    let names: Vec<String> = (0..layers.len()).map(|number| format!("{number}.tar")).collect();
    let listed: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    let manifest = format!(
        r#"[{{"Config":"config.json","RepoTags":["example.test/a:1"],"Layers":[{}]}}]"#,
        listed.join(",")
    );
    let mut items = vec![Item::File("config.json", config), Item::File("manifest.json", manifest.as_bytes())];
    items.extend(names.iter().zip(layers).map(|(name, layer)| Item::File(name, layer)));
    tar(&items)
}

/// An image layout whose index leads to this manifest, with more blobs beside it.
pub fn layout(manifest: &[u8], blobs: &[&[u8]]) -> Vec<u8> {
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"digest":"{}","size":{},"annotations":{{"io.containerd.image.name":"example.test/a:1"}}}}]}}"#,
        digest(manifest),
        manifest.len()
    );
    let path = |blob: &[u8]| format!("blobs/{}", digest(blob).replace(':', "/"));
    let mut named = vec![("index.json".to_owned(), index.as_bytes()), (path(manifest), manifest)];
    named.extend(blobs.iter().map(|blob| (path(blob), *blob)));
    let items: Vec<Item<'_>> = named.iter().map(|(name, content)| Item::File(name, content)).collect();
    tar(&items)
}

/// The configuration of an image with these layers.
pub fn config(layers: &[&[u8]]) -> Vec<u8> {
    let digests: Vec<String> = layers.iter().map(|layer| format!("{:?}", digest(layer))).collect();
    format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"User":"1000:1000","Env":["PATH=/bin"],"Entrypoint":["/a"],"Cmd":["b"],"WorkingDir":"/w","StopSignal":"SIGTERM"}},"rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#,
        digests.join(",")
    )
    .into_bytes()
}

/// A layer with something of everything.
pub fn layer() -> Vec<u8> {
    tar(&[
        Item::Other(EntryType::Directory, "etc/", ""),
        Item::File("./etc/a", b"text"),
        Item::Other(EntryType::Link, "etc/b", "etc/a"),
        Item::Other(EntryType::Symlink, "etc/c", "/etc/a"),
        Item::Other(EntryType::Symlink, "up", "../../../.."),
        Item::File("up/inside", b"x"),
        Item::File("etc/.wh.gone", b""),
        Item::File("etc/.wh..wh..opq", b""),
        Item::Other(EntryType::Fifo, "pipe", ""),
        Item::Other(EntryType::Char, "null", ""),
    ])
}

/// The archive with the checksums that its headers should have: without, hardly a mutation passes the first one.
pub fn mended(archive: &[u8]) -> Vec<u8> {
    let mut out = archive.to_vec();
    let mut at = 0;
    while let Some(header) = out.get_mut(at..at + BLOCK) {
        let content = size(&header[124..136]).unwrap_or(0);
        if header.iter().any(|byte| *byte != 0) {
            header[148..156].fill(b' ');
            let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
            header[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
        }
        let blocks = usize::try_from(content).unwrap_or(usize::MAX).div_ceil(BLOCK);
        at = at.saturating_add(BLOCK).saturating_add(blocks.saturating_mul(BLOCK));
        if at > out.len() {
            break;
        }
    }
    out
}

/// Takes an archive in, into a store that goes away again.
///
/// # Errors
/// If something is made beside the store, or what was taken in is not there.
pub fn import(archive: &[u8]) -> Verdict {
    // A sparse file may be up to 64 GiB of zeros from a few bytes. The bound is the runtime's own, but too much for a test.
    if claims_zeros(archive) {
        return Ok(());
    }
    let outside = law::succeeds("there is a temporary folder", tempfile::tempdir())?;
    let data = outside.path().join("data");
    law::succeeds("the data directory is made", std::fs::create_dir(&data))?;
    let store = law::succeeds("an empty store opens", ImageStore::open(&data))?;
    let imported = store.import(archive);
    let beside = std::fs::read_dir(outside.path()).map(Iterator::count);
    law::holds("nothing is made beside the data directory", beside.is_ok_and(|count| count == 1))?;
    for name in imported.unwrap_or_default() {
        let found = law::succeeds("an imported image is readable", store.find(&name))?;
        law::holds(&format!("imported {name:?} is found"), found.is_some())?;
    }
    law::succeeds("unused layers are removed", store.sweep())
}

/// Takes an archive in as it is, and with its checksums mended.
///
/// # Errors
/// As [`import`].
pub fn import_both(archive: &[u8]) -> Verdict {
    import(archive)?;
    let mended = mended(archive);
    if mended == archive { Ok(()) } else { import(&mended) }
}

/// Whether some header may be a sparse file's and claims a large one.
pub fn claims_zeros(archive: &[u8]) -> bool {
    archive.chunks_exact(BLOCK).any(|block| {
        block[156] == EntryType::GNUSparse.as_byte()
            && size(&block[483..495]).is_none_or(|size| size > SPARSE_MAX)
    })
}

/// A number of a header, as octal digits; `None` if it is written in another way.
fn size(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mended_archive_that_was_right_is_the_same() {
        let archive = layer();
        assert_eq!(mended(&archive), archive);
    }

    #[test]
    fn a_broken_name_is_mended() {
        let mut archive = tar(&[Item::File("a", b"x")]);
        archive[0] = b'b';
        assert_eq!(mended(&archive), tar(&[Item::File("b", b"x")]));
    }

    #[test]
    fn a_seed_is_an_image() {
        let outside = tempfile::tempdir().unwrap();
        let store = ImageStore::open(outside.path()).unwrap();
        // Without whiteouts, which need root.
        let layer = tar(&[Item::File("a", b"x")]);
        let archive = docker(&config(&[&layer]), &[&layer]);
        assert_eq!(store.import(archive.as_slice()).unwrap(), ["example.test/a:1"]);
    }
}

//! The image that every machine has: busybox, as `docker save` writes it.

use sha2::{Digest, Sha256};

pub const IMAGE: &str = "example.test/busybox:1";

/// The archive.
pub fn archive() -> Vec<u8> {
    let layer = layer();
    let digest: String = Sha256::digest(&layer).iter().map(|byte| format!("{byte:02x}")).collect();
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Env":["PATH=/bin"]}},"rootfs":{{"type":"layers","diff_ids":["sha256:{digest}"]}}}}"#
    );
    let manifest = format!(r#"[{{"Config":"config.json","RepoTags":["{IMAGE}"],"Layers":["layer.tar"]}}]"#);
    let mut out = tar::Builder::new(Vec::new());
    for (path, bytes) in
        [("manifest.json", manifest.as_bytes()), ("config.json", config.as_bytes()), ("layer.tar", &layer)]
    {
        append(&mut out, path, 0o644, bytes);
    }
    out.into_inner().unwrap()
}

fn layer() -> Vec<u8> {
    let busybox = ["/usr/bin/busybox", "/bin/busybox"].iter().find_map(|path| std::fs::read(path).ok());
    let mut out = tar::Builder::new(Vec::new());
    append(&mut out, "bin/busybox", 0o755, &busybox.expect("busybox-static is installed"));
    for tool in ["sh", "cat", "echo", "sleep", "touch", "test", "true", "kill"] {
        let mut header = header();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        out.append_link(&mut header, format!("bin/{tool}"), "busybox").unwrap();
    }
    let mut header = header();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(0o1777);
    header.set_size(0);
    out.append_data(&mut header, "tmp", &[][..]).unwrap();
    out.into_inner().unwrap()
}

fn append(out: &mut tar::Builder<Vec<u8>>, path: &str, mode: u32, bytes: &[u8]) {
    let mut header = header();
    header.set_mode(mode);
    header.set_size(bytes.len() as u64);
    out.append_data(&mut header, path, bytes).unwrap();
}

fn header() -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_mode(0o755);
    header
}

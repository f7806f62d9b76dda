//! A small image made of a static busybox, as an archive that `skiff image import` takes.

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Commands that the image has.
const APPLETS: [&str; 22] = [
    "sh", "httpd", "wget", "sleep", "cat", "echo", "ls", "env", "nslookup", "hostname", "id", "mount", "ps",
    "touch", "kill", "true", "false", "grep", "stat", "date", "nc", "test",
];

/// Where Debian's busybox-static puts its binary.
pub fn busybox() -> PathBuf {
    ["/bin/busybox", "/usr/bin/busybox"]
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
        .expect("busybox-static is installed by `cargo xtask setup`")
}

/// Writes an image with busybox to a file, under a name.
///
/// # Panics
/// If the file cannot be written.
pub fn write_busybox_image(path: &Path, name: &str) {
    let layer = layer();
    let packed = gzip(&layer);
    let config = format!(
        r#"{{"architecture":"{}","os":"linux","config":{{"Env":["PATH=/bin"],"Cmd":["/bin/sh"],"WorkingDir":"/"}},"rootfs":{{"type":"layers","diff_ids":["sha256:{}"]}}}}"#,
        architecture(),
        hex(&layer)
    );
    let manifest = format!(
        r#"[{{"Config":"{}.json","RepoTags":["{name}"],"Layers":["layer.tar.gz"]}}]"#,
        hex(config.as_bytes())
    );
    let file = std::fs::File::create(path).expect("the archive's directory exists");
    let mut archive = tar::Builder::new(file);
    for (name, content) in [
        (format!("{}.json", hex(config.as_bytes())), config.as_bytes()),
        ("layer.tar.gz".to_owned(), &packed),
        ("manifest.json".to_owned(), manifest.as_bytes()),
    ] {
        append(&mut archive, &name, content, 0o644);
    }
    archive.finish().expect("the archive is written");
}

fn layer() -> Vec<u8> {
    let mut layer = tar::Builder::new(Vec::new());
    for dir in ["bin/", "tmp/", "etc/", "www/"] {
        let mut header = header(if dir == "tmp/" { 0o1777 } else { 0o755 }, 0);
        header.set_entry_type(tar::EntryType::Directory);
        layer.append_data(&mut header, dir, std::io::empty()).expect("memory takes it");
    }
    let binary = std::fs::read(busybox()).expect("busybox is readable");
    append(&mut layer, "bin/busybox", &binary, 0o755);
    append(&mut layer, "etc/passwd", b"root:x:0:0:root:/:/bin/sh\nweb:x:1000:1000::/:/bin/sh\n", 0o644);
    append(&mut layer, "etc/group", b"root:x:0:\nweb:x:1000:\n", 0o644);
    for applet in APPLETS {
        let mut header = header(0o777, 0);
        header.set_entry_type(tar::EntryType::Symlink);
        layer.append_link(&mut header, format!("bin/{applet}"), "busybox").expect("memory takes it");
    }
    layer.into_inner().expect("memory takes it")
}

fn append(archive: &mut tar::Builder<impl Write>, name: &str, content: &[u8], mode: u32) {
    let mut header = header(mode, content.len() as u64);
    archive.append_data(&mut header, name, content).expect("the archive takes its entries");
}

/// A header without times and owners, so that the same content makes the same image.
fn header(mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

//! Layers that are right, odd, and hostile. Needs root, as unpacking does.

use super::*;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use tar::{Builder, Header};

enum Item<'a> {
    File(&'a str, &'a str),
    Folder(&'a str, u32),
    Symlink(&'a str, &'a str),
    Link(&'a str, &'a str),
    Device(&'a str),
}

fn archive(items: &[Item<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for item in items {
        let mut header = Header::new_gnu();
        header.set_uid(0);
        header.set_gid(0);
        header.set_mode(0o644);
        let (path, content, target) = match item {
            Item::File(path, content) => (path, *content, None),
            Item::Folder(path, mode) => {
                header.set_entry_type(EntryType::Directory);
                header.set_mode(*mode);
                (path, "", None)
            }
            Item::Symlink(path, target) => {
                header.set_entry_type(EntryType::Symlink);
                (path, "", Some(target))
            }
            Item::Link(path, target) => {
                header.set_entry_type(EntryType::Link);
                (path, "", Some(target))
            }
            Item::Device(path) => {
                header.set_entry_type(EntryType::Char);
                header.set_device_major(1).unwrap();
                header.set_device_minor(3).unwrap();
                (path, "", None)
            }
        };
        // Written byte by byte, because the builder refuses hostile names.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        if let Some(target) = target {
            header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        }
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn unpacked(items: &[Item<'_>]) -> (tempfile::TempDir, io::Result<()>) {
    let folder = tempfile::tempdir().unwrap();
    let layer = folder.path().join("layer");
    std::fs::create_dir(&layer).unwrap();
    let result = unpack(&layer, &[], &*archive(items));
    (folder, result)
}

#[test]
fn files_folders_and_links_come_out_as_they_went_in() {
    let (folder, result) = unpacked(&[
        Item::Folder("etc/", 0o750),
        Item::File("./etc/a", "text"),
        Item::Link("etc/b", "etc/a"),
        Item::Symlink("etc/c", "/etc/a"),
        Item::File("made/on/the/way", ""),
    ]);
    result.unwrap();
    let layer = folder.path().join("layer");
    assert_eq!(std::fs::read_to_string(layer.join("etc/b")).unwrap(), "text");
    assert_eq!(layer.join("etc").metadata().unwrap().permissions().mode() & 0o777, 0o750);
    assert_eq!(std::fs::read_link(layer.join("etc/c")).unwrap(), Path::new("/etc/a"));
    assert_eq!(layer.join("etc/a").metadata().unwrap().nlink(), 2);
    assert!(layer.join("made/on/the/way").exists());
}

#[test]
fn whiteouts_become_devices_and_opaque_folders_an_attribute() {
    let (folder, result) = unpacked(&[
        Item::File("a/.wh.gone", ""),
        Item::Folder("b/", 0o755),
        Item::File("b/.wh..wh..opq", ""),
    ]);
    result.unwrap();
    let layer = folder.path().join("layer");
    let gone = layer.join("a/gone").symlink_metadata().unwrap();
    assert!(gone.file_type().is_char_device() && gone.rdev() == 0);
    let mut value = [0; 4];
    let length = rustix::fs::getxattr(layer.join("b"), "trusted.overlay.opaque", &mut value).unwrap();
    assert_eq!(&value[..length], b"y");
    assert!(!layer.join("b/.wh..wh..opq").exists());
}

#[test]
fn no_name_leads_out_of_the_layer() {
    for items in [
        &[Item::File("../escaped", "x")][..],
        &[Item::File("a/../../escaped", "x")],
        &[Item::Symlink("out", ".."), Item::File("out/../escaped", "x")],
        &[Item::File(".wh...", "")],
    ] {
        let (folder, result) = unpacked(items);
        assert!(result.is_err());
        assert!(!folder.path().join("escaped").exists());
    }
}

#[test]
fn links_on_the_way_stay_inside() {
    let (folder, result) = unpacked(&[
        Item::Symlink("up", "../../../../../../.."),
        Item::File("up/inside", "x"),
        Item::Symlink("absolute", "/"),
        Item::File("absolute/also", "x"),
    ]);
    result.unwrap();
    assert!(folder.path().join("layer/inside").exists());
    assert!(folder.path().join("layer/also").exists());
    assert!(!Path::new("/inside").exists());
}

#[test]
fn a_file_replaces_a_link_instead_of_writing_through_it() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside");
    std::fs::write(&outside, "untouched").unwrap();
    let layer = folder.path().join("layer");
    std::fs::create_dir(&layer).unwrap();
    let target = outside.to_str().unwrap();
    if target.len() < 100 {
        unpack(&layer, &[], &*archive(&[Item::Symlink("a", target), Item::File("a", "new")])).unwrap();
    }
    assert_eq!(std::fs::read_to_string(outside).unwrap(), "untouched");
}

#[test]
fn devices_are_left_out() {
    let (folder, result) = unpacked(&[Item::Device("dev/null")]);
    result.unwrap();
    assert!(!folder.path().join("layer/dev/null").exists());
}

#[test]
fn what_a_layer_takes_for_granted_comes_from_below() {
    let folder = tempfile::tempdir().unwrap();
    let (lower, upper) = (folder.path().join("lower"), folder.path().join("upper"));
    std::fs::create_dir_all(&lower).unwrap();
    std::fs::create_dir_all(&upper).unwrap();
    unpack(&lower, &[], &*archive(&[Item::Folder("var/", 0o711), Item::File("var/a", "below")])).unwrap();
    unpack(&upper, &[lower], &*archive(&[Item::Link("var/b", "var/a")])).unwrap();
    assert_eq!(std::fs::read_to_string(upper.join("var/b")).unwrap(), "below");
    assert_eq!(upper.join("var").metadata().unwrap().permissions().mode() & 0o777, 0o711);
}

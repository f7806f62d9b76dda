//! The image store: import, names, removal, and use by several at once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use skiff_cri::{Runtime, v1};
use skiff_runtime::ImageStore;
use std::io::Write;
use support::{IMAGE, Node, archive, busybox_layer, digest, shell};

const CONFIG: &str = r#"{"Env":["PATH=/bin"],"Cmd":["/bin/sh","-c","echo from the image"],"User":"web"}"#;

fn layers(store: &std::path::Path) -> usize {
    std::fs::read_dir(store.join("runtime/layers")).unwrap().count()
}

/// The same image as Docker's archive and OCI layout in one, as some tools write it.
fn both(name: &str, layer: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(layer).unwrap();
    let packed = gzip.finish().unwrap();
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{CONFIG},"rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
        digest(layer)
    );
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", &digest(bytes)[7..]);
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"digest":"{}","size":{}}},"layers":[{{"digest":"{}","size":{}}}]}}"#,
        digest(config.as_bytes()),
        config.len(),
        digest(&packed),
        packed.len()
    );
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"digest":"{}","size":{},"annotations":{{"io.containerd.image.name":"{name}"}}}}]}}"#,
        digest(manifest.as_bytes()),
        manifest.len()
    );
    let docker = format!(
        r#"[{{"Config":"{}","RepoTags":["{name}"],"Layers":["{}"]}}]"#,
        blob(config.as_bytes()),
        blob(&packed)
    );
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in [
        (blob(config.as_bytes()), config.as_bytes()),
        (blob(&packed), &packed),
        (blob(manifest.as_bytes()), manifest.as_bytes()),
        ("manifest.json".to_owned(), docker.as_bytes()),
        ("index.json".to_owned(), index.as_bytes()),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, path, content).unwrap();
    }
    tar.into_inner().unwrap()
}

#[test]
fn an_archive_that_is_both_formats_is_one_image() {
    let directory = tempfile::tempdir().unwrap();
    let store = ImageStore::open(directory.path()).unwrap();
    let archive = both("example.test/app:2", &busybox_layer());
    assert_eq!(store.import(&*archive).unwrap(), ["example.test/app:2"]);
    let list = store.list().unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].tags, ["example.test/app:2"]);
    assert!(list[0].digests[0].starts_with("example.test/app@sha256:"), "{list:?}");
    // Compressed as a whole, and once more: nothing changes.
    let compressed = zstd::encode_all(&*archive, 1).unwrap();
    store.import(&*compressed).unwrap();
    assert_eq!(store.list().unwrap(), list);
}

#[test]
fn images_share_layers_until_the_last_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let store = ImageStore::open(directory.path()).unwrap();
    let layer = busybox_layer();
    store.import(&*archive("one:1", &layer, r#"{"Cmd":["a"]}"#)).unwrap();
    store.import(&*archive("two", &layer, r#"{"Cmd":["b"]}"#)).unwrap();
    assert_eq!(layers(directory.path()), 1);
    let names: Vec<String> = store.list().unwrap().into_iter().flat_map(|image| image.tags).collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&"docker.io/library/two:latest".to_owned()));
    assert!(store.remove("one:1").unwrap());
    assert_eq!(layers(directory.path()), 1);
    assert!(store.remove("docker.io/library/two").unwrap());
    assert_eq!(layers(directory.path()), 0);
    assert!(!store.remove("two").unwrap());
}

#[test]
fn an_image_goes_with_its_last_name_or_by_its_id() {
    let directory = tempfile::tempdir().unwrap();
    let store = ImageStore::open(directory.path()).unwrap();
    let layer = busybox_layer();
    for name in ["a:1", "b:1"] {
        store.import(&*archive(name, &layer, "{}")).unwrap();
    }
    assert_eq!(store.list().unwrap().len(), 1);
    store.remove("a:1").unwrap();
    let list = store.list().unwrap();
    assert_eq!(list[0].tags, ["docker.io/library/b:1"]);
    let short = &list[0].id["sha256:".len()..][..12];
    assert!(store.remove(short).unwrap());
    assert!(store.list().unwrap().is_empty());
}

#[test]
fn content_with_another_digest_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = ImageStore::open(directory.path()).unwrap();
    let good = archive("a", b"not what the configuration says", "{}");
    let text = String::from_utf8_lossy(&good).into_owned();
    let bad = text.replace("not what the configuration", "NOT what the configuration").into_bytes();
    assert!(store.import(&*bad).is_err());
    assert!(store.import(&b"no archive at all"[..]).is_err());
    assert!(store.import(&*archive("a b", &busybox_layer(), "{}")).is_err());
    assert!(store.list().unwrap().is_empty());
    let left: Vec<_> =
        std::fs::read_dir(directory.path().join("runtime/images")).unwrap().flatten().collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().starts_with(".new-")), "{left:?}");
}

#[test]
fn importing_at_once_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let layer = busybox_layer();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (path, layer) = (directory.path(), &layer);
            scope.spawn(move || {
                let store = ImageStore::open(path).unwrap();
                let config = format!(r#"{{"Cmd":["{number}"]}}"#);
                store.import(&*archive(&format!("image:{number}"), layer, &config)).unwrap();
            });
        }
    });
    assert_eq!(ImageStore::open(directory.path()).unwrap().list().unwrap().len(), 8);
    assert_eq!(layers(directory.path()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_sees_what_is_imported_beside_it() {
    let node = Node::new().await;
    let image = v1::ImageSpec { image: "other".to_owned(), ..Default::default() };
    assert!(node.runtime.image_status(image.clone()).await.unwrap().is_none());
    let store = ImageStore::open(&node.data_dir()).unwrap();
    store.import(&*archive("other", &busybox_layer(), CONFIG)).unwrap();
    let found = node.runtime.image_status(image.clone()).await.unwrap().unwrap();
    assert_eq!(found.repo_tags, ["docker.io/library/other:latest"]);
    assert_eq!((found.uid, found.username.as_str()), (None, "web"));
    let by_id = v1::ImageSpec { image: found.id.clone(), ..Default::default() };
    assert!(node.runtime.image_status(by_id).await.unwrap().is_some());
    let mut config = shell("");
    (config.command, config.image) = (Vec::new(), Some(image.clone()));
    let (status, log) = node.run(config).await;
    assert_eq!(log, "from the image\n");
    assert_eq!((status.image_id, status.user.unwrap().linux.unwrap().uid), (found.id, 33));
    node.runtime.remove_image(image.clone()).await.unwrap();
    node.runtime.remove_image(image).await.unwrap();
    assert_eq!(node.runtime.list_images().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_keeps_the_layers_of_a_removed_image() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let id = node.create(&sandbox, shell("echo still here")).await;
    let image = v1::ImageSpec { image: IMAGE.to_owned(), ..Default::default() };
    node.runtime.remove_image(image).await.unwrap();
    assert!(node.runtime.list_images().await.unwrap().is_empty());
    node.runtime.start_container(id.clone()).await.unwrap();
    let status = node.ended(&id).await;
    assert_eq!(node.log(&status), "still here\n");
    let info = node.runtime.image_fs_info().await.unwrap();
    assert!(info.image_filesystems[0].used_bytes.unwrap().value > 0);
}

//! Pulling from a registry on the loopback interface that wants a token.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use skiff_cri::{Code, Runtime, v1};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use support::{Node, busybox_layer, digest, shell};
use tokio::net::TcpListener;

const TOKEN: &str = "a-token";

/// A registry with one image, `app:1`, for two platforms.
struct Registry {
    address: String,
    /// Requests by path.
    asked: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Honesty {
    Honest,
    /// The layer is another one than the manifest says.
    Forged,
}

impl Registry {
    async fn start(honesty: Honesty) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let content = Arc::new(content(honesty));
        let (realm, log) = (format!("http://{address}/token"), asked.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (content, realm, log) = (content.clone(), realm.clone(), log.clone());
                let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                    let response = answer(&request, &content, &realm);
                    log.lock().unwrap().push(request.uri().to_string());
                    async { Ok::<_, std::convert::Infallible>(response) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { address, asked }
    }

    fn asked_for(&self, part: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|path| path.contains(part)).count()
    }
}

fn content(honesty: Honesty) -> HashMap<String, Vec<u8>> {
    let layer = busybox_layer();
    let packed = zstd::encode_all(&*layer, 1).unwrap();
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Env":["PATH=/bin"]}},"rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
        digest(&layer)
    );
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"digest":"{}","size":{}}},"layers":[{{"digest":"{}","size":{}}}]}}"#,
        digest(config.as_bytes()),
        config.len(),
        digest(&packed),
        packed.len()
    );
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"digest":"sha256:{}","size":1,"platform":{{"os":"linux","architecture":"s390x"}}}},
        {{"digest":"{}","size":{},"platform":{{"os":"linux","architecture":"{architecture}"}}}}]}}"#,
        "0".repeat(64),
        digest(manifest.as_bytes()),
        manifest.len()
    );
    let mut served = packed.clone();
    if honesty == Honesty::Forged {
        *served.last_mut().unwrap() ^= 1;
    }
    [
        (format!("blobs/{}", digest(config.as_bytes())), config.into_bytes()),
        (format!("blobs/{}", digest(&packed)), served),
        (format!("manifests/{}", digest(manifest.as_bytes())), manifest.into_bytes()),
        ("manifests/1".to_owned(), index.into_bytes()),
    ]
    .into()
}

fn answer(
    request: &Request<Incoming>,
    content: &HashMap<String, Vec<u8>>,
    realm: &str,
) -> Response<Full<Bytes>> {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = request.uri().path();
    let respond = |status, body: &[u8]| {
        Response::builder().status(status).body(Full::new(Bytes::copy_from_slice(body))).unwrap()
    };
    if path == "/token" {
        // user:secret
        let welcome = header("authorization") == "Basic dXNlcjpzZWNyZXQ=";
        assert!(request.uri().query().unwrap().contains("scope=repository%3Ateam%2Fapp%3Apull"));
        return match welcome {
            true => respond(StatusCode::OK, format!(r#"{{"token":"{TOKEN}"}}"#).as_bytes()),
            false => respond(StatusCode::UNAUTHORIZED, b"{}"),
        };
    }
    if header("authorization") != format!("Bearer {TOKEN}") {
        let challenge = format!(r#"Bearer realm="{realm}",service="test",scope="repository:team/app:pull""#);
        return Response::builder()
            .status(StatusCode::UNAUTHORIZED)
            .header("www-authenticate", challenge)
            .body(Full::default())
            .unwrap();
    }
    match path.strip_prefix("/v2/team/app/").and_then(|path| content.get(path)) {
        Some(bytes) => respond(StatusCode::OK, bytes),
        None => respond(StatusCode::NOT_FOUND, b"{}"),
    }
}

fn request(image: &str, password: &str) -> v1::PullImageRequest {
    v1::PullImageRequest {
        image: Some(v1::ImageSpec { image: image.to_owned(), ..Default::default() }),
        auth: Some(v1::AuthConfig {
            username: "user".to_owned(),
            password: password.to_owned(),
            ..Default::default()
        }),
        sandbox_config: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_pulled_for_this_platform_and_runs() {
    let (node, registry) = (Node::new().await, Registry::start(Honesty::Honest).await);
    let name = format!("{}/team/app:1", registry.address);
    let id = node.runtime.pull_image(request(&name, "secret")).await.unwrap();
    let spec = v1::ImageSpec { image: name.clone(), ..Default::default() };
    let image = node.runtime.image_status(spec.clone()).await.unwrap().unwrap();
    assert_eq!((image.id, image.repo_tags), (id, vec![name.clone()]));
    assert!(image.repo_digests[0].starts_with(&format!("{}/team/app@sha256:", registry.address)));
    // The node's other image has the same layer: it is not fetched again.
    assert_eq!(registry.asked_for("blobs/"), 1);
    let mut config = shell("echo pulled");
    config.image = Some(spec);
    assert_eq!(node.run(config).await.1, "pulled\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_pulled_by_digest() {
    let (node, registry) = (Node::new().await, Registry::start(Honesty::Honest).await);
    let name = format!("{}/team/app:1", registry.address);
    let spec = |image: &str| v1::ImageSpec { image: image.to_owned(), ..Default::default() };
    node.runtime.pull_image(request(&name, "secret")).await.unwrap();
    let image = node.runtime.image_status(spec(&name)).await.unwrap().unwrap();
    assert!(node.runtime.image_status(spec(&image.repo_digests[0])).await.unwrap().is_some());
    let manifest = registry
        .asked
        .lock()
        .unwrap()
        .iter()
        .find_map(|path| Some(path.split_once("/manifests/sha256:")?.1.to_owned()));
    let by_digest = format!("{}/team/app@sha256:{}", registry.address, manifest.unwrap());
    assert_eq!(node.runtime.pull_image(request(&by_digest, "secret")).await.unwrap(), image.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_have_their_codes() {
    let (node, registry) = (Node::new().await, Registry::start(Honesty::Honest).await);
    let pull = |image: String, password: &'static str| {
        let runtime = node.runtime.clone();
        async move { runtime.pull_image(request(&image, password)).await.unwrap_err() }
    };
    let address = &registry.address;
    assert_eq!(pull(format!("{address}/team/app:1"), "wrong").await.code, Code::Unauthenticated);
    let missing = pull(format!("{address}/team/app:2"), "secret").await;
    assert_eq!(missing.code, Code::NotFound);
    assert!(missing.message.contains("failed to resolve reference") && missing.message.contains("not found"));
    assert_eq!(pull("Not A Name".to_owned(), "").await.code, Code::InvalidArgument);
    assert_eq!(pull("127.0.0.1:1/team/app".to_owned(), "").await.code, Code::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_layer_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = skiff_runtime::ImageStore::open(directory.path()).unwrap();
    let registry = Registry::start(Honesty::Forged).await;
    let name = format!("{}/team/app:1", registry.address);
    let auth = request(&name, "secret").auth.unwrap();
    let error = store.pull(&name, auth.into(), &Default::default()).await.unwrap_err().to_string();
    assert!(error.contains("digest of a layer is sha256:"), "{error}");
    assert!(store.list().unwrap().is_empty());
    assert_eq!(std::fs::read_dir(directory.path().join("runtime/layers")).unwrap().count(), 0);
}

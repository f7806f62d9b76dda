//! Requests of each kind: right ones, and what becomes of them.

use skiff_apimachinery::{Document, GroupVersionKind, json, protobuf, yaml};
use skiff_fuzz::{Mutator, sample, targets};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const EXEC: &str = "/api/v1/namespaces/default/pods/p/exec?container=c&command=a&stdin=1&stdout=1&tty=1";
const CONFIG_MAP: &[u8] = br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","labels":{"app":"web"}},"data":{"a":"b"},"binaryData":{"c":"AAEC"}}"#;

/// What is broken of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Json,
    Yaml,
    Protobuf,
    JsonPatch,
    MergePatch,
    StrategicPatch,
    Apply,
    Query,
    Path,
    Token,
    SpdyHandshake,
    WebSocketHandshake,
    SpdyFrames,
    WebSocketFrames,
}

/// A request, and what is said after an upgrade.
pub struct Hostile {
    pub head_and_body: Vec<u8>,
    pub frames: Option<Vec<u8>>,
}

/// Makes requests of a kind; the same seed makes the same ones.
pub struct Generator {
    kind: Kind,
    seeds: Vec<Vec<u8>>,
    mutator: Mutator,
    count: usize,
}

impl Kind {
    pub const ALL: [Self; 14] = [
        Self::Json,
        Self::Yaml,
        Self::Protobuf,
        Self::JsonPatch,
        Self::MergePatch,
        Self::StrategicPatch,
        Self::Apply,
        Self::Query,
        Self::Path,
        Self::Token,
        Self::SpdyHandshake,
        Self::WebSocketHandshake,
        Self::SpdyFrames,
        Self::WebSocketFrames,
    ];

    /// Whether the sender has a client certificate.
    pub fn has_certificate(self) -> bool {
        self != Self::Token
    }

    /// What is broken, when it was right.
    fn seeds(self) -> Vec<Vec<u8>> {
        let of_target = |name: &str| {
            let target = targets::all().iter().find(|target| target.name == name);
            target.map(skiff_fuzz::Target::all_seeds).unwrap_or_default()
        };
        let texts =
            |texts: &[&str]| -> Vec<Vec<u8>> { texts.iter().map(|text| text.as_bytes().to_vec()).collect() };
        let bodies = [CONFIG_MAP, sample::POD, sample::DEPLOYMENT];
        match self {
            Self::Json => bodies.map(|body| json::encode(&document(body))).to_vec(),
            Self::Yaml => bodies.map(|body| yaml::encode(&document(body)).into_bytes()).to_vec(),
            Self::Protobuf => bodies.iter().filter_map(|body| encoded(&document(body))).collect(),
            Self::JsonPatch => of_target("json_patch"),
            Self::MergePatch => of_target("merge_patch"),
            Self::StrategicPatch => of_target("strategic_patch"),
            Self::Apply => of_target("apply"),
            Self::Query => texts(&[
                "labelSelector=app%3Dweb,tier%20in%20(a,b),!gone&fieldSelector=metadata.name%3Da",
                "limit=2&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6Nywic3RhcnQiOiJhIn0&pretty=true",
                "resourceVersion=x&resourceVersionMatch=NotOlderThan&timeoutSeconds=1",
                "watch=1&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true",
            ]),
            Self::Path => texts(&[
                "/api/v1/namespaces/default/configmaps/a",
                "/apis/apps/v1/namespaces/default/deployments/web/scale",
                "/api/v1/nodes/n/status",
                "/openapi/v3/apis/apps/v1",
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                "/readyz/etcd",
                "/api/v1/namespaces/default/pods/p/log",
            ]),
            Self::Token => of_target("token"),
            Self::SpdyHandshake => texts(&["SPDY/3.1\nUpgrade\nv4.channel.k8s.io, channel.k8s.io"]),
            Self::WebSocketHandshake => texts(&[
                "websocket\nUpgrade\nv5.channel.k8s.io, v4.channel.k8s.io\ndGhlIHNhbXBsZSBub25jZQ==\n13",
            ]),
            Self::SpdyFrames => of_target("spdy"),
            Self::WebSocketFrames => of_target("websocket"),
        }
    }
}

impl Generator {
    pub fn new(kind: Kind, seed: u64) -> Self {
        let seeds = kind.seeds();
        assert!(!seeds.is_empty(), "{kind:?} has seeds");
        Self { kind, mutator: Mutator::new(seed, &seeds), seeds, count: 0 }
    }

    /// The next request; the first of all is right.
    pub fn next(&mut self) -> Hostile {
        let broken = match self.count {
            0 => self.seeds[0].clone(),
            _ => self.mutator.next(&self.seeds),
        };
        self.count += 1;
        let turn = self.count;
        let dry = |path: &str| format!("{path}?dryRun=All&fieldManager=hostile");
        let patched = if turn.is_multiple_of(2) { format!("{PODS}/p") } else { format!("{CONFIG_MAPS}/a") };
        let plain = |head_and_body| Hostile { head_and_body, frames: None };
        match self.kind {
            Kind::Json => plain(with_body("POST", &dry(collection(turn)), "application/json", &broken)),
            Kind::Yaml => plain(with_body("POST", &dry(collection(turn)), "application/yaml", &broken)),
            Kind::Protobuf => {
                let media = "application/vnd.kubernetes.protobuf";
                plain(with_body("POST", &dry(collection(turn)), media, &broken))
            }
            Kind::JsonPatch => {
                plain(with_body("PATCH", &dry(&patched), "application/json-patch+json", last_line(&broken)))
            }
            Kind::MergePatch => {
                plain(with_body("PATCH", &dry(&patched), "application/merge-patch+json", last_line(&broken)))
            }
            Kind::StrategicPatch => {
                let media = "application/strategic-merge-patch+json";
                plain(with_body("PATCH", &dry(&patched), media, last_line(&broken)))
            }
            Kind::Apply => {
                let path = format!("{}&force=true", dry(&format!("{PODS}/web")));
                plain(with_body("PATCH", &path, "application/apply-patch+yaml", last_line(&broken)))
            }
            Kind::Query => plain(get(&format!("{CONFIG_MAPS}?{}", in_address(&broken)), "")),
            Kind::Path => {
                let path = in_address(&broken);
                plain(get(&format!("/{}", path.trim_start_matches('/')), ""))
            }
            Kind::Token => {
                let mut request =
                    b"GET /version HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ".to_vec();
                request.extend(in_header(&broken));
                request.extend_from_slice(b"\r\n\r\n");
                plain(request)
            }
            Kind::SpdyHandshake | Kind::WebSocketHandshake => {
                Hostile { head_and_body: handshake(&broken), frames: Some(Vec::new()) }
            }
            Kind::SpdyFrames => Hostile {
                head_and_body: handshake(b"SPDY/3.1\nUpgrade\nv4.channel.k8s.io"),
                frames: Some(broken),
            },
            Kind::WebSocketFrames => Hostile {
                head_and_body: handshake(
                    b"websocket\nUpgrade\nv5.channel.k8s.io\ndGhlIHNhbXBsZSBub25jZQ==\n13",
                ),
                frames: Some(broken),
            },
        }
    }
}

fn document(body: &[u8]) -> Document {
    let mut document = json::decode(body).unwrap();
    // What a server gave may not come back with a new object.
    for field in ["uid", "resourceVersion", "managedFields", "creationTimestamp"] {
        document.remove(&["metadata", field]);
    }
    document
}

fn encoded(object: &Document) -> Option<Vec<u8>> {
    let kind = GroupVersionKind::parse(object.str_at(&["apiVersion"]), object.str_at(&["kind"]))?;
    Some(protobuf::encode(object, skiff_api::schemas::lookup_kind(&kind)?.get()))
}

/// Bodies go to each resource in turn: what is right for one is wrong for the others.
fn collection(turn: usize) -> &'static str {
    [CONFIG_MAPS, PODS, DEPLOYMENTS][turn % 3]
}

/// Targets have inputs of two lines, of which the last is what a client sends.
fn last_line(input: &[u8]) -> &[u8] {
    input.rsplit(|byte| *byte == b'\n').next().unwrap_or_default()
}

fn with_body(method: &str, path: &str, media: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {media}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n").into_bytes()
}

/// A request for exec with the values of its headers, a line each.
fn handshake(values: &[u8]) -> Vec<u8> {
    let mut lines = values.split(|byte| *byte == b'\n');
    let upgrade = in_header(lines.next().unwrap_or_default());
    let is_spdy = upgrade.to_ascii_lowercase().starts_with(b"spdy");
    let protocol = if is_spdy { "x-stream-protocol-version" } else { "sec-websocket-protocol" };
    let mut request = format!("GET {EXEC} HTTP/1.1\r\nhost: localhost\r\nupgrade: ").into_bytes();
    request.extend(upgrade);
    let names = ["connection", protocol, "sec-websocket-key", "sec-websocket-version"];
    for (name, value) in names.into_iter().zip(lines) {
        request.extend_from_slice(format!("\r\n{name}: ").as_bytes());
        request.extend(in_header(value));
    }
    request.extend_from_slice(b"\r\n\r\n");
    request
}

/// As a part of a request's first line: what would end it is escaped, so that one request stays one.
fn in_address(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        match byte {
            b'!'..=b'~' => out.push(char::from(*byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// As the value of a header: what would end it is replaced.
fn in_header(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| if matches!(byte, b'\r' | b'\n' | 0) { b'?' } else { *byte }).collect()
}

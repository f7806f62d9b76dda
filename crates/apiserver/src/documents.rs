//! Discovery and OpenAPI: documents that follow from the rows, kept as bytes until the rows change.

use crate::table::{Rows, Table};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use skiff_api::discovery::{self, AggregatedVersion};
use skiff_api::{Resource, openapi};
use skiff_apimachinery::{Document, GroupVersion, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A document that is ready to send.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The bytes.
    pub bytes: Bytes,
    /// The Content-Type header.
    pub content_type: &'static str,
    /// Changes with the content.
    pub etag: String,
}

/// Which document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Which {
    /// `/api`.
    CoreVersions,
    /// `/apis`.
    Groups,
    /// `/apis/GROUP`.
    Group(String),
    /// `/api/v1`, `/apis/GROUP/VERSION`.
    Resources(String, String),
    /// `/api` and `/apis` with everything in one: of the core group or of all others, v2 or v2beta1.
    Aggregated {
        /// Of the core group.
        core: bool,
        /// In the older version.
        beta: bool,
    },
    /// `/openapi/v2`, as JSON or protobuf.
    OpenApi2 {
        /// As gnostic's protobuf.
        protobuf: bool,
    },
    /// `/openapi/v3`.
    OpenApi3Index,
    /// `/openapi/v3/apis/GROUP/VERSION`, as JSON or protobuf.
    OpenApi3 {
        /// Group.
        group: String,
        /// Version.
        version: String,
    },
}

impl Which {
    /// The document that a path and an Accept header name.
    pub fn of_path(path: &str, accept: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        Some(match parts.as_slice() {
            ["api"] => aggregated(accept, true).unwrap_or(Which::CoreVersions),
            ["apis"] => aggregated(accept, false).unwrap_or(Which::Groups),
            ["apis", group] => Which::Group((*group).to_owned()),
            ["api", version] => Which::Resources(String::new(), (*version).to_owned()),
            ["apis", group, version] => Which::Resources((*group).to_owned(), (*version).to_owned()),
            ["openapi", "v2"] => {
                Which::OpenApi2 { protobuf: accept.contains("com.github.proto-openapi.spec.v2") }
            }
            ["openapi", "v3"] => Which::OpenApi3Index,
            ["openapi", "v3", "api", version] => {
                Which::OpenApi3 { group: String::new(), version: (*version).to_owned() }
            }
            ["openapi", "v3", "apis", group, version] => {
                Which::OpenApi3 { group: (*group).to_owned(), version: (*version).to_owned() }
            }
            _ => return None,
        })
    }
}

/// Everything in one document, if a clause of the Accept header that comes first asks for it.
fn aggregated(accept: &str, core: bool) -> Option<Which> {
    let parameter = |clause: &str, wanted: &str| clause.split(';').any(|part| part.trim() == wanted);
    for clause in accept.split(',') {
        if parameter(clause, "as=APIGroupDiscoveryList") && parameter(clause, "g=apidiscovery.k8s.io") {
            if parameter(clause, "v=v2") {
                return Some(Which::Aggregated { core, beta: false });
            }
            if parameter(clause, "v=v2beta1") {
                return Some(Which::Aggregated { core, beta: true });
            }
            continue;
        }
        return None;
    }
    None
}

/// The documents that were asked for since the rows changed last.
pub struct Documents {
    table: Arc<Table>,
    public_address: String,
    made: Mutex<Made>,
}

#[derive(Default)]
struct Made {
    generation: u64,
    documents: HashMap<Which, Option<Ready>>,
}

impl Documents {
    /// Documents about a table's rows; the address (`HOST:PORT`) is told to clients.
    pub fn new(table: Arc<Table>, public_address: &str) -> Self {
        Self { table, public_address: public_address.to_owned(), made: Mutex::default() }
    }

    /// A document; `None` if nothing of that name is served.
    pub async fn get(self: &Arc<Self>, which: Which) -> Option<Ready> {
        let rows = self.table.rows();
        if let Some(found) = self.known(&rows, &which) {
            return found;
        }
        // OpenAPI takes a while: not on a thread that serves others.
        let this = self.clone();
        let made = tokio::task::spawn_blocking(move || {
            let ready = make(&rows, &which, &this.public_address);
            this.keep(&rows, which, ready.clone());
            ready
        });
        made.await.ok().flatten()
    }

    fn known(&self, rows: &Rows, which: &Which) -> Option<Option<Ready>> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.generation == rows.generation() { made.documents.get(which).cloned() } else { None }
    }

    fn keep(&self, rows: &Rows, which: Which, ready: Option<Ready>) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.generation < rows.generation() {
            *made = Made { generation: rows.generation(), documents: HashMap::new() };
        }
        // Names that nobody serves are not worth remembering, or clients could fill the memory with them.
        if made.generation == rows.generation() && ready.is_some() {
            made.documents.insert(which, ready);
        }
    }
}

fn make(rows: &Rows, which: &Which, public_address: &str) -> Option<Ready> {
    let served: Vec<Arc<Resource>> = rows.served().cloned().collect();
    match which {
        Which::CoreVersions => Some(plain(&discovery::api_versions(public_address))),
        Which::Groups => Some(plain(&discovery::group_list(&served))),
        Which::Group(name) => discovery::group(&served, name).map(|document| plain(&document)),
        Which::Resources(group, version) => {
            let version = GroupVersion::new(group.clone(), version.clone());
            discovery::resource_list(&served, &version).map(|document| plain(&document))
        }
        Which::Aggregated { core, beta } => {
            let version = if *beta { AggregatedVersion::V2Beta1 } else { AggregatedVersion::V2 };
            let content_type = if *beta {
                "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
            } else {
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
            };
            Some(ready(json::encode(&discovery::aggregated(&served, *core, version)), content_type))
        }
        Which::OpenApi2 { protobuf: false } => Some(ready(openapi::v2_json(&served), "application/json")),
        Which::OpenApi2 { protobuf: true } => Some(ready(
            openapi::v2_protobuf(&served),
            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
        )),
        Which::OpenApi3Index => Some(plain(&openapi::v3_index(&served))),
        Which::OpenApi3 { group, version } => {
            let version = GroupVersion::new(group.clone(), version.clone());
            openapi::v3_json(&served, &version).map(|bytes| ready(bytes, "application/json"))
        }
    }
}

fn plain(document: &Document) -> Ready {
    let mut bytes = json::encode(document);
    bytes.push(b'\n');
    ready(bytes, "application/json")
}

fn ready(bytes: Vec<u8>, content_type: &'static str) -> Ready {
    let digest = Sha256::digest(&bytes);
    let etag = digest.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    Ready { bytes: bytes.into(), content_type, etag: format!("\"{etag}\"") }
}

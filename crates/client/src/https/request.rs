//! API calls as HTTP requests: method, path, query, media types.

use crate::transport::{Call, PatchKind, Shape, Verb};
use bytes::Bytes;
use http::Method;
use skiff_apimachinery::{Document, json};

const JSON: &str = "application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/// A request, ready to be sent more than once.
pub(super) struct Prepared {
    pub(super) method: Method,
    pub(super) path_and_query: String,
    pub(super) accept: &'static str,
    pub(super) content_type: Option<&'static str>,
    pub(super) body: Bytes,
}

impl Prepared {
    /// A GET of a path.
    pub(super) fn get(path: &str) -> Self {
        Self {
            method: Method::GET,
            path_and_query: path.to_owned(),
            accept: JSON,
            content_type: None,
            body: Bytes::new(),
        }
    }

    /// The request of a call.
    pub(super) fn of(call: &Call, user_agent: &str) -> Self {
        let (method, content_type) = match call.verb {
            Verb::Get | Verb::List | Verb::Watch => (Method::GET, None),
            Verb::Create => (Method::POST, Some(JSON)),
            Verb::Update => (Method::PUT, Some(JSON)),
            Verb::Patch(kind) => (Method::PATCH, Some(kind.media_type())),
            Verb::Delete | Verb::DeleteCollection => (Method::DELETE, Some(JSON)),
        };
        let accept = match (call.shape, call.verb) {
            (Shape::Full, _) => JSON,
            (Shape::Metadata, Verb::List) => METADATA_LIST,
            (Shape::Metadata, _) => METADATA,
        };
        let body = call.body.as_ref().map(|body| Bytes::from(json::encode(body))).unwrap_or_default();
        Self {
            method,
            path_and_query: path(call) + &query(call, user_agent),
            accept,
            content_type: content_type.filter(|_| call.body.is_some()),
            body,
        }
    }
}

fn path(call: &Call) -> String {
    let resource = &call.resource;
    let mut path = if resource.group.is_empty() {
        format!("/api/{}", resource.version)
    } else {
        format!("/apis/{}/{}", resource.group, resource.version)
    };
    let namespaced = resource.namespaced && !call.namespace.is_empty();
    let namespace = if namespaced { ["namespaces", call.namespace.as_str()] } else { ["", ""] };
    let parts = [&resource.plural, call.name.as_str(), call.subresource.as_str()];
    for part in namespace.into_iter().chain(parts).filter(|part| !part.is_empty()) {
        path.push('/');
        escape(part, &mut path);
    }
    path
}

fn query(call: &Call, user_agent: &str) -> String {
    let mut pairs: Vec<(&str, &str)> = call.query.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let given = |pairs: &[(&str, &str)], name: &str| pairs.iter().any(|(key, _)| *key == name);
    if call.verb == Verb::Watch {
        pairs.push(("watch", "true"));
    }
    if let Verb::Patch(PatchKind::Apply { force }) = call.verb {
        if force && !given(&pairs, "force") {
            pairs.push(("force", "true"));
        }
        if !given(&pairs, "fieldManager") {
            pairs.push(("fieldManager", manager(user_agent)));
        }
    }
    let mut query = String::new();
    for (i, (key, value)) in pairs.into_iter().enumerate() {
        query.push(if i == 0 { '?' } else { '&' });
        query.push_str(key);
        query.push('=');
        escape(value, &mut query);
    }
    query
}

/// The field manager of a user agent, as the server derives it.
fn manager(user_agent: &str) -> &str {
    user_agent.split(['/', ' ']).next().unwrap_or(user_agent)
}

fn escape(text: &str, to: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                to.push(char::from(byte))
            }
            _ => to.push_str(&format!("%{byte:02X}")),
        }
    }
}

/// Gives an object that came as `PartialObjectMetadata` its own kind.
pub(super) fn name_kind(call: &Call, object: &mut Document) {
    if call.shape == Shape::Metadata && object.str_at(&["kind"]) == "PartialObjectMetadata" {
        object.set_gvk(&call.resource.gvk());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{DEPLOYMENTS, NAMESPACES, PODS};
    use crate::{Call, Selection};

    fn target(call: &Call) -> String {
        let prepared = Prepared::of(call, "test/1.0 (linux)");
        format!("{} {}", prepared.method, prepared.path_and_query)
    }

    #[test]
    fn calls_have_upstreams_paths() {
        let selection = Selection { labels: "a in (b,c)".into(), fields: String::new() };
        for (call, expected) in [
            (Call::new(Verb::Get, &PODS, "n", "a"), "GET /api/v1/namespaces/n/pods/a"),
            (Call::new(Verb::Get, &NAMESPACES, "", "n"), "GET /api/v1/namespaces/n"),
            (
                Call::new(Verb::List, &PODS, "", "").select(&selection),
                "GET /api/v1/pods?labelSelector=a%20in%20%28b%2Cc%29",
            ),
            (
                Call::new(Verb::Watch, &PODS, "", "").query("resourceVersion", "7"),
                "GET /api/v1/pods?resourceVersion=7&watch=true",
            ),
            (
                Call::new(Verb::Update, &DEPLOYMENTS, "n", "a").subresource("status"),
                "PUT /apis/apps/v1/namespaces/n/deployments/a/status",
            ),
            (
                Call::new(Verb::Patch(PatchKind::Apply { force: true }), &PODS, "n", "a"),
                "PATCH /api/v1/namespaces/n/pods/a?force=true&fieldManager=test",
            ),
            (Call::new(Verb::DeleteCollection, &PODS, "n", ""), "DELETE /api/v1/namespaces/n/pods"),
        ] {
            assert_eq!(target(&call), expected);
        }
    }
}

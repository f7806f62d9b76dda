//! Paths that are no resources: discovery, OpenAPI, health, metrics, version.

use super::body::ResponseBody;
use super::handler::{Inbound, text};
use super::{gzip, respond};
use crate::chain::Core;
use crate::documents::{Ready, Which};
use crate::health::Endpoint;
use crate::request::accept::Offer;
use crate::request::{Accepted, Media};
use http::{HeaderValue, Method, Response, StatusCode, header};
use skiff_apimachinery::{Document, Status, doc};
use std::sync::Arc;

pub(super) async fn handle(core: &Arc<Core>, inbound: Inbound) -> Result<Response<ResponseBody>, Status> {
    let method = inbound.request.method();
    let path = inbound.info.path.as_str();
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(Status::new(
            405,
            skiff_apimachinery::Reason::MethodNotAllowed,
            "the server does not allow this method on the requested resource",
        ));
    }
    if let Some((endpoint, check)) = Endpoint::parse(path) {
        let answer = core.health.answer(&**core.caches.storage(), endpoint, check, &inbound.query).await;
        let mut response = respond::text(answer.code, answer.text);
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        return Ok(response);
    }
    match path.trim_end_matches('/') {
        "" => return Ok(respond::document(200, &index(core), Media::PrettyJson)),
        "/version" => return Ok(respond::document(200, &crate::version::document(), Media::PrettyJson)),
        "/metrics" => {
            let text = core.metrics.registry().render();
            return Ok(respond::bytes(200, "text/plain; version=0.0.4; charset=utf-8", text));
        }
        _ => {}
    }
    let accept = text(inbound.request.headers(), header::ACCEPT);
    let which = Which::of_path(path, &accept).ok_or_else(Status::no_such_path)?;
    let ready = core.documents.get(which).await.ok_or_else(Status::no_such_path)?;
    sent(&inbound, &accept, ready)
}

fn sent(inbound: &Inbound, accept: &str, ready: Ready) -> Result<Response<ResponseBody>, Status> {
    let request = inbound.request.headers();
    let known = text(request, header::IF_NONE_MATCH);
    let mut response = if known == ready.etag {
        let mut response = Response::new(ResponseBody::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let plain = ready.content_type == "application/json";
        let offer = Offer { protobuf: false, shapes: false };
        let media = Accepted::negotiate(accept, &inbound.user_agent, &inbound.query, offer).map(|a| a.media);
        match media {
            Ok(media @ (Media::PrettyJson | Media::Yaml)) if plain => {
                let document = skiff_apimachinery::json::decode(&ready.bytes).map_err(Status::internal)?;
                respond::document(200, &document, media)
            }
            _ => respond::bytes(200, ready.content_type, ready.bytes),
        }
    };
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&ready.etag) {
        headers.insert(header::ETAG, etag);
    }
    headers.append(header::VARY, HeaderValue::from_static("Accept"));
    if inbound.query.contains("hash") {
        // The address changes with the content.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, immutable"));
    }
    let (mut head, body) = response.into_parts();
    let body = gzip::compress(request, &mut head.headers, body);
    Ok(Response::from_parts(head, body))
}

/// `/`: every path.
fn index(core: &Core) -> Document {
    let rows = core.caches.table().rows();
    let mut paths = vec!["/api".to_owned(), "/apis".to_owned()];
    for row in rows.served() {
        let group = &row.gvk.group;
        if group.is_empty() {
            paths.push(format!("/api/{}", row.gvk.version));
        } else {
            paths.push(format!("/apis/{group}"));
            paths.push(format!("/apis/{group}/{}", row.gvk.version));
        }
    }
    paths.extend(
        ["/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]
            .map(String::from),
    );
    paths.sort();
    paths.dedup();
    doc!({"paths": paths})
}

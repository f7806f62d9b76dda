//! Paths that are no resources: discovery, OpenAPI, OpenID, health, metrics, version.

use super::body::ResponseBody;
use super::handler::{Inbound, text};
use super::{gzip, index, respond};
use crate::authentication::openid;
use crate::chain::Core;
use crate::documents::{Ready, Which};
use crate::health::Endpoint;
use crate::request::accept::Offer;
use crate::request::{Accepted, Media};
use http::{HeaderValue, Method, Response, StatusCode, header};
use skiff_apimachinery::Status;
use std::sync::Arc;

/// The media type of metrics.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn handle(core: &Arc<Core>, inbound: Inbound) -> Result<Response<ResponseBody>, Status> {
    let path = inbound.info.path.as_str();
    if let Some((endpoint, check)) = Endpoint::parse(path) {
        return Ok(health(core, endpoint, check, &inbound).await);
    }
    let page = path.trim_end_matches('/');
    let which = Which::of_path(path, &text(inbound.request.headers(), header::ACCEPT));
    let known = which.is_some()
        || matches!(page, "" | "/version" | "/metrics" | "/metrics/slis")
        || openid(core, page).is_some();
    if !known {
        return Ok(respond::page_not_found());
    }
    if !matches!(*inbound.request.method(), Method::GET | Method::HEAD) {
        return Err(Status::no_such_method());
    }
    match page {
        "" => return Ok(respond::raw_json(&index::document(core))),
        "/version" => return Ok(respond::raw_json(&crate::version::document())),
        "/metrics" => {
            let metrics = core.metrics.render(&**core.caches.storage()).await;
            return Ok(respond::bytes(200, METRICS, metrics));
        }
        "/metrics/slis" => return Ok(respond::bytes(200, METRICS, core.health.metrics())),
        _ => {}
    }
    if let Some(response) = openid(core, page) {
        return Ok(response);
    }
    let ready = match which {
        Some(which) => core.documents.get(which).await,
        None => None,
    };
    match ready {
        Some(ready) => sent(&inbound, ready),
        None => Ok(respond::page_not_found()),
    }
}

async fn health(core: &Core, endpoint: Endpoint, check: &str, inbound: &Inbound) -> Response<ResponseBody> {
    let Some(answer) = core.health.answer(&core.caches, endpoint, check, &inbound.query).await else {
        return respond::page_not_found();
    };
    let mut response = respond::text(answer.code, answer.text);
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The documents of OpenID Connect discovery.
fn openid(core: &Core, page: &str) -> Option<Response<ResponseBody>> {
    let metadata = core.openid.as_ref()?;
    let (content_type, body) = match page {
        openid::CONFIGURATION_PATH => ("application/json", &metadata.configuration),
        openid::KEYS_PATH => ("application/jwk-set+json", &metadata.keys),
        _ => return None,
    };
    let mut response = respond::bytes(200, content_type, body.clone());
    let keep = HeaderValue::from_static(openid::CACHE_CONTROL);
    response.headers_mut().insert(header::CACHE_CONTROL, keep);
    Some(response)
}

fn sent(inbound: &Inbound, ready: Ready) -> Result<Response<ResponseBody>, Status> {
    let request = inbound.request.headers();
    let known = text(request, header::IF_NONE_MATCH);
    let mut response = if known == ready.etag {
        let mut response = Response::new(ResponseBody::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let plain = ready.content_type == "application/json";
        let offer = Offer { protobuf: false, shapes: false };
        let accept = text(request, header::ACCEPT);
        let media = Accepted::negotiate(&accept, &inbound.user_agent, &inbound.query, offer).map(|a| a.media);
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

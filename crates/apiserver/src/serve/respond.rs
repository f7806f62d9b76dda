//! Responses: headers that all have, failures, warnings.

use super::body::ResponseBody;
use crate::cache::CONTINUE_CAUSE;
use crate::chain::{RETRY_AFTER, TOO_MANY};
use crate::render::encode;
use crate::request::accept::{Accepted, Offer};
use crate::request::{Media, Query};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use skiff_apimachinery::{Document, Status, json};

/// A response of one document.
pub(super) fn document(code: u16, document: &Document, media: Media) -> Response<ResponseBody> {
    bytes(code, media.content_type(), encode(document, media))
}

/// A response of bytes.
pub(super) fn bytes(
    code: u16,
    content_type: &'static str,
    bytes: impl Into<bytes::Bytes>,
) -> Response<ResponseBody> {
    with_body(code, content_type, ResponseBody::full(bytes))
}

/// A response with a body.
pub(super) fn with_body(code: u16, content_type: &'static str, body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Plain text.
pub(super) fn text(code: u16, text: impl Into<bytes::Bytes>) -> Response<ResponseBody> {
    bytes(code, "text/plain; charset=utf-8", text)
}

/// A failure that upstream tells as plain text.
pub(super) fn plain_failure(code: u16, message: &str) -> Response<ResponseBody> {
    let mut response = text(code, format!("{message}\n"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Nothing of that path is known.
pub(super) fn page_not_found() -> Response<ResponseBody> {
    plain_failure(404, "404 page not found")
}

/// Too many requests run.
pub(super) fn too_many_requests() -> Response<ResponseBody> {
    let mut response = plain_failure(429, TOO_MANY);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
    response
}

/// A request that changes nothing took too long. Upstream's answer is a Status that does not say so.
pub(super) fn out_of_time() -> Response<ResponseBody> {
    let status = Status::timeout("Timeout: request did not complete within the allotted timeout", 0);
    let mut document = status.to_document();
    document.remove(&["kind"]);
    document.remove(&["apiVersion"]);
    text(504, encode(&document, Media::Json))
}

/// A document with upstream's indentation and without a line's end.
pub(super) fn raw_json(document: &Document) -> Response<ResponseBody> {
    bytes(200, "application/json", json::encode_pretty(document))
}

/// A failure, in the media type that the client accepts if that can be.
pub(super) fn failure(status: &Status, request: &HeaderMap) -> Response<ResponseBody> {
    let accept = request.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
    let agent = request.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or("");
    let offer = Offer { protobuf: true, shapes: true };
    let media = Accepted::negotiate(accept, agent, &Query::default(), offer).map_or(Media::Json, |a| a.media);
    let mut response = document(status.code, &failure_document(status), media);
    let retry = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    if retry > 0 {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry));
    }
    response
}

/// A Status document. A token to go on with travels as a cause within the server and in the metadata outside.
pub(crate) fn failure_document(status: &Status) -> Document {
    let token = |status: &Status| {
        let causes = status.details.as_ref().map_or(&[][..], |details| &details.causes);
        causes.iter().find(|cause| cause.reason == CONTINUE_CAUSE).map(|cause| cause.message.clone())
    };
    match token(status) {
        None => status.to_document(),
        Some(token) => {
            let mut status = status.clone();
            status.details = None;
            let mut document = status.to_document();
            document.set(&["metadata", "continue"], token);
            document
        }
    }
}

/// Adds `Warning` headers.
pub(super) fn warn(headers: &mut HeaderMap, warnings: &[String]) {
    const LONGEST_ALL: usize = 4_096;
    let mut sent = 0;
    let mut seen: Vec<&String> = Vec::new();
    for warning in warnings {
        if seen.contains(&warning) {
            continue;
        }
        seen.push(warning);
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"").replace(['\r', '\n'], " ");
        let Ok(value) = HeaderValue::from_bytes(format!("299 - \"{quoted}\"").as_bytes()) else { continue };
        sent += value.len();
        if sent > LONGEST_ALL {
            break;
        }
        headers.append(header::WARNING, value);
    }
}

/// Sets the headers that all responses have, and those that go with the server's settings or with the request's origin.
pub(super) fn finish(
    response: &mut Response<ResponseBody>,
    audit_id: &str,
    hsts: Option<&HeaderValue>,
    cors: Option<HeaderMap>,
) {
    let headers = response.headers_mut();
    if let Some(directives) = hsts {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert_with(|| directives.clone());
    }
    headers.extend(cors.unwrap_or_default());
    if let Ok(id) = HeaderValue::from_str(audit_id) {
        headers.insert(HeaderName::from_static("audit-id"), id);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache, private"));
}

//! Bounded bodies and what they hold.

use crate::Result;
use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use skiff_apimachinery::{Document, Reason, Status, json};

/// Largest failure that is read.
const MAX_FAILURE: usize = 1 << 20;

/// The body as a document.
pub(super) async fn document(response: Response<Incoming>, limit: usize) -> Result<Document> {
    let bytes = collect(response.into_body(), limit).await?;
    json::decode(&bytes).map_err(|error| Status::internal(format!("the server's answer is no JSON: {error}")))
}

async fn collect(body: Incoming, limit: usize) -> Result<Bytes> {
    let collected = Limited::new(body, limit).collect().await;
    let collected =
        collected.map_err(|error| Status::service_unavailable(format!("the answer broke off: {error}")))?;
    Ok(collected.to_bytes())
}

/// The Status of an answer that is no success.
pub(super) async fn failure(response: Response<Incoming>) -> Status {
    let code = response.status().as_u16();
    let retry_after = response.headers().get(http::header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    let body = collect(response.into_body(), MAX_FAILURE).await.unwrap_or_default();
    let told = json::decode(&body).ok().and_then(|doc| Status::from_document(&doc));
    let mut status = told.unwrap_or_else(|| unstructured(code, &String::from_utf8_lossy(&body)));
    if let Some(seconds) = retry_after {
        let details = status.details_mut();
        if details.retry_after_seconds == 0 {
            details.retry_after_seconds = seconds;
        }
    }
    status
}

/// The Status of an answer that holds none, such as a proxy's.
fn unstructured(code: u16, text: &str) -> Status {
    let reason = match code {
        400 => Reason::BadRequest,
        401 => Reason::Unauthorized,
        403 => Reason::Forbidden,
        404 => Reason::NotFound,
        405 => Reason::MethodNotAllowed,
        406 => Reason::NotAcceptable,
        409 => Reason::Conflict,
        410 => Reason::Gone,
        413 => Reason::RequestEntityTooLarge,
        415 => Reason::UnsupportedMediaType,
        422 => Reason::Invalid,
        429 => Reason::TooManyRequests,
        500 => Reason::InternalError,
        503 => Reason::ServiceUnavailable,
        504 => Reason::Timeout,
        _ => Reason::Unknown,
    };
    let text: String = text.trim().chars().take(2048).collect();
    Status::new(code, reason, if text.is_empty() { format!("the server answered {code}") } else { text })
}

//! Requests for resources: negotiates, reads the body, runs the operation, renders.

use super::body::ResponseBody;
use super::handler::{Inbound, text};
use super::watch_socket::WatchSocket;
use super::{MAX_BODY, gzip, respond};
use crate::chain::{self, Core};
use crate::operation::{self, Answer, Call, Outcome};
use crate::render::{self, Form};
use crate::request::accept::{IncludeObject, Offer};
use crate::request::decode::Body;
use crate::request::{Accepted, RequestInfo, Shape, Verb};
use futures::StreamExt;
use http::{HeaderMap, Method, Response, header};
use http_body::Body as _;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use skiff_api::Resource;
use skiff_apimachinery::Status;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

pub(super) async fn handle(core: &Arc<Core>, inbound: Inbound) -> Result<Response<ResponseBody>, Status> {
    let row = match operation::route(core, &inbound.info) {
        Ok(row) => row,
        // Upstream's router tells of what is missing in a version that is built in; nothing else is known at all.
        Err(_) if !is_built_in(core, &inbound.info) => return Ok(respond::page_not_found()),
        Err(status) => return Err(status),
    };
    if crate::connect::is_connection(&row, &inbound.info) {
        if is_websocket(inbound.request.headers())
            && inbound.info.verb == Verb::Get
            && inbound.info.subresource != "log"
        {
            chain::authorize_upgrade(core, &inbound.info, &inbound.query, &inbound.user)?;
        }
        let target = operation::target(core, &row, &inbound.info);
        operation::admit_connection(core, &target, &inbound.query, &inbound.user).await?;
        let Inbound { info, query, user, request, stop, .. } = inbound;
        return crate::connect::handle(core, &target, &info, &query, &user, request, stop).await;
    }
    if is_foreign(inbound.request.method()) {
        return Err(Status::no_such_method());
    }
    let form = negotiate(core, &row, &inbound)?;
    let Inbound { info, query, user, user_agent, mut request, stop } = inbound;
    let socket = (info.verb == Verb::Watch).then(|| WatchSocket::asked(&mut request)).flatten();
    let (head, body) = request.into_parts();
    let body = if info.verb.is_mutating() { read(&head.headers, body).await? } else { Body::Empty };
    let call = Call { info, query, user, user_agent, body };
    let answer = operation::run(core, &row, call).await?;
    match (socket, answer.outcome) {
        (Some(socket), Outcome::Watch(opened)) => {
            let tally = core.metrics.watch_events(&form.row);
            let media = form.accepted.media;
            Ok(socket.serve(media, until(render::watch(form, opened, tally), stop)))
        }
        (_, outcome) => Ok(rendered(core, form, Answer { outcome, ..answer }, &head.headers, stop)),
    }
}

fn is_built_in(core: &Core, info: &RequestInfo) -> bool {
    let rows = core.caches.table().rows();
    rows.served().any(|row| !row.custom && row.gvk.group == info.group && row.gvk.version == info.version)
}

/// Methods that no resource has; only proxies pass them on.
fn is_foreign(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::POST | Method::PUT | Method::PATCH | Method::DELETE)
}

/// The form of the answer; decided before anything is done.
fn negotiate(core: &Core, row: &Arc<Resource>, inbound: &Inbound) -> Result<Form, Status> {
    let headers = inbound.request.headers();
    let partial = matches!(inbound.info.subresource.as_str(), "scale" | "token" | "binding" | "eviction");
    let offer = Offer { protobuf: !row.custom, shapes: !row.storage_prefix.is_empty() && !partial };
    let accept = text(headers, header::ACCEPT);
    let accepted = Accepted::negotiate(&accept, &inbound.user_agent, &inbound.query, offer)?;
    let include = if accepted.shape == Shape::Table {
        IncludeObject::parse(&inbound.query)?
    } else {
        IncludeObject::None
    };
    let hub = core.caches.table().rows().hub(row);
    Ok(Form { row: row.clone(), hub, accepted, include, clock: core.clock.clone() })
}

fn rendered(
    core: &Core,
    form: Form,
    answer: Answer,
    request: &HeaderMap,
    stop: CancellationToken,
) -> Response<ResponseBody> {
    let media = form.accepted.media;
    let mut response = match answer.outcome {
        Outcome::Object(object) => {
            respond::bytes(answer.code, media.content_type(), render::object(&form, &object))
        }
        Outcome::Other(document) => respond::document(answer.code, &document, media),
        Outcome::List(page) => {
            respond::with_body(answer.code, media.content_type(), render::list(&form, page))
        }
        Outcome::Watch(opened) => {
            let tally = core.metrics.watch_events(&form.row);
            let body = until(render::watch(form, opened, tally), stop);
            respond::with_body(answer.code, media.stream_content_type(), body)
        }
    };
    respond::warn(response.headers_mut(), &answer.warnings);
    let (mut head, body) = response.into_parts();
    let body = gzip::compress(request, &mut head.headers, body);
    response = Response::from_parts(head, body);
    response
}

/// A stream that ends when the server stops, so that clients go elsewhere.
fn until(body: ResponseBody, stop: CancellationToken) -> ResponseBody {
    match body {
        ResponseBody::Stream(stream) => {
            ResponseBody::stream(stream.take_until(stop.cancelled_owned()).boxed())
        }
        other => other,
    }
}

/// The body's bytes, at most [`MAX_BODY`].
pub(super) async fn read(headers: &HeaderMap, body: Incoming) -> Result<Body, Status> {
    if body.is_end_stream() {
        return Ok(Body::Empty);
    }
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Status::too_large(MAX_BODY));
    }
    let collected = Limited::new(body, MAX_BODY).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            Status::too_large(MAX_BODY)
        } else {
            Status::bad_request(format!("reading the body: {error}"))
        }
    })?;
    Ok(Body::Bytes { content_type: text(headers, header::CONTENT_TYPE), bytes: collected.to_bytes() })
}

fn is_websocket(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

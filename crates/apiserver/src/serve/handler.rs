//! One HTTP request: head to plain values, through the chain, answer to a response.

use super::connection::Peer;
use super::tls::ClientIdentity;
use super::{nonresource, resource, respond};
use crate::authentication::{Credentials, UserInfo};
use crate::chain::{self, Core, Deadline, Kind, Record, Unable};
use crate::flow_control::Flow;
use crate::request::{Query, RequestInfo};
use crate::serve::body::ResponseBody;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use skiff_apimachinery::Status;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A request whose sender is known and may do what it asks.
pub(super) struct Inbound {
    pub(super) info: RequestInfo,
    pub(super) query: Query,
    pub(super) user: UserInfo,
    pub(super) user_agent: String,
    pub(super) request: Request<Incoming>,
    /// Cancelled when the server stops.
    pub(super) stop: CancellationToken,
}

/// What is noted about a request while it runs.
#[derive(Default)]
struct Trail {
    user: UserInfo,
    impersonated: Option<UserInfo>,
    flow: Option<Flow>,
    allowed: bool,
    reason: String,
}

/// Answers one request. Never fails: failures are answers.
pub(super) fn handle(
    core: Arc<Core>,
    peer: Arc<Peer>,
    stop: CancellationToken,
    request: Request<Incoming>,
) -> BoxFuture<'static, Response<ResponseBody>> {
    Box::pin(answer(core, peer, stop, request))
}

async fn answer(
    core: Arc<Core>,
    peer: Arc<Peer>,
    stop: CancellationToken,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    let received = core.clock.now();
    let audit_id = audit_id(request.headers());
    let query = Query::parse(request.uri().query().unwrap_or(""));
    let info = RequestInfo::parse(request.method(), request.uri().path(), &query);
    let user_agent = text(request.headers(), header::USER_AGENT);
    let uri = request.uri().to_string();
    let dry_run = query.get("dryRun").to_owned();
    let kind = Kind {
        info: &info,
        served: core.serves(&info),
        dry_run: &dry_run,
        apply: is_apply(request.headers()),
    };
    let running = core.metrics.begin(kind);
    let cors = core.cors.as_ref().and_then(|cors| cors.headers(request.headers()));

    let mut trail = Trail::default();
    let request_headers = request.headers().clone();
    let preflight = cors.is_some() && *request.method() == Method::OPTIONS;
    let inbound = Inbound {
        info: info.clone(),
        query,
        user: UserInfo::default(),
        user_agent: user_agent.clone(),
        request,
        stop,
    };
    let outcome =
        if preflight { Ok(no_content()) } else { in_time(&core, &peer, inbound, kind, &mut trail).await };
    let mut response = match outcome {
        Ok(response) => response,
        Err(status) => {
            let mut response = respond::failure(&status, &request_headers);
            if status.code == 403 && !trail.allowed {
                let nosniff = HeaderValue::from_static("nosniff");
                response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
            }
            response
        }
    };
    if let Some(flow) = trail.flow.take() {
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("x-kubernetes-pf-flowschema-uid"), flow.schema);
        headers.insert(HeaderName::from_static("x-kubernetes-pf-prioritylevel-uid"), flow.level);
    }
    respond::finish(&mut response, &audit_id, core.hsts.as_ref(), cors);
    let code = response.status().as_u16();
    core.metrics.finish(&running, code, response.body().size());
    // A watch runs as long as it is told; anything else is over.
    let response = response.map(|body| body.holding(running));
    if let Some(audit) = &core.audit {
        core.metrics.audited();
        audit.record(&Record {
            audit_id: &audit_id,
            info: &info,
            uri: &uri,
            user: &trail.user,
            impersonated: trail.impersonated.as_ref(),
            source: &peer.address.ip().to_string(),
            user_agent: &user_agent,
            code,
            reason: &trail.reason,
            allowed: trail.allowed,
            received,
            completed: core.clock.now(),
        });
    }
    response
}

/// The answer, or what a request is told that takes longer than it may.
async fn in_time(
    core: &Arc<Core>,
    peer: &Peer,
    inbound: Inbound,
    kind: Kind<'_>,
    trail: &mut Trail,
) -> Result<Response<ResponseBody>, Status> {
    let deadline = Deadline::of(kind.info, &inbound.query, core.request_timeout)?;
    let answering = admitted(core, peer, inbound, kind, trail);
    let Some(deadline) = deadline else { return answering.await };
    if let Ok(answer) = tokio::time::timeout(deadline.limit, answering).await {
        return answer;
    }
    core.metrics.timed_out(kind);
    if deadline.changes { Err(Deadline::exceeded()) } else { Ok(respond::out_of_time()) }
}

async fn admitted(
    core: &Arc<Core>,
    peer: &Peer,
    mut inbound: Inbound,
    kind: Kind<'_>,
    trail: &mut Trail,
) -> Result<Response<ResponseBody>, Status> {
    let headers = inbound.request.headers();
    let certificate = match &peer.identity {
        ClientIdentity::None => None,
        ClientIdentity::Verified(certificate) => Some(certificate.as_slice()),
        ClientIdentity::Refused => return Err(Status::unauthorized()),
    };
    trail.user = chain::authenticate(core, Credentials { headers, certificate }).await?;
    trail.impersonated = match chain::impersonate(core, headers, &trail.user) {
        Ok(impersonated) => impersonated,
        Err(Unable::Forbidden(status)) => return Err(status),
        Err(Unable::Malformed(why)) => return Ok(internal_error(&inbound.request, &why)),
    };
    let user = trail.impersonated.as_ref().unwrap_or(&trail.user).clone();
    trail.flow = core.flow_control.classify(&inbound.info, &user);
    let exempt = trail.flow.as_ref().is_some_and(|flow| flow.exempt);
    let permit = if exempt { Ok(None) } else { core.limits.enter(&inbound.info, &user).map(Some) };
    let Ok(_permit) = permit else {
        core.metrics.dropped(kind);
        return Ok(respond::too_many_requests());
    };
    trail.reason = chain::authorize(core, &inbound.info, &inbound.query, &user)?;
    trail.allowed = true;
    inbound.user = user;
    if inbound.info.is_resource {
        resource::handle(core, inbound).await
    } else {
        nonresource::handle(core, inbound).await
    }
}

/// 500 as upstream's filters write it: plain text that names the URI.
fn internal_error(request: &Request<Incoming>, why: &str) -> Response<ResponseBody> {
    let uri = request.uri().to_string();
    let message = format!("Internal Server Error: {uri:?}: {why}");
    // Harmless for whoever shows it as HTML.
    let message = message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    respond::plain_failure(500, &message)
}

/// The answer to a browser that asks whether it may ask.
fn no_content() -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Whether the body is an applied configuration.
fn is_apply(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/apply-patch+"))
}

/// The client's audit id, or a new one.
fn audit_id(headers: &HeaderMap) -> String {
    const LONGEST: usize = 64;
    let given = headers.get("audit-id").and_then(|value| value.to_str().ok());
    match given.filter(|id| !id.is_empty() && id.len() <= LONGEST) {
        Some(id) => id.to_owned(),
        None => uuid::Uuid::new_v4().to_string(),
    }
}

/// A header as text; empty if absent.
pub(super) fn text(headers: &HeaderMap, name: http::HeaderName) -> String {
    headers.get(name).map(HeaderValue::as_bytes).map(String::from_utf8_lossy).unwrap_or_default().into_owned()
}

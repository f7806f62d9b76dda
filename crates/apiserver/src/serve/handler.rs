//! One HTTP request: head to plain values, through the chain, answer to a response.

use super::connection::Peer;
use super::tls::ClientIdentity;
use super::{nonresource, resource, respond};
use crate::authentication::{Credentials, UserInfo};
use crate::chain::{self, Core, Record};
use crate::request::{Query, RequestInfo};
use crate::serve::body::ResponseBody;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response, header};
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
    let started = std::time::Instant::now();
    let audit_id = audit_id(request.headers());
    let query = Query::parse(request.uri().query().unwrap_or(""));
    let info = RequestInfo::parse(request.method(), request.uri().path(), &query);
    let user_agent = text(request.headers(), header::USER_AGENT);
    let uri = request.uri().clone();
    let dry_run = query.get("dryRun").to_owned();
    let served = core.serves(&info);
    let running = core.metrics.begin(&info, served);

    let mut trail = Trail::default();
    let request_headers = request.headers().clone();
    let inbound = Inbound {
        info: info.clone(),
        query,
        user: UserInfo::default(),
        user_agent: user_agent.clone(),
        request,
        stop,
    };
    let mut response = match admitted(&core, &peer, inbound, &mut trail).await {
        Ok(response) => response,
        Err(status) => respond::failure(&status, &request_headers),
    };
    respond::finish(&mut response, &audit_id);
    // A watch runs as long as it is told; anything else is over.
    let response = response.map(|body| body.holding(running));
    let code = response.status().as_u16();
    core.metrics.finish(&info, served, &dry_run, code, started.elapsed());
    if let Some(audit) = &core.audit {
        audit.record(&Record {
            audit_id: &audit_id,
            info: &info,
            uri: &uri.to_string(),
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

async fn admitted(
    core: &Arc<Core>,
    peer: &Peer,
    mut inbound: Inbound,
    trail: &mut Trail,
) -> Result<Response<ResponseBody>, Status> {
    let headers = inbound.request.headers();
    let certificate = match &peer.identity {
        ClientIdentity::None => None,
        ClientIdentity::Verified(certificate) => Some(certificate.as_slice()),
        ClientIdentity::Refused => return Err(Status::unauthorized()),
    };
    trail.user = chain::authenticate(core, Credentials { headers, certificate }).await?;
    let _permit = core.limits.enter(&inbound.info, &trail.user)?;
    trail.impersonated = chain::impersonate(core, headers, &trail.user)?;
    let user = trail.impersonated.as_ref().unwrap_or(&trail.user).clone();
    trail.reason = chain::authorize(core, &inbound.info, &inbound.query, &user)?;
    trail.allowed = true;
    inbound.user = user;
    let long_running = inbound.info.is_long_running();
    let answering = async {
        if inbound.info.is_resource {
            resource::handle(core, inbound).await
        } else {
            nonresource::handle(core, inbound).await
        }
    };
    if long_running {
        return answering.await;
    }
    match tokio::time::timeout(core.request_timeout, answering).await {
        Ok(result) => result,
        Err(_) => Err(Status::timeout(
            "Timeout: request did not complete within requested timeout - context deadline exceeded",
            0,
        )),
    }
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

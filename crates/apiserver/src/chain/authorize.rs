//! Whether a user may do what a request asks.

use super::Core;
use crate::authentication::UserInfo;
use crate::authorization::{Attributes, Decision};
use crate::request::{Query, RequestInfo};
use skiff_apimachinery::{GroupResource, Status};
use std::time::Instant;

/// Leave, with the reason for it.
///
/// # Errors
/// 403 in upstream's words.
pub fn authorize(core: &Core, info: &RequestInfo, query: &Query, user: &UserInfo) -> Result<String, Status> {
    decide(core, &attributes(info, query, user))
}

/// Leave to open a stream: WebSocket clients come with GET but need what `create` needs (KEP-5437's rule).
///
/// # Errors
/// As [`authorize`].
pub fn authorize_upgrade(
    core: &Core,
    info: &RequestInfo,
    query: &Query,
    user: &UserInfo,
) -> Result<String, Status> {
    let mut attributes = attributes(info, query, user);
    attributes.verb = "create";
    decide(core, &attributes)
}

fn attributes<'a>(info: &'a RequestInfo, query: &'a Query, user: &'a UserInfo) -> Attributes<'a> {
    Attributes {
        user,
        verb: info.verb.as_str(),
        group: &info.group,
        version: &info.version,
        resource: &info.resource,
        subresource: &info.subresource,
        namespace: &info.namespace,
        name: &info.name,
        path: &info.path,
        field_selector: query.get("fieldSelector"),
    }
}

pub(super) fn decide(core: &Core, attributes: &Attributes<'_>) -> Result<String, Status> {
    let begun = Instant::now();
    let decision = core.authorizer.authorize(attributes);
    core.metrics.authorized(&decision, begun.elapsed());
    match decision {
        Decision::Allow(reason) => Ok(reason),
        Decision::Deny(reason) | Decision::NoOpinion(reason) => Err(forbidden(attributes, &reason)),
    }
}

fn forbidden(wanted: &Attributes<'_>, reason: &str) -> Status {
    let (user, verb) = (&wanted.user.name, wanted.verb);
    let mut why = if wanted.resource.is_empty() {
        format!("User {user:?} cannot {verb} path {:?}", wanted.path)
    } else {
        let mut resource = wanted.resource.to_owned();
        if !wanted.subresource.is_empty() {
            resource = format!("{resource}/{}", wanted.subresource);
        }
        let scope = if wanted.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace {:?}", wanted.namespace)
        };
        format!("User {user:?} cannot {verb} resource {resource:?} in API group {:?} {scope}", wanted.group)
    };
    // What came from outside is made harmless for whoever shows it as HTML.
    why = why.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    if !reason.is_empty() {
        why = format!("{why}: {reason}");
    }
    let resource = GroupResource::new(wanted.group.to_owned(), wanted.resource.to_owned());
    Status::forbidden(&resource, wanted.name, &why)
}

//! A record as an audit event. Pure.

use crate::authentication::UserInfo;
use crate::chain::Record;
use skiff_apimachinery::time::format_micro_time;
use skiff_apimachinery::{Document, doc, json};

/// A record as one line of JSON with its line feed.
pub(super) fn line(record: &Record<'_>) -> Vec<u8> {
    let mut line = json::encode(&event(record));
    line.push(b'\n');
    line
}

fn event(record: &Record<'_>) -> Document {
    let info = record.info;
    // Of a stream that is still open only the start is known.
    let is_open = info.is_long_running() && record.code < 300;
    let mut event = doc!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": record.audit_id,
        "stage": if is_open { "ResponseStarted" } else { "ResponseComplete" },
        "requestURI": record.uri, "verb": info.verb.as_str(), "user": user(record.user)
    });
    if let Some(impersonated) = record.impersonated {
        event.insert("impersonatedUser", user(impersonated));
    }
    if !record.source.is_empty() {
        event.insert("sourceIPs", vec![record.source]);
    }
    if !record.user_agent.is_empty() {
        event.insert("userAgent", record.user_agent);
    }
    if info.is_resource {
        event.insert("objectRef", object_reference(record));
    }
    event.insert("responseStatus", doc!({"metadata": {}, "code": record.code}));
    event.insert("requestReceivedTimestamp", format_micro_time(record.received));
    event.insert("stageTimestamp", format_micro_time(record.completed));
    // Whoever could not be authenticated was never judged.
    if record.code != 401 {
        let decision = if record.allowed { "allow" } else { "forbid" };
        event.insert(
            "annotations",
            doc!({"authorization.k8s.io/decision": decision, "authorization.k8s.io/reason": record.reason}),
        );
    }
    event
}

fn user(user: &UserInfo) -> Document {
    let mut out = Document::object();
    insert_text(&mut out, "username", &user.name);
    insert_text(&mut out, "uid", &user.uid);
    if !user.groups.is_empty() {
        out.insert("groups", user.groups.clone());
    }
    if !user.extra.is_empty() {
        let extra: Document = user.extra.iter().map(|(key, values)| (key.as_str(), values.clone())).collect();
        out.insert("extra", extra);
    }
    out
}

fn object_reference(record: &Record<'_>) -> Document {
    let info = record.info;
    let mut out = Document::object();
    for (key, text) in [
        ("resource", &info.resource),
        ("namespace", &info.namespace),
        ("name", &info.name),
        ("apiGroup", &info.group),
        ("apiVersion", &info.version),
        ("subresource", &info.subresource),
    ] {
        insert_text(&mut out, key, text);
    }
    out
}

fn insert_text(to: &mut Document, key: &'static str, text: &str) {
    if !text.is_empty() {
        to.insert(key, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Query, RequestInfo};
    use http::Method;

    fn told(uri: &str, code: u16, allowed: bool) -> Document {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let info = RequestInfo::parse(&Method::GET, path, &Query::parse(query));
        let user = UserInfo { name: "jane".into(), groups: vec!["devs".into()], ..UserInfo::default() };
        event(&Record {
            audit_id: "id",
            info: &info,
            uri,
            user: &user,
            impersonated: None,
            source: "10.0.0.9",
            user_agent: "kubectl",
            code,
            reason: "RBAC: allowed",
            allowed,
            received: "2026-01-02T03:04:05.000001Z".parse().unwrap(),
            completed: "2026-01-02T03:04:05.5Z".parse().unwrap(),
        })
    }

    #[test]
    fn an_event_tells_who_did_what() {
        assert_eq!(
            told("/apis/apps/v1/namespaces/ns/deployments/web/scale", 200, true),
            doc!({
                "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "id",
                "stage": "ResponseComplete", "requestURI": "/apis/apps/v1/namespaces/ns/deployments/web/scale",
                "verb": "get", "user": {"username": "jane", "groups": ["devs"]}, "sourceIPs": ["10.0.0.9"],
                "userAgent": "kubectl",
                "objectRef": {
                    "resource": "deployments", "namespace": "ns", "name": "web", "apiGroup": "apps",
                    "apiVersion": "v1", "subresource": "scale"
                },
                "responseStatus": {"metadata": {}, "code": 200},
                "requestReceivedTimestamp": "2026-01-02T03:04:05.000001Z",
                "stageTimestamp": "2026-01-02T03:04:05.500000Z",
                "annotations": {
                    "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC: allowed"
                }
            })
        );
    }

    #[test]
    fn of_a_watch_the_start_is_told_and_of_a_path_no_object() {
        assert_eq!(told("/api/v1/pods?watch=1", 200, true).str_at(&["stage"]), "ResponseStarted");
        assert_eq!(told("/api/v1/pods?watch=1", 410, true).str_at(&["stage"]), "ResponseComplete");
        let path = told("/version", 403, false);
        assert_eq!(path.get("objectRef"), None);
        assert_eq!(path["annotations"].str_at(&["authorization.k8s.io/decision"]), "forbid");
        assert_eq!(told("/version", 401, false).get("annotations"), None);
    }
}

//! What the server itself writes into CertificateSigningRequests: who asks, and when conditions changed.

use super::Context;
use crate::authorization::review::user_document;
use jiff::Timestamp;
use skiff_api::Resource;
use skiff_apimachinery::Document;
use skiff_apimachinery::time::format_time;

fn concerns(hub: &Resource) -> bool {
    hub.gvk.group == "certificates.k8s.io" && hub.plural == "certificatesigningrequests"
}

/// Notes in a new request who asks. Other objects are left alone.
pub(super) fn set_requester(hub: &Resource, object: &mut Document, context: &Context) {
    if !concerns(hub) {
        return;
    }
    for (field, value) in user_document(&context.user).into_object() {
        object.set(&["spec", &field], value);
    }
}

/// Gives the conditions of a changed request the times that they lack. Other objects are left alone.
pub(super) fn stamp_conditions(hub: &Resource, new: &mut Document, old: &Document, now: Timestamp) {
    if !concerns(hub) {
        return;
    }
    let conditions = new.at_mut(&["status", "conditions"]).and_then(Document::as_array_mut);
    for condition in conditions.into_iter().flatten() {
        if condition.str_at(&["lastUpdateTime"]).is_empty() {
            condition.insert("lastUpdateTime", format_time(now));
        }
        if condition.str_at(&["lastTransitionTime"]).is_empty() {
            let since = since(condition, old).unwrap_or_else(|| format_time(now));
            condition.insert("lastTransitionTime", since);
        }
    }
}

/// Since when the old object has the condition with this status.
fn since(condition: &Document, old: &Document) -> Option<String> {
    let is_same = |known: &&Document| {
        ["type", "status"].iter().all(|field| known.str_at(&[field]) == condition.str_at(&[field]))
    };
    let known = old.array_at(&["status", "conditions"]).iter().filter(is_same);
    known.map(|known| known.str_at(&["lastTransitionTime"])).find(|time| !time.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authentication::UserInfo;
    use skiff_apimachinery::doc;
    use std::sync::Arc;

    fn row(plural: &str) -> Arc<Resource> {
        skiff_api::builtin().iter().find(|row| row.plural == plural).cloned().unwrap()
    }

    fn context() -> Context {
        Context {
            user: UserInfo { name: "ann".into(), groups: vec!["dev".into()], ..UserInfo::anonymous() },
            dry_run: false,
            field_manager: String::new(),
            now: now(),
            warnings: Vec::new(),
        }
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_request_tells_who_asks() {
        let mut object = doc!({"spec": {"request": "r"}});
        set_requester(&row("certificatesigningrequests"), &mut object, &context());
        assert_eq!(object.str_at(&["spec", "username"]), "ann");
        assert_eq!(object["spec"]["groups"], doc!(["dev"]));
        let mut other = doc!({"spec": {}});
        set_requester(&row("configmaps"), &mut other, &context());
        assert_eq!(other, doc!({"spec": {}}));
    }

    #[test]
    fn conditions_get_the_times_that_they_lack() {
        let old = doc!({"status": {"conditions": [
            {"type": "A", "status": "True", "lastTransitionTime": "2025-01-01T00:00:00Z"}
        ]}});
        let mut new = doc!({"status": {"conditions": [
            {"type": "A", "status": "True"}, {"type": "B", "status": "True", "lastUpdateTime": "2025-06-01T00:00:00Z"}
        ]}});
        stamp_conditions(&row("certificatesigningrequests"), &mut new, &old, now());
        assert_eq!(
            new["status"]["conditions"],
            doc!([
                {"type": "A", "status": "True", "lastUpdateTime": "2026-01-01T00:00:00Z",
                 "lastTransitionTime": "2025-01-01T00:00:00Z"},
                {"type": "B", "status": "True", "lastUpdateTime": "2025-06-01T00:00:00Z",
                 "lastTransitionTime": "2026-01-01T00:00:00Z"}
            ])
        );
    }
}

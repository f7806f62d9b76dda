//! Acting as somebody else: the `Impersonate-*` headers, each of which needs leave of its own.

use super::{Core, authorize};
use crate::authentication::UserInfo;
use crate::authorization::Attributes;
use http::HeaderMap;
use skiff_apimachinery::Status;

const USER: &str = "impersonate-user";
const GROUP: &str = "impersonate-group";
const UID: &str = "impersonate-uid";
const EXTRA: &str = "impersonate-extra-";

/// Whom the request is to be taken as coming from; `None` without such headers.
///
/// # Errors
/// 400 for groups without a user, 403 without leave.
pub fn impersonate(core: &Core, headers: &HeaderMap, real: &UserInfo) -> Result<Option<UserInfo>, Status> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
    let (name, uid) = (text(USER), text(UID));
    let mut groups: Vec<String> =
        headers.get_all(GROUP).iter().filter_map(|v| v.to_str().ok()).map(str::to_owned).collect();
    let extras: Vec<(String, String)> = headers
        .iter()
        .filter_map(|(key, value)| {
            let key = key.as_str().strip_prefix(EXTRA)?;
            Some((crate::request::query::decode_segment(key).to_lowercase(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    if name.is_empty() {
        if groups.is_empty() && uid.is_empty() && extras.is_empty() {
            return Ok(None);
        }
        return Err(Status::internal("requested impersonation without impersonating a user"));
    }
    let may = |group: &str, resource: &str, subresource: &str, namespace: &str, name: &str| {
        let wanted = Attributes {
            user: real,
            verb: "impersonate",
            group,
            version: "v1",
            resource,
            subresource,
            namespace,
            name,
            path: "",
            field_selector: "",
        };
        authorize::decide(core, &wanted).map(drop)
    };
    match name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':')) {
        Some((namespace, account)) => {
            may("", "serviceaccounts", "", namespace, account)?;
            if groups.is_empty() {
                groups = vec!["system:serviceaccounts".into(), format!("system:serviceaccounts:{namespace}")];
            }
        }
        None => may("", "users", "", "", &name)?,
    }
    for group in headers.get_all(GROUP).iter().filter_map(|v| v.to_str().ok()) {
        may("", "groups", "", "", group)?;
    }
    if !uid.is_empty() {
        may("authentication.k8s.io", "uids", "", "", &uid)?;
    }
    for (key, value) in &extras {
        may("authentication.k8s.io", "userextras", key, "", value)?;
    }
    let anonymous = name == "system:anonymous";
    let everybody = if anonymous { "system:unauthenticated" } else { "system:authenticated" };
    let known = ["system:authenticated", "system:unauthenticated"];
    if !groups.iter().any(|group| known.contains(&group.as_str())) {
        groups.push(everybody.to_owned());
    }
    let mut user = UserInfo { name, uid, groups, ..UserInfo::default() };
    for (key, value) in extras {
        user.extra.entry(key).or_default().push(value);
    }
    Ok(Some(user))
}

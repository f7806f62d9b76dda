//! Acting as somebody else: the `Impersonate-*` headers, each of which needs leave of its own.

use super::{Core, authorize};
use crate::authentication::UserInfo;
use crate::authorization::Attributes;
use crate::request::query::decode_segment;
use http::HeaderMap;
use skiff_apimachinery::{Status, names};

const USER: &str = "impersonate-user";
const GROUP: &str = "impersonate-group";
const UID: &str = "impersonate-uid";
const EXTRA: &str = "impersonate-extra-";
const AUTHENTICATION: &str = "authentication.k8s.io";

/// Why somebody else cannot be impersonated.
#[derive(Debug)]
pub enum Unable {
    /// The headers make no user; upstream answers that with 500 and plain text.
    Malformed(String),
    /// It is not allowed.
    Forbidden(Status),
}

/// What the headers ask for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    user: String,
    uid: String,
    groups: Vec<String>,
    /// Key and value, each value apart.
    extras: Vec<(String, String)>,
}

/// Whom the request is to be taken as coming from; `None` without such headers.
///
/// # Errors
/// For anything without a user, and without leave.
pub fn impersonate(core: &Core, headers: &HeaderMap, real: &UserInfo) -> Result<Option<UserInfo>, Unable> {
    let Some(wanted) = Wanted::read(headers).map_err(Unable::Malformed)? else { return Ok(None) };
    wanted.check(core, real).map_err(Unable::Forbidden)?;
    Ok(Some(wanted.into_user()))
}

/// Namespace and name, if this is the user name of a service account.
fn service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    let valid = names::dns1123_label(namespace).is_empty() && names::dns1123_subdomain(name).is_empty();
    valid.then_some((namespace, name))
}

// === impl Wanted ===

impl Wanted {
    /// Reads the headers; `None` if there are none.
    ///
    /// # Errors
    /// Upstream's text if no user is named.
    fn read(headers: &HeaderMap) -> Result<Option<Self>, String> {
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
        let texts =
            |name: &str| headers.get_all(name).iter().filter_map(|v| v.to_str().ok()).map(str::to_owned);
        let extras = headers.iter().filter_map(|(key, value)| {
            let key = decode_segment(key.as_str().strip_prefix(EXTRA)?).into_owned();
            Some((key, value.to_str().ok()?.to_owned()))
        });
        let wanted = Self {
            user: text(USER),
            uid: text(UID),
            groups: texts(GROUP).collect(),
            extras: extras.collect(),
        };
        if wanted == Self::default() {
            return Ok(None);
        }
        if wanted.user.is_empty() {
            return Err(format!("requested {} without impersonating a user", wanted.references()));
        }
        Ok(Some(wanted))
    }

    /// What is asked for as upstream prints a list of its object references.
    fn references(&self) -> String {
        let version = format!("{AUTHENTICATION}/v1");
        let groups = self.groups.iter().map(|group| format!("{{Group  {group}    }}"));
        let extras =
            self.extras.iter().map(|(key, value)| format!("{{UserExtra  {value}  {version}  {key}}}"));
        let uid = (!self.uid.is_empty()).then(|| format!("{{UID  {}  {version}  }}", self.uid));
        let all: Vec<String> = groups.chain(extras).chain(uid).collect();
        format!("[{}]", all.join(" "))
    }

    fn check(&self, core: &Core, real: &UserInfo) -> Result<(), Status> {
        let may = |group: &str, resource: &str, subresource: &str, namespace: &str, name: &str| {
            let attributes = Attributes {
                user: real,
                verb: "impersonate",
                group,
                version: if group.is_empty() { "" } else { "v1" },
                resource,
                subresource,
                namespace,
                name,
                path: "",
                field_selector: "",
            };
            authorize::decide(core, &attributes).map(drop)
        };
        match service_account(&self.user) {
            Some((namespace, account)) => may("", "serviceaccounts", "", namespace, account)?,
            None => may("", "users", "", "", &self.user)?,
        }
        for group in &self.groups {
            may("", "groups", "", "", group)?;
        }
        for (key, value) in &self.extras {
            may(AUTHENTICATION, "userextras", key, "", value)?;
        }
        if !self.uid.is_empty() {
            may(AUTHENTICATION, "uids", "", "", &self.uid)?;
        }
        Ok(())
    }

    fn into_user(self) -> UserInfo {
        let mut groups = self.groups;
        if let (true, Some((namespace, _))) = (groups.is_empty(), service_account(&self.user)) {
            groups = vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
        }
        let everybody =
            if self.user == "system:anonymous" { "system:unauthenticated" } else { "system:authenticated" };
        let known = ["system:authenticated", "system:unauthenticated"];
        if !groups.iter().any(|group| known.contains(&group.as_str())) {
            groups.push(everybody.to_owned());
        }
        let mut user = UserInfo { name: self.user, uid: self.uid, groups, ..UserInfo::default() };
        for (key, value) in self.extras {
            user.extra.entry(key).or_default().push(value);
        }
        user
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn read(headers: &[(&str, &str)]) -> Result<Option<UserInfo>, String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        Wanted::read(&map).map(|wanted| wanted.map(Wanted::into_user))
    }

    fn groups(headers: &[(&str, &str)]) -> Vec<String> {
        read(headers).unwrap().unwrap().groups
    }

    #[test]
    fn users_get_the_groups_that_go_with_them() {
        type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
        let cases: [Case<'_>; 5] = [
            (&[("Impersonate-User", "jane")], &["system:authenticated"]),
            (
                &[("Impersonate-User", "jane"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b")],
                &["a", "b", "system:authenticated"],
            ),
            (
                &[("Impersonate-User", "system:serviceaccount:ns:sa")],
                &["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"],
            ),
            (&[("Impersonate-User", "system:serviceaccount:ns:s:a")], &["system:authenticated"]),
            (&[("Impersonate-User", "system:anonymous")], &["system:unauthenticated"]),
        ];
        for (headers, expected) in cases {
            assert_eq!(groups(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn extras_have_decoded_keys() {
        let user = read(&[
            ("Impersonate-User", "jane"),
            ("Impersonate-Uid", "1"),
            ("Impersonate-Extra-Acme.com%2fproject", "x"),
            ("Impersonate-Extra-Acme.com%2fproject", "y"),
        ]);
        let user = user.unwrap().unwrap();
        assert_eq!(user.uid, "1");
        assert_eq!(user.extra["acme.com/project"], ["x", "y"]);
    }

    #[test]
    fn nothing_is_impersonated_without_a_user() {
        assert_eq!(read(&[("Accept", "*/*")]), Ok(None));
        let cases: [(&[(&str, &str)], &str); 3] = [
            (&[("Impersonate-Group", "devs")], "[{Group  devs    }]"),
            (&[("Impersonate-Uid", "7")], "[{UID  7  authentication.k8s.io/v1  }]"),
            (&[("Impersonate-Extra-A", "x")], "[{UserExtra  x  authentication.k8s.io/v1  a}]"),
        ];
        for (headers, references) in cases {
            let expected = format!("requested {references} without impersonating a user");
            assert_eq!(read(headers), Err(expected));
        }
    }
}

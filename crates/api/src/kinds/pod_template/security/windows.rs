//! What a container is on Windows.

use super::super::given;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, names};

/// Longest text of a GMSA credential spec.
const MAX_CREDENTIALS: usize = 64 * 1024;
/// Longest domain of a user, in characters: one less than this.
const DOMAIN_BOUND: usize = 256;
const MAX_USER: usize = 104;
const MAX_NETBIOS: usize = 15;
/// What no name of a user holds.
const NOT_IN_USERS: &str = r#""/\:;|=,+*?<>@[]"#;
/// What no NetBIOS name holds.
const NOT_IN_NETBIOS: &str = r#"\/:*?"<>|"#;

/// The `windowsOptions` of a security context.
pub(super) fn validate(context: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let Some(options) = given(context, "windowsOptions") else { return out };
    let text = |field: &str| options.get(field).and_then(Document::as_str);
    if let Some(name) = text("gmsaCredentialSpecName") {
        let complaints = names::dns1123_subdomain(name);
        out.extend(place.child("gmsaCredentialSpecName").complaints(name, complaints));
    }
    if let Some(credentials) = text("gmsaCredentialSpec") {
        let at = place.child("gmsaCredentialSpec");
        if credentials.is_empty() {
            out.push(at.invalid(credentials, "gmsaCredentialSpec cannot be an empty string"));
        } else if credentials.len() > MAX_CREDENTIALS {
            out.push(at.invalid(credentials, "gmsaCredentialSpec size must be under 64 KiB"));
        }
    }
    if let Some(name) = text("runAsUserName") {
        let at = place.child("runAsUserName");
        out.extend(user_name(name).into_iter().map(|why| at.invalid(name, why)));
    }
    out
}

/// What is wrong with a name such as `DOMAIN\User`.
fn user_name(name: &str) -> Vec<String> {
    let whole = if name.is_empty() {
        " cannot be an empty string"
    } else if name.contains(|c: char| c.is_ascii_control()) {
        " cannot contain control characters"
    } else if name.matches('\\').count() > 1 {
        " cannot contain more than one backslash"
    } else {
        ""
    };
    if !whole.is_empty() {
        return vec![format!("runAsUserName{whole}")];
    }
    let (domain, user) = name.split_once('\\').map_or((None, name), |(domain, user)| (Some(domain), user));
    let mut out = Vec::new();
    if let Some(domain) = domain {
        if domain.len() >= DOMAIN_BOUND {
            out.push("runAsUserName's Domain length must be under 256 characters".to_owned());
        }
        if !is_netbios(domain) && !is_dns(domain) {
            out.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format".to_owned());
        }
    }
    if user.is_empty() {
        out.push("runAsUserName's User cannot be empty".to_owned());
        return out;
    }
    if user.len() > MAX_USER {
        out.push(format!("runAsUserName's User length must not be longer than {MAX_USER} characters"));
    }
    if user.chars().all(|c| matches!(c, '.' | ' ')) {
        out.push("runAsUserName's User cannot contain only periods or spaces".to_owned());
    }
    if user.contains(|c: char| NOT_IN_USERS.contains(c)) {
        out.push(format!("runAsUserName's User cannot contain the following characters: {NOT_IN_USERS}"));
    }
    out
}

fn is_netbios(domain: &str) -> bool {
    (1..=MAX_NETBIOS).contains(&domain.chars().count())
        && !domain.starts_with('.')
        && !domain.contains(|c: char| NOT_IN_NETBIOS.contains(c))
}

/// Labels of letters, digits and hyphens, with dots between.
fn is_dns(domain: &str) -> bool {
    domain.split('.').all(|label| {
        let bytes = label.as_bytes();
        let is_edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        bytes.len() <= names::MAX_LABEL
            && is_edge(bytes.first())
            && is_edge(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    })
}

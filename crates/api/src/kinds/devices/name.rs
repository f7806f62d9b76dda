//! Names of pools, classes, attributes and shares.

use crate::kinds::csi_driver;
use crate::validation::{invalid, names};
use skiff_apimachinery::{FieldError, FieldErrors, FieldPath};

pub(crate) use crate::kinds::csi_driver::name as driver;

const MAX_POOL: usize = 253;
const MAX_IDENTIFIER: usize = 32;
const MAX_DOMAIN: usize = 63;
/// Longer keys are cut where a path names them.
const MAX_SHOWN_KEY: usize = MAX_DOMAIN + 1 + MAX_IDENTIFIER;

/// A DNS label: names of requests, devices and counters.
pub(crate) fn label(field: &FieldPath, name: &str) -> FieldErrors {
    invalid(field, name, names::dns1123_label(name))
}

/// A DNS subdomain that must be there: names of classes.
pub(crate) fn class(field: &FieldPath, name: &str) -> FieldErrors {
    if name.is_empty() {
        return vec![FieldError::required(field, "")];
    }
    invalid(field, name, names::dns1123_subdomain(name))
}

/// DNS subdomains with slashes between them.
pub(crate) fn pool(field: &FieldPath, name: &str) -> FieldErrors {
    if name.is_empty() {
        return vec![FieldError::required(field, "")];
    }
    let mut out = FieldErrors::new();
    if name.len() > MAX_POOL {
        out.push(FieldError::too_long(field, MAX_POOL));
    }
    out.extend(name.split('/').flat_map(|part| invalid(field, part, names::dns1123_subdomain(part))));
    out
}

/// The name of an attribute or capacity: an identifier, maybe after a domain.
pub(crate) fn qualified(field: &FieldPath, name: &str) -> FieldErrors {
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        [id] => identifier(field, id),
        [domain, id] => {
            let mut out = match *domain {
                "" => vec![FieldError::invalid(field, "", "the domain must not be empty")],
                domain => csi_driver::name(field, domain),
            };
            out.extend(match *id {
                "" => vec![FieldError::invalid(field, "", "the name must not be empty")],
                id => identifier(field, id),
            });
            out
        }
        // Upstream lets names with more slashes pass.
        _ => FieldErrors::new(),
    }
}

/// An identifier after a domain.
pub(crate) fn fully_qualified(field: &FieldPath, name: &str) -> FieldErrors {
    let mut out = qualified(field, name);
    if !name.contains('/') {
        let why = "a fully qualified name must be a domain and a name separated by a slash";
        out.push(FieldError::invalid(field, name, why));
    }
    out
}

/// The UID of a share, in the one form that compares as text.
pub(crate) fn uid(field: &FieldPath, uid: &str) -> Option<FieldError> {
    let why = match uuid_complaint(uid) {
        Some(why) => format!("error validating uid: {why}"),
        None if uid.len() != 36 || uid.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters".to_owned()
        }
        None => return None,
    };
    Some(FieldError::invalid(field, uid, why))
}

/// What keeps a text from being a UUID in any of its forms.
fn uuid_complaint(text: &str) -> Option<String> {
    let format = |text: &str| (!is_hyphenated(text)).then(|| "invalid UUID format".to_owned());
    match text.len() {
        36 => format(text),
        32 => (!text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| "invalid UUID format".to_owned()),
        38 => match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(text) => format(text),
            None => Some("invalid bracketed UUID format".to_owned()),
        },
        45 => match (text.get(..9), text.get(9..)) {
            (Some(prefix), Some(rest)) if prefix.eq_ignore_ascii_case("urn:uuid:") => format(rest),
            (prefix, _) => Some(format!("invalid urn prefix: {:?}", prefix.unwrap_or(""))),
        },
        length => Some(format!("invalid UUID length: {length}")),
    }
}

fn is_hyphenated(text: &str) -> bool {
    text.bytes().enumerate().all(|(i, byte)| match i {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// A key as paths name it: whole, or its two ends.
pub(crate) fn shown_key(key: &str, max: usize) -> String {
    const DOTS: &str = "...";
    if key.len() <= max {
        return key.to_owned();
    }
    let rest = max.saturating_sub(DOTS.len());
    let (mut head, mut tail) = (rest.div_ceil(2), key.len() - rest / 2);
    while !key.is_char_boundary(head) {
        head -= 1;
    }
    while !key.is_char_boundary(tail) {
        tail += 1;
    }
    format!("{}{DOTS}{}", &key[..head], &key[tail..])
}

/// The path of an attribute or capacity.
pub(crate) fn keyed(field: &FieldPath, key: &str) -> FieldPath {
    field.key(&shown_key(key, MAX_SHOWN_KEY))
}

fn identifier(field: &FieldPath, id: &str) -> FieldErrors {
    let mut out = FieldErrors::new();
    if id.len() > MAX_IDENTIFIER {
        out.push(FieldError::too_long(field, MAX_IDENTIFIER));
    }
    out.extend(invalid(field, id, names::c_identifier(id)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_have_the_form_of_their_place() {
        let field = FieldPath::new("f");
        for name in ["model", "dra.example.com/model", "a/b/c"] {
            assert_eq!(qualified(&field, name), [], "{name}");
        }
        assert_eq!(
            texts(&qualified(&field, "/a")),
            [r#"f: Invalid value: "": the domain must not be empty"#]
        );
        assert_eq!(texts(&qualified(&field, "d/")), [r#"f: Invalid value: "": the name must not be empty"#]);
        assert_eq!(
            texts(&qualified(&field, &"a".repeat(33))),
            ["f: Too long: may not be more than 32 bytes"]
        );
        assert_eq!(
            texts(&fully_qualified(&field, "model")),
            [
                r#"f: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash"#
            ]
        );
        assert_eq!(texts(&pool(&field, "")), ["f: Required value"]);
        assert_eq!(pool(&field, "a/b.c"), []);
        assert_eq!(pool(&field, "a//b").len(), 1);
        assert_eq!(texts(&class(&field, "")), ["f: Required value"]);
    }

    #[test]
    fn uids_have_one_form() {
        let why = |text: &str| uid(&FieldPath::new("f"), text).map(|error| error.detail);
        let normal = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(why(normal), None);
        assert_eq!(why("x").as_deref(), Some("error validating uid: invalid UUID length: 1"));
        assert_eq!(
            why("01234567x89ab-cdef-0123-456789abcdef").as_deref(),
            Some("error validating uid: invalid UUID format")
        );
        for strange in [
            normal.to_uppercase(),
            format!("{{{normal}}}"),
            format!("urn:uuid:{normal}"),
            normal.replace('-', ""),
        ] {
            let found = why(&strange);
            assert!(
                found.as_deref().is_some_and(|why| why.starts_with("uid must be in RFC 4122")),
                "{found:?}"
            );
        }
    }

    #[test]
    fn long_keys_are_cut_in_the_middle() {
        assert_eq!(shown_key("abc", 16), "abc");
        assert_eq!(shown_key("abcdefghijklmnopqrst", 16), "abcdefg...opqrst");
    }
}

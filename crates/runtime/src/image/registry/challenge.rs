//! The `WWW-Authenticate` header of a registry.

use std::collections::BTreeMap;

/// What a registry wants to see.
#[derive(Debug, PartialEq, Eq)]
pub enum Challenge {
    /// User name and password.
    Basic,
    /// A token from `realm`.
    Bearer {
        /// Where to get it.
        realm: String,
        /// For whom.
        service: Option<String>,
        /// For what.
        scope: Option<String>,
    },
}

/// Parses the header's value; `None` if it asks for something else.
pub fn parse(header: &str) -> Option<Challenge> {
    let (scheme, parameters) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let mut parameters = split(parameters);
    let realm = parameters.remove("realm")?;
    Some(Challenge::Bearer {
        realm,
        service: parameters.remove("service"),
        scope: parameters.remove("scope"),
    })
}

/// `name="value"` pairs; commas may stand inside quotes.
fn split(mut text: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    while let Some((name, rest)) = text.split_once('=') {
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(',').unwrap_or((rest, "")),
        };
        pairs.insert(name.trim_matches([' ', ',']).to_ascii_lowercase(), value.to_owned());
        text = rest;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_challenge_is_taken_apart() {
        let header = r#"Bearer realm="https://auth.test/token",service="registry.test",scope="repository:a/b:pull,push""#;
        let expected = Challenge::Bearer {
            realm: "https://auth.test/token".to_owned(),
            service: Some("registry.test".to_owned()),
            scope: Some("repository:a/b:pull,push".to_owned()),
        };
        assert_eq!(parse(header), Some(expected));
    }

    #[test]
    fn other_schemes_are_told_apart() {
        assert_eq!(parse(r#"Basic realm="x""#), Some(Challenge::Basic));
        assert_eq!(parse("Negotiate"), None);
    }
}

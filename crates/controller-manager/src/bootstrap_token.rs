//! Bootstrap tokens: Secrets in kube-system with which machines join the cluster.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use skiff_apimachinery::Document;
use skiff_apimachinery::time::parse_time;
use skiff_client::resources::SECRETS;
use skiff_client::{Informer, Selection, SharedInformers, Untyped};
use std::time::Duration;

/// The type of the Secrets.
const TYPE: &str = "bootstrap.kubernetes.io/token";
/// Where they are.
const NAMESPACE: &str = "kube-system";
/// What their names start with; the token's id follows.
const PREFIX: &str = "bootstrap-token-";
/// How long an id is.
const ID_LENGTH: usize = 6;

/// How long a token holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// It does not end.
    Endless,
    /// It ends after this time.
    Left(Duration),
    /// It has ended.
    Over,
}

/// The Secrets of bootstrap tokens.
pub fn informer(informers: &SharedInformers) -> Informer<Untyped> {
    let tokens = Selection { fields: format!("type={TYPE}"), ..Selection::default() };
    informers.namespaced(&SECRETS, NAMESPACE, tokens)
}

/// A text that a token's Secret holds; empty if it holds none.
pub fn text(secret: &Document, field: &str) -> String {
    let bytes = STANDARD.decode(secret.str_at(&["data", field])).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// How long a token holds. A time that is none is over.
pub fn lifetime(secret: &Document, now: Timestamp) -> Lifetime {
    let end = text(secret, "expiration");
    if end.is_empty() {
        return Lifetime::Endless;
    }
    let left = parse_time(&end).and_then(|end| Duration::try_from(end.duration_since(now)).ok());
    match left {
        Some(left) if !left.is_zero() => Lifetime::Left(left),
        _ => Lifetime::Over,
    }
}

/// Id and secret of a token that holds and that signs; `None` for others.
pub fn signing(secret: &Document, now: Timestamp) -> Option<(String, String)> {
    let named = secret.name().strip_prefix(PREFIX)?;
    let well_formed = named.len() == ID_LENGTH
        && named.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let (id, key) = (text(secret, "token-id"), text(secret, "token-secret"));
    let usable = well_formed
        && id == named
        && !key.is_empty()
        && lifetime(secret, now) != Lifetime::Over
        && text(secret, "usage-bootstrap-signing") == "true";
    usable.then_some((id, key))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    /// The Secret of a token that signs.
    pub(crate) fn token(id: &str) -> Document {
        let secret = doc!({
            "apiVersion": "v1", "kind": "Secret", "type": TYPE,
            "metadata": {"name": (format!("{PREFIX}{id}")), "namespace": NAMESPACE, "uid": id}
        });
        let secret = with(secret, "token-id", id);
        with(with(secret, "token-secret", "key"), "usage-bootstrap-signing", "true")
    }

    /// A Secret that also holds a text.
    pub(crate) fn with(mut secret: Document, field: &str, text: &str) -> Document {
        secret.set(&["data", field], STANDARD.encode(text));
        secret
    }

    fn now() -> Timestamp {
        "2026-01-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_token_holds_until_its_end() {
        let ends = |end: &str| lifetime(&with(token("abcdef"), "expiration", end), now());
        assert_eq!(lifetime(&token("abcdef"), now()), Lifetime::Endless);
        assert_eq!(ends("2026-01-01T12:00:05Z"), Lifetime::Left(Duration::from_secs(5)));
        assert_eq!(ends("2026-01-01T12:00:00Z"), Lifetime::Over);
        assert_eq!(ends("2026-01-01T11:59:59Z"), Lifetime::Over);
        assert_eq!(ends("tomorrow"), Lifetime::Over);
    }

    #[test]
    fn only_tokens_that_are_whole_sign() {
        let good = || token("abc123");
        let mut renamed = good();
        renamed.set(&["metadata", "name"], "bootstrap-token-ABC123");
        let cases = [
            ("whole", good(), true),
            ("another name", renamed, false),
            ("another id", with(good(), "token-id", "other0"), false),
            ("no secret", with(good(), "token-secret", ""), false),
            ("over", with(good(), "expiration", "2026-01-01T11:00:00Z"), false),
            ("not for signing", with(good(), "usage-bootstrap-signing", "false"), false),
        ];
        for (case, secret, signs) in cases {
            let wanted = signs.then(|| ("abc123".to_owned(), "key".to_owned()));
            assert_eq!(signing(&secret, now()), wanted, "{case}");
        }
    }
}

//! OpenID Connect discovery of the issuer of service-account tokens: what relying parties outside of the cluster need to
//! check a token (KEP-1393). Pure; the documents never change while the server runs.

use http::Uri;
use skiff_apimachinery::json;
use skiff_pki::TokenKeys;

/// Where the configuration document is.
pub const CONFIGURATION_PATH: &str = "/.well-known/openid-configuration";
/// Where the keys are.
pub const KEYS_PATH: &str = "/openid/v1/jwks";
/// How long either may be kept, in the words of its header.
pub const CACHE_CONTROL: &str = "public, max-age=3600";

/// The two documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIdMetadata {
    /// The provider's configuration, JSON.
    pub configuration: String,
    /// The JSON Web Key Set.
    pub keys: String,
}

/// Why an issuer has no discovery; the tokens themselves are none the worse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenIdError {
    /// There is no issuer.
    #[error("empty issuer URL")]
    NoIssuer,
    /// The issuer is no URL.
    #[error("parse {0:?}: {1}")]
    Malformed(String, String),
    /// The issuer's URL has another scheme.
    #[error("issuer URL must use https scheme, got: {0}")]
    IssuerScheme(String),
    /// The issuer's URL has a query.
    #[error("issuer URL may not include a query, got: {0}")]
    IssuerQuery(String),
    /// The issuer's URL has a fragment.
    #[error("issuer URL may not include a fragment, got: {0}")]
    IssuerFragment(String),
    /// The keys' URL has another scheme.
    #[error("jwksURI requires https scheme, parsed as: {0}")]
    KeysScheme(String),
}

impl OpenIdMetadata {
    /// The documents of an issuer. Without `keys_uri` the keys are said to be at the server's own address (`HOST:PORT`).
    ///
    /// # Errors
    /// If a URL is not what OpenID Connect demands.
    pub fn new(
        issuer: &str,
        keys_uri: Option<&str>,
        public_address: &str,
        keys: &TokenKeys,
    ) -> Result<Self, OpenIdError> {
        check_issuer(issuer)?;
        let keys_uri = match keys_uri {
            Some(uri) if parse(uri)?.scheme_str() == Some("https") => uri.to_owned(),
            Some(uri) => return Err(OpenIdError::KeysScheme(uri.to_owned())),
            None => format!("https://{public_address}{KEYS_PATH}"),
        };
        let quoted = |text: &str| {
            let mut out = Vec::new();
            json::encode_str(text, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        let algorithms: Vec<String> = keys.algorithms().into_iter().map(quoted).collect();
        // In the order of upstream's document.
        let configuration = format!(
            r#"{{"issuer":{},"jwks_uri":{},"response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":[{}]}}"#,
            quoted(issuer),
            quoted(&keys_uri),
            algorithms.join(",")
        );
        Ok(Self { configuration, keys: keys.key_set() })
    }
}

fn check_issuer(issuer: &str) -> Result<(), OpenIdError> {
    if issuer.is_empty() {
        return Err(OpenIdError::NoIssuer);
    }
    let own = || issuer.to_owned();
    if issuer.contains('#') {
        return Err(OpenIdError::IssuerFragment(own()));
    }
    let uri = parse(issuer)?;
    if uri.scheme_str() != Some("https") {
        return Err(OpenIdError::IssuerScheme(own()));
    }
    if uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(OpenIdError::IssuerQuery(own()));
    }
    Ok(())
}

fn parse(text: &str) -> Result<Uri, OpenIdError> {
    text.parse()
        .map_err(|error: http::uri::InvalidUri| OpenIdError::Malformed(text.to_owned(), error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> TokenKeys {
        let dir = tempfile::tempdir().unwrap();
        TokenKeys::open(&dir.path().join("service-account.key")).unwrap()
    }

    #[test]
    fn documents_are_upstreams() {
        let keys = keys();
        let metadata = OpenIdMetadata::new("https://issuer.test/a", None, "10.0.0.1:6443", &keys).unwrap();
        assert_eq!(
            metadata.configuration,
            r#"{"issuer":"https://issuer.test/a","jwks_uri":"https://10.0.0.1:6443/openid/v1/jwks","response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["ES256"]}"#
        );
        assert_eq!(metadata.keys, keys.key_set());
        let elsewhere =
            OpenIdMetadata::new("https://issuer.test", Some("https://keys.test/x"), "", &keys).unwrap();
        assert!(elsewhere.configuration.contains(r#""jwks_uri":"https://keys.test/x""#));
    }

    #[test]
    fn issuers_that_cannot_be_discovered_are_told() {
        let keys = keys();
        for (issuer, keys_uri, why) in [
            ("", None, "empty issuer URL"),
            ("http://a", None, "issuer URL must use https scheme, got: http://a"),
            ("kubernetes", None, "issuer URL must use https scheme, got: kubernetes"),
            ("https://a?b=c", None, "issuer URL may not include a query, got: https://a?b=c"),
            ("https://a#b", None, "issuer URL may not include a fragment, got: https://a#b"),
            ("https://a", Some("http://b"), "jwksURI requires https scheme, parsed as: http://b"),
        ] {
            let error = OpenIdMetadata::new(issuer, keys_uri, "h:1", &keys).unwrap_err();
            assert_eq!(error.to_string(), why, "{issuer}");
        }
    }
}

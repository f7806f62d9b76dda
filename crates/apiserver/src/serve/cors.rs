//! Cross-origin requests (`--cors-allowed-origins`): which pages of other origins a browser lets read the answers.

use http::{HeaderMap, HeaderValue, header};
use regex::Regex;

/// Origins that are allowed, as expressions.
#[derive(Debug, Clone)]
pub struct Cors(Vec<Regex>);

/// An expression that allows no origin, or too many.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorsError {
    /// It is none.
    #[error("--cors-allowed-origins has an invalid regular expression: {0}")]
    Malformed(String),
    /// Anything may stand before or behind the host that it means.
    #[error(
        "--cors-allowed-origins has an invalid regular expression: regular expression does not pin to start/end of host in the origin header"
    )]
    Unpinned,
}

impl Cors {
    /// From the flag's expressions; `None` without any.
    ///
    /// # Errors
    /// If an expression is malformed, or does not pin both ends of the host.
    pub fn new(origins: &[String]) -> Result<Option<Self>, CorsError> {
        let mut all = Vec::new();
        for origin in origins {
            let pinned = |marks: [&str; 2]| marks.iter().any(|mark| origin.contains(mark));
            let expression = Regex::new(origin).map_err(|error| CorsError::Malformed(error.to_string()))?;
            if !pinned(["^", "//"]) || !pinned(["$", ":"]) {
                return Err(CorsError::Unpinned);
            }
            all.push(expression);
        }
        Ok((!all.is_empty()).then_some(Self(all)))
    }

    /// What an answer to a page of an allowed origin carries; `None` for all others.
    pub(super) fn headers(&self, request: &HeaderMap) -> Option<HeaderMap> {
        let origin = request.get(header::ORIGIN)?;
        let text = origin.to_str().ok()?;
        if text.is_empty() || !self.0.iter().any(|allowed| allowed.is_match(text)) {
            return None;
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, GET, OPTIONS, PUT, DELETE, PATCH"),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since",
            ),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Date"),
            (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Some(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_allowed_origins_get_headers() {
        let cors = Cors::new(&[r"^https://.*\.example\.com$".to_owned()]).unwrap().unwrap();
        for (origin, allowed) in [
            ("https://a.example.com", true),
            ("https://a.example.com.evil.test", false),
            ("http://a.example.com", false),
            ("", false),
        ] {
            let request = HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static(origin))]);
            let headers = cors.headers(&request);
            assert_eq!(headers.is_some(), allowed, "{origin}");
            if let Some(headers) = headers {
                assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
                assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
            }
        }
        assert!(cors.headers(&HeaderMap::new()).is_none());
    }

    #[test]
    fn expressions_must_pin_the_host() {
        assert!(Cors::new(&[]).unwrap().is_none());
        assert_eq!(Cors::new(&["example.com".to_owned()]).unwrap_err(), CorsError::Unpinned);
        assert!(Cors::new(&["//example.com(:|$)".to_owned()]).unwrap().is_some());
        assert!(matches!(Cors::new(&["^(".to_owned()]), Err(CorsError::Malformed(_))));
    }
}

//! The token that leads to a list's next page, in upstream's form: base64url of `{"v","rv","start"}`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use skiff_apimachinery::{Status, doc, json};
use skiff_storage::Revision;

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContinueToken {
    /// The revision of all pages; `None` goes on at whatever is the latest.
    pub revision: Option<Revision>,
    /// The first key of the next page, without the list's prefix.
    pub start: String,
}

impl ContinueToken {
    /// Reads a token.
    ///
    /// # Errors
    /// 400 if it is none.
    pub fn parse(text: &str) -> Result<Self, Status> {
        let invalid = |why: &str| {
            Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|e| invalid(&e.to_string()))?;
        let token = json::decode(&bytes).map_err(|e| invalid(&e.to_string()))?;
        let version = token.str_at(&["v"]);
        if version != "meta.k8s.io/v1" {
            return Err(invalid(&format!("server does not recognize this encoded version {version}")));
        }
        let revision = match token.i64_at(&["rv"]) {
            Some(0) | None => {
                return Err(invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)"));
            }
            Some(revision) => Revision::try_from(revision).ok(),
        };
        let start = token.str_at(&["start"]);
        if start.is_empty() {
            return Err(invalid("encoded start key empty (version meta.k8s.io/v1)"));
        }
        if start.split('/').any(|part| part == "..") {
            return Err(invalid(start));
        }
        Ok(Self { revision, start: start.to_owned() })
    }

    /// The text of the token.
    pub fn encode(&self) -> String {
        let revision = self.revision.and_then(|r| i64::try_from(r).ok()).unwrap_or(-1);
        let token = doc!({"v": "meta.k8s.io/v1", "rv": revision, "start": self.start.as_str()});
        URL_SAFE_NO_PAD.encode(json::encode(&token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_place() {
        let token = ContinueToken { revision: Some(7), start: "default/a\0".into() };
        assert_eq!(ContinueToken::parse(&token.encode()).unwrap(), token);
        let latest = ContinueToken { revision: None, start: "x".into() };
        assert_eq!(ContinueToken::parse(&latest.encode()).unwrap(), latest);
    }

    #[test]
    fn foreign_texts_are_refused() {
        for text in ["", "???", "e30", "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ"] {
            assert_eq!(ContinueToken::parse(text).unwrap_err().code, 400, "{text}");
        }
    }
}

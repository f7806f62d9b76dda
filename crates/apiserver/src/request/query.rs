//! Query parameters, decoded once and read strictly.

use skiff_apimachinery::Status;
use std::borrow::Cow;

/// Decoded pairs in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes `a=b&c=d`.
    pub fn parse(text: &str) -> Self {
        let pair = |part: &str| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode_form(key), decode_form(value))
        };
        Self(text.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    /// From pairs that need no decoding.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// The first value of a parameter; empty if absent.
    pub fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(k, _)| k == key).map_or("", |(_, value)| value)
    }

    /// Whether the parameter is there.
    pub fn contains(&self, key: &str) -> bool {
        self.0.iter().any(|(k, _)| k == key)
    }

    /// All values of a parameter.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// All pairs.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// A boolean as Go's conversion of query parameters reads it: present and neither `false` nor `0` is true.
    pub fn flag(&self, key: &str) -> bool {
        self.contains(key) && !matches!(self.get(key).to_ascii_lowercase().as_str(), "false" | "0")
    }

    /// A boolean that may be absent.
    pub fn optional_flag(&self, key: &str) -> Option<bool> {
        self.contains(key).then(|| self.flag(key))
    }

    /// An integer that may be absent.
    ///
    /// # Errors
    /// If the text is no integer, in the words of Go's parser.
    pub fn integer(&self, key: &str) -> Result<Option<i64>, Status> {
        if !self.contains(key) {
            return Ok(None);
        }
        let text = self.get(key);
        text.parse().map(Some).map_err(|_| Status::bad_request(not_a_number("ParseInt", text)))
    }
}

/// What Go's parser says of a text that is no number of 64 bits.
pub fn not_a_number(parser: &str, text: &str) -> String {
    let signs: &[char] = if parser == "ParseInt" { &['+', '-'] } else { &[] };
    let digits = text.strip_prefix(signs).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let why = if is_number { "value out of range" } else { "invalid syntax" };
    format!("strconv.{parser}: parsing {text:?}: {why}")
}

/// Percent-decodes a path segment.
pub fn decode_segment(text: &str) -> Cow<'_, str> {
    decode_percent(text, false)
}

fn decode_form(text: &str) -> String {
    decode_percent(text, true).into_owned()
}

fn decode_percent(text: &str, plus_is_space: bool) -> Cow<'_, str> {
    if !text.bytes().any(|b| b == b'%' || (plus_is_space && b == b'+')) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
                continue;
            }
            (b'+', ..) if plus_is_space => out.push(b' '),
            (byte, ..) => out.push(byte),
        }
        at += 1;
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// Percent-encodes a path segment or query value.
pub fn encode_component(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_as_forms() {
        let query = Query::parse("labelSelector=a%3Db%2Cc+d&watch&limit=5&force=false&x=%zz");
        assert_eq!(query.get("labelSelector"), "a=b,c d");
        assert!(query.flag("watch"));
        assert!(!query.flag("force"));
        assert_eq!(query.integer("limit").unwrap(), Some(5));
        assert_eq!(query.get("x"), "%zz");
    }

    #[test]
    fn numbers_are_read_strictly() {
        for (query, expected) in [
            ("", Ok(None)),
            ("n=-3", Ok(Some(-3))),
            ("n=", Err(r#"strconv.ParseInt: parsing "": invalid syntax"#)),
            ("n=1.5", Err(r#"strconv.ParseInt: parsing "1.5": invalid syntax"#)),
            (
                "n=99999999999999999999",
                Err(r#"strconv.ParseInt: parsing "99999999999999999999": value out of range"#),
            ),
        ] {
            let read = Query::parse(query).integer("n").map_err(|status| status.message);
            assert_eq!(read, expected.map_err(str::to_owned), "{query}");
        }
    }

    #[test]
    fn what_was_encoded_decodes_to_itself() {
        let text = "system:node/é %+";
        assert_eq!(decode_segment(&encode_component(text)), text);
    }
}

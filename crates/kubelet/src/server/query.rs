//! Query parameters of requests.

use percent_encoding::percent_decode_str;

/// The parameters of a request, in order.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string.
    pub(super) fn parse(text: Option<&str>) -> Self {
        let decode =
            |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = text.unwrap_or("").split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(k, v)| (decode(k), decode(v)))
                .collect(),
        )
    }

    /// The first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a name.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// Whether a flag is set, under any of its names.
    pub(super) fn is_set(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.get(name).is_some_and(|value| matches!(value, "1" | "true")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let query = Query::parse(Some("command=sh&command=-c&command=echo+a%26b&tty=1&output=true"));
        assert_eq!(query.all("command"), ["sh", "-c", "echo a&b"]);
        assert!(query.is_set(&["tty"]) && query.is_set(&["stdout", "output"]) && !query.is_set(&["input"]));
    }
}

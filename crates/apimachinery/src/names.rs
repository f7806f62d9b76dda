//! Syntax of names: DNS labels and subdomains, label keys and values, port names, path segments.
//!
//! Each check returns what is wrong in upstream's words (`k8s.io/apimachinery/pkg/util/validation`); an empty list means
//! valid. Callers wrap the texts into field errors.

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const LABEL_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const QUALIFIED_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// Longest DNS label.
pub const MAX_LABEL: usize = 63;
/// Longest DNS subdomain.
pub const MAX_SUBDOMAIN: usize = 253;

/// What is wrong with a text; empty means valid.
pub type Complaints = Vec<String>;

/// RFC 1123 label, such as a namespace or a container name.
pub fn dns1123_label(value: &str) -> Complaints {
    let mut out = longer_than(value, MAX_LABEL);
    if !is_label(value) {
        out.push(if is_subdomain(value) {
            "must not contain dots".to_owned()
        } else {
            pattern_text(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
                LABEL,
                &["my-name", "123-abc"],
            )
        });
    }
    out
}

/// RFC 1123 subdomain, such as most object names.
pub fn dns1123_subdomain(value: &str) -> Complaints {
    let mut out = longer_than(value, MAX_SUBDOMAIN);
    if !is_subdomain(value) {
        out.push(pattern_text(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
            SUBDOMAIN,
            &["example.com"],
        ));
    }
    out
}

/// RFC 1123 subdomain whose labels may hold underscores, such as DNS search domains.
pub fn dns1123_subdomain_with_underscore(value: &str) -> Complaints {
    let mut out = longer_than(value, MAX_SUBDOMAIN);
    let label = |part: &str| {
        let part = part.strip_prefix('_').unwrap_or(part).as_bytes();
        let edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        edge(part.first())
            && edge(part.last())
            && part.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    if !value.split('.').all(label) {
        out.push(pattern_text(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
            r"_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*",
            &["example.com"],
        ));
    }
    out
}

/// `*.` and an RFC 1123 subdomain, such as an Ingress host.
pub fn wildcard_dns1123_subdomain(value: &str) -> Complaints {
    let mut out = longer_than(value, MAX_SUBDOMAIN);
    if !value.strip_prefix("*.").is_some_and(is_subdomain) {
        out.push(pattern_text(
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
            &format!(r"\*\.{SUBDOMAIN}"),
            &["*.example.com"],
        ));
    }
    out
}

/// RFC 1035 label: as RFC 1123, but starts with a letter; Service names.
pub fn dns1035_label(value: &str) -> Complaints {
    let mut out = longer_than(value, MAX_LABEL);
    if !(is_label(value) && value.as_bytes()[0].is_ascii_lowercase()) {
        out.push(pattern_text(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
            LABEL_1035,
            &["my-name", "abc-123"],
        ));
    }
    out
}

/// Label keys, annotation keys, finalizers, resource names: an optional subdomain, a slash, a name.
pub fn qualified_name(value: &str) -> Complaints {
    let mut out = Vec::new();
    let mut parts = value.split('/');
    let (prefix, name) = match (parts.next(), parts.next(), parts.next()) {
        (Some(name), None, _) => (None, name),
        (Some(prefix), Some(name), None) => (Some(prefix), name),
        _ => {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                pattern_text(QUALIFIED_RULE, QUALIFIED, &["MyName", "my.name", "123-abc"])
            )];
        }
    };
    match prefix {
        Some("") => out.push("prefix part must be non-empty".to_owned()),
        Some(prefix) => {
            out.extend(dns1123_subdomain(prefix).into_iter().map(|text| format!("prefix part {text}")))
        }
        None => {}
    }
    if name.is_empty() {
        out.push("name part must be non-empty".to_owned());
    } else if name.len() > MAX_LABEL {
        out.push(format!("name part {}", length_text(MAX_LABEL)));
    }
    if !is_qualified(name) {
        out.push(format!(
            "name part {}",
            pattern_text(QUALIFIED_RULE, QUALIFIED, &["MyName", "my.name", "123-abc"])
        ));
    }
    out
}

/// Label values: empty, or 63 letters, digits, `-`, `_`, `.` that start and end alphanumeric.
pub fn label_value(value: &str) -> Complaints {
    let mut out = longer_than(value, MAX_LABEL);
    if !value.is_empty() && !is_qualified(value) {
        out.push(pattern_text(
            &format!(
                "a valid label must be an empty string or consist of {}",
                QUALIFIED_RULE.trim_start_matches("must consist of ")
            ),
            &format!("({QUALIFIED})?"),
            &["MyValue", "my_value", "12345"],
        ));
    }
    out
}

/// What a URL path segment may be; names of RBAC objects.
pub fn path_segment(value: &str) -> Complaints {
    if value == "." || value == ".." {
        return vec![format!("may not be '{value}'")];
    }
    ["/", "%"]
        .into_iter()
        .filter(|bad| value.contains(*bad))
        .map(|bad| format!("may not contain '{bad}'"))
        .collect()
}

/// Names of ports: 15 lower case letters, digits and single hyphens with at least one letter.
pub fn port_name(value: &str) -> Complaints {
    let mut out = longer_than(value, 15);
    if value.is_empty() || !value.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
        out.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !value.bytes().any(|b| b.is_ascii_lowercase()) {
        out.push("must contain at least one letter (a-z)".to_owned());
    }
    if value.contains("--") {
        out.push("must not contain consecutive hyphens".to_owned());
    }
    if value.starts_with('-') || value.ends_with('-') {
        out.push("must not begin or end with a hyphen".to_owned());
    }
    out
}

/// Port numbers.
pub fn port_number(value: i64) -> Complaints {
    in_range(value, 1, 65535)
}

/// User and group ids.
pub fn user_or_group_id(value: i64) -> Complaints {
    in_range(value, 0, i64::from(i32::MAX))
}

/// A number between two others, both included.
pub fn in_range(value: i64, low: i64, high: i64) -> Complaints {
    if (low..=high).contains(&value) { Vec::new() } else { vec![range_text(low, high)] }
}

/// `50%`.
pub fn percent(value: &str) -> Complaints {
    let digits = value.strip_suffix('%').unwrap_or("");
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Vec::new();
    }
    let rule = "a valid percent string must be a numeric string followed by an ending '%'";
    vec![pattern_text(rule, "[0-9]+%", &["1%", "93%"])]
}

/// HTTP header names.
pub fn http_header_name(value: &str) -> Complaints {
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Vec::new();
    }
    let rule = "a valid HTTP header must consist of alphanumeric characters or '-'";
    vec![pattern_text(rule, "[-A-Za-z0-9]+", &["X-Header-Name"])]
}

/// Environment variable names since 1.34: any printable ASCII but `=`.
pub fn environment_name(value: &str) -> Complaints {
    let mut out = Vec::new();
    if value.is_empty() {
        out.push("environment variable name must be non-empty".to_owned());
    }
    if !value.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'=') {
        out.push(
            "a valid environment variable name must consist only of printable ASCII characters other than '='".to_owned(),
        );
    }
    out
}

/// C identifiers.
pub fn c_identifier(value: &str) -> Complaints {
    let letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let mut bytes = value.bytes();
    if bytes.next().is_some_and(letter) && bytes.all(|b| letter(b) || b.is_ascii_digit()) {
        return Vec::new();
    }
    let rule = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
    vec![pattern_text(rule, "[A-Za-z_][A-Za-z0-9_]*", &["my_name", "MY_NAME", "MyName"])]
}

/// Keys of ConfigMaps and Secrets.
pub fn config_map_key(value: &str) -> Complaints {
    let mut out = longer_than(value, MAX_SUBDOMAIN);
    if value.is_empty()
        || !value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    {
        let rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        out.push(pattern_text(rule, "[-._a-zA-Z0-9]+", &["key.name", "KEY_NAME", "key-name"]));
    }
    match value {
        "." => out.push("must not be '.'".to_owned()),
        ".." => out.push("must not be '..'".to_owned()),
        _ if value.starts_with("..") => out.push("must not start with '..'".to_owned()),
        _ => {}
    }
    out
}

/// `must be between LOW and HIGH, inclusive`.
pub fn range_text(low: i64, high: i64) -> String {
    format!("must be between {low} and {high}, inclusive")
}

/// `must be no more than N characters`.
pub fn length_text(max: usize) -> String {
    format!("must be no more than {max} characters")
}

/// A rule, examples and the pattern, as upstream joins them.
pub fn pattern_text(rule: &str, pattern: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{rule} (regex used for validation is '{pattern}')");
    }
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{rule} (e.g. {}regex used for validation is '{pattern}')", examples.join(" or "))
}

fn longer_than(value: &str, max: usize) -> Complaints {
    if value.len() > max { vec![length_text(max)] } else { Vec::new() }
}

fn is_label(value: &str) -> bool {
    let bytes = value.as_bytes();
    let edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn is_subdomain(value: &str) -> bool {
    value.split('.').all(is_label)
}

fn is_qualified(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_the_words_that_upstream_uses() {
        assert_eq!(
            dns1123_subdomain("Bad_Name"),
            [
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            ]
        );
        assert_eq!(dns1123_label("a.b"), ["must not contain dots"]);
        assert_eq!(
            dns1123_label("-a"),
            [
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ]
        );
        assert_eq!(qualified_name("/x"), ["prefix part must be non-empty"]);
        assert_eq!(path_segment("a/b%"), ["may not contain '/'", "may not contain '%'"]);
        assert_eq!(port_number(0), ["must be between 1 and 65535, inclusive"]);
        assert_eq!(
            label_value("-"),
            [
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
            ]
        );
    }

    #[test]
    fn valid_names_pass() {
        for name in ["a", "0", "a-b", "a1-2"] {
            assert!(dns1123_label(name).is_empty(), "{name}");
        }
        for name in ["a.b", "kube-root-ca.crt", "0.0"] {
            assert!(dns1123_subdomain(name).is_empty(), "{name}");
        }
        for name in ["app", "app.kubernetes.io/name", "A_b.c"] {
            assert!(qualified_name(name).is_empty(), "{name}");
        }
        assert!(label_value("").is_empty());
        assert!(port_name("http-1").is_empty());
        assert!(dns1035_label("web-0").is_empty());
        assert!(!dns1035_label("0web").is_empty());
        assert!(dns1123_subdomain_with_underscore("_tcp.a_b.c").is_empty());
        assert!(environment_name("a.b c").is_empty());
    }
}

//! The string formats that validation knows; unknown ones say nothing.

use crate::{Document, names, time};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Formats that are checked, and those that are known and say nothing about strings.
const KNOWN: [&str; 33] = [
    "binary",
    "bsonobjectid",
    "byte",
    "cidr",
    "creditcard",
    "date",
    "date-time",
    "datetime",
    "double",
    "duration",
    "email",
    "float",
    "hexcolor",
    "hostname",
    "int32",
    "int64",
    "ipv4",
    "ipv6",
    "isbn",
    "isbn10",
    "isbn13",
    "k8s-long-name",
    "k8s-short-name",
    "mac",
    "password",
    "rgbcolor",
    "ssn",
    "uri",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
    "int-or-string",
];

/// Whether a format has a meaning; a definition with another one gets a warning.
pub fn is_known_format(format: &str) -> bool {
    KNOWN.contains(&format)
}

/// Formats that say something about texts only in other schemas; those of numbers are not looked at.
const UNCHECKED: [&str; 6] = ["binary", "double", "float", "int32", "int64", "int-or-string"];

/// Whether values of custom resources are held against the format.
pub(super) fn is_checked(format: &str) -> bool {
    KNOWN.contains(&format) && !UNCHECKED.contains(&format)
}

/// The formats that a description names, all the way down.
pub fn formats(description: &Document) -> Vec<&str> {
    let own = Some(description.str_at(&["format"])).filter(|format| !format.is_empty());
    own.into_iter().chain(super::keywords::children(description).flat_map(formats)).collect()
}

/// Whether a text has the format.
pub(super) fn fits(format: &str, text: &str) -> bool {
    match format {
        "date-time" | "datetime" => time::parse_time(text).is_some() && text.contains(['T', 't']),
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "mac" => is_mac(text),
        "hostname" => !text.is_empty() && text.len() <= 255 && text.split('.').all(is_host_label),
        "email" => is_email(text),
        "uri" => is_uri(text),
        "uuid" => uuid_version(text).is_some(),
        "uuid3" => uuid_version(text) == Some(b'3'),
        "uuid4" => uuid_version(text) == Some(b'4'),
        "uuid5" => uuid_version(text) == Some(b'5'),
        "byte" => {
            use base64::Engine;
            base64::engine::general_purpose::STANDARD.decode(text).is_ok()
        }
        "hexcolor" => {
            let digits = text.strip_prefix('#').unwrap_or(text);
            matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit())
        }
        "bsonobjectid" => text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit()),
        "duration" => is_duration(text),
        "k8s-short-name" => names::dns1123_label(text).is_empty(),
        "k8s-long-name" => names::dns1123_subdomain(text).is_empty(),
        _ => true,
    }
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let Ok(length) = length.parse::<u8>() else { return false };
    match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(_)) => length <= 32,
        Ok(std::net::IpAddr::V6(_)) => length <= 128,
        Err(_) => false,
    }
}

fn is_mac(text: &str) -> bool {
    let separator = if text.contains('-') { '-' } else { ':' };
    let parts: Vec<&str> = text.split(separator).collect();
    matches!(parts.len(), 6 | 8 | 20)
        && parts.iter().all(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_host_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_email(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !local.contains(|c: char| c.is_whitespace() || c == '@')
            && domain.split('.').all(is_host_label)
    })
}

/// An absolute URI or an absolute path, as Go's `url.ParseRequestURI` takes it.
fn is_uri(text: &str) -> bool {
    if text.is_empty() || text.bytes().any(|b| b.is_ascii_control() || b == b' ') {
        return false;
    }
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    text.starts_with('/')
        || scheme.is_some_and(|scheme| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        })
}

/// The version digit of a UUID, with or without hyphens.
fn uuid_version(text: &str) -> Option<u8> {
    let plain: Vec<u8> = match text.len() {
        32 => text.bytes().collect(),
        36 if [8, 13, 18, 23].iter().all(|i| text.as_bytes()[*i] == b'-') => {
            text.bytes().filter(|b| *b != b'-').collect()
        }
        _ => return None,
    };
    (plain.len() == 32 && plain.iter().all(u8::is_ascii_hexdigit)).then(|| plain[12])
}

/// Go's durations: `1h30m`, `1.5s`, `-2us`; also `3 days` and the like.
fn is_duration(text: &str) -> bool {
    const UNITS: [&str; 20] = [
        "ns", "us", "µs", "μs", "ms", "s", "m", "h", "d", "w", "sec", "secs", "seconds", "min", "minutes",
        "hours", "hour", "day", "days", "week",
    ];
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text).trim();
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        if digits == 0 || rest[..digits].parse::<f64>().is_err() {
            return false;
        }
        rest = rest[digits..].trim_start();
        let unit = rest.find(|c: char| c.is_ascii_digit() || c.is_whitespace()).unwrap_or(rest.len());
        if !UNITS.contains(&&rest[..unit]) {
            return false;
        }
        rest = rest[unit..].trim_start();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_tell_right_from_wrong() {
        let cases = [
            ("date-time", "2026-01-02T03:04:05Z", "2026-01-02"),
            ("date", "2026-01-02", "2026-13-02"),
            ("ipv4", "10.0.0.1", "10.0.0"),
            ("ipv6", "::1", "1"),
            ("cidr", "10.0.0.0/8", "10.0.0.0/33"),
            ("mac", "01:02:03:04:05:0a", "01:02"),
            ("hostname", "a.b-c", "-a"),
            ("email", "a@b.c", "a.b.c"),
            ("uri", "https://a/b", "a b"),
            ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567"),
            ("uuid4", "123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
            ("byte", "aGk=", "a"),
            ("duration", "1h30m", "1 parsec"),
            ("k8s-short-name", "a-b", "a.b"),
        ];
        for (format, right, wrong) in cases {
            assert!(fits(format, right), "{format} {right}");
            assert!(!fits(format, wrong), "{format} {wrong}");
        }
        assert!(fits("whatever", ""));
    }
}

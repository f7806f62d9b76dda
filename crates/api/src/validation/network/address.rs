//! Addresses.
//!
//! Fields that are older than strict validation (KEP-4858) take what Go's `ParseIPSloppy` takes, leading zeros and
//! IPv4-mapped addresses included, while `StrictIPCIDRValidation` is off, as it is by default in 1.35; what they take
//! against the rule is warned about. Newer fields take the canonical form alone.

use skiff_apimachinery::{FieldError, FieldPath};
use std::net::{IpAddr, Ipv4Addr};

const NO_ADDRESS: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";

/// The address of a text as older fields read it. An IPv4-mapped address is the IPv4 address.
pub fn ip(text: &str) -> Option<IpAddr> {
    sloppy(text).map(|address| address.to_canonical())
}

/// The address of a text, mapped or not.
pub(super) fn sloppy(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| without_leading_zeros(text).parse().ok())
}

/// The text with each number's leading zeros gone, which older parsers did not mind.
fn without_leading_zeros(text: &str) -> String {
    let groups = text.split(':').map(|group| group.split('.').map(shortest).collect::<Vec<_>>().join("."));
    groups.collect::<Vec<_>>().join(":")
}

fn shortest(number: &str) -> &str {
    let rest = number.trim_start_matches('0');
    if rest.is_empty() && !number.is_empty() { "0" } else { rest }
}

/// What is wrong with an address of an older field.
pub fn ip_error(field: &FieldPath, text: &str) -> Option<FieldError> {
    ip(text).is_none().then(|| FieldError::invalid(field, text, NO_ADDRESS))
}

/// What is wrong with an address of a newer field.
pub(crate) fn strict_ip(text: &str) -> Option<String> {
    let Some(address) = ip(text) else { return Some(NO_ADDRESS.to_owned()) };
    match text.parse::<IpAddr>() {
        Err(_) => Some("must not have leading 0s".to_owned()),
        Ok(exact) if is_mapped(exact) => Some("must not be an IPv4-mapped IPv6 address".to_owned()),
        Ok(_) => {
            let canonical = address.to_string();
            (canonical != text).then(|| format!("must be in canonical form ({canonical:?})"))
        }
    }
}

/// What to tell about an address that older fields take and newer ones would not.
pub(crate) fn ip_warning(field: &FieldPath, text: &str) -> Option<String> {
    let address = ip(text)?.to_string();
    match text.parse::<IpAddr>() {
        Ok(exact) if !is_mapped(exact) => (exact.is_ipv6() && address != text).then(|| {
            format!("{field}: IPv6 address {text:?} should be in RFC 5952 canonical format ({address:?})")
        }),
        _ => Some(format!(
            "{field}: non-standard IP address {text:?} will be considered invalid in a future Kubernetes release: use {address:?}"
        )),
    }
}

pub(super) fn is_mapped(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(six) if six.to_ipv4_mapped().is_some())
}

/// What is wrong with an address that pods and services are to be reached at, beyond its form.
pub(crate) fn endpoint_ip(field: &FieldPath, text: &str) -> Option<FieldError> {
    let Some(address) = ip(text) else {
        return Some(FieldError::invalid(field, text, "must be a valid IP address"));
    };
    let why = if address.is_unspecified() {
        format!("may not be unspecified ({text})")
    } else if address.is_loopback() {
        "may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned()
    } else if is_link_local(address) {
        "may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned()
    } else if is_link_local_multicast(address) {
        "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned()
    } else {
        return None;
    };
    Some(FieldError::invalid(field, text, why))
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.segments()[0] & 0xffc0 == 0xfe80,
    }
}

fn is_link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[..3] == Ipv4Addr::new(224, 0, 0, 0).octets()[..3],
        IpAddr::V6(v6) => v6.segments()[0] & 0xff0f == 0xff02,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_fields_read_what_old_parsers_read() {
        let cases = [
            ("10.0.0.1", Some("10.0.0.1")),
            ("010.000.0.01", Some("10.0.0.1")),
            ("::ffff:1.2.3.4", Some("1.2.3.4")),
            ("::ffff:01.2.3.4", Some("1.2.3.4")),
            ("FE80:0:0::00abc", Some("fe80::abc")),
            ("10.0.0", None),
            ("10.0.0.256", None),
            ("10.0.0.1.", None),
            ("fe80::1%eth0", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(ip(text).map(|address| address.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn newer_fields_take_the_canonical_form() {
        let cases = [
            ("10.0.0.1", None),
            ("fd00::1", None),
            ("x", Some("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")),
            ("10.0.0.01", Some("must not have leading 0s")),
            ("::ffff:1.2.3.4", Some("must not be an IPv4-mapped IPv6 address")),
            ("FD00::1", Some(r#"must be in canonical form ("fd00::1")"#)),
        ];
        for (text, expected) in cases {
            assert_eq!(strict_ip(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn forms_that_will_not_be_taken_for_ever_are_warned_about() {
        let cases = [
            ("10.0.0.1", None),
            ("fd00::1", None),
            (
                "10.0.0.01",
                Some(
                    r#"f: non-standard IP address "10.0.0.01" will be considered invalid in a future Kubernetes release: use "10.0.0.1""#,
                ),
            ),
            (
                "::ffff:1.2.3.4",
                Some(
                    r#"f: non-standard IP address "::ffff:1.2.3.4" will be considered invalid in a future Kubernetes release: use "1.2.3.4""#,
                ),
            ),
            (
                "FD00::1",
                Some(r#"f: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")"#),
            ),
            ("x", None),
        ];
        for (text, expected) in cases {
            assert_eq!(ip_warning(&FieldPath::new("f"), text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn endpoints_are_not_at_special_addresses() {
        let cases = [
            ("10.0.0.1", ""),
            ("2001:db8::1", ""),
            ("x", r#"f: Invalid value: "x": must be a valid IP address"#),
            ("0.0.0.0", r#"f: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)"#),
            ("::1", r#"f: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)"#),
            (
                "169.254.1.1",
                r#"f: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)"#,
            ),
            (
                "ff02::1",
                r#"f: Invalid value: "ff02::1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"#,
            ),
        ];
        for (text, expected) in cases {
            let error = endpoint_ip(&FieldPath::new("f"), text);
            assert_eq!(error.map(|error| error.to_string()).unwrap_or_default(), expected, "{text}");
        }
    }
}

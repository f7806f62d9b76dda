//! Address blocks, read by older and newer fields as addresses are.

use super::address::{is_mapped, sloppy};
use ipnet::IpNet;
use skiff_apimachinery::{FieldError, FieldPath};
use std::net::IpAddr;

const NO_BLOCK: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
/// How many bits of an IPv4-mapped address come before the IPv4 address.
const MAPPED_BITS: u8 = 96;

/// An address block as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    /// The address before the slash.
    pub(crate) address: IpAddr,
    /// The block that it lies in.
    pub(crate) network: IpNet,
}

/// The block of a text as older fields read it.
pub(crate) fn block(text: &str) -> Option<Block> {
    let (address, length) = text.split_once('/')?;
    if !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let address = sloppy(address)?;
    let length: u8 = length.parse().ok()?;
    let written = IpNet::new(address, length).ok()?;
    let network = match length.checked_sub(MAPPED_BITS) {
        Some(length) if is_mapped(address) => IpNet::new(address.to_canonical(), length).ok()?,
        _ => written,
    };
    Some(Block { address: address.to_canonical(), network: network.trunc() })
}

/// What is wrong with a block of an older field.
pub fn cidr_error(field: &FieldPath, text: &str) -> Option<FieldError> {
    block(text).is_none().then(|| FieldError::invalid(field, text, NO_BLOCK))
}

/// What is wrong with a block of a newer field.
pub(crate) fn strict_block(field: &FieldPath, text: &str) -> Option<FieldError> {
    let why = match (block(text), exact(text)) {
        (None, _) => NO_BLOCK.to_owned(),
        (Some(_), None) => "must not have leading 0s in IP or prefix length".to_owned(),
        (Some(_), Some((address, _))) if is_mapped(address) => {
            "must not have an IPv4-mapped IPv6 address".to_owned()
        }
        (Some(block), _) if block.address != block.network.addr() => {
            "must not have bits set beyond the prefix length".to_owned()
        }
        (Some(block), _) => {
            let canonical = block.network.to_string();
            if canonical == text {
                return None;
            }
            format!("must be in canonical form ({canonical:?})")
        }
    };
    Some(FieldError::invalid(field, text, why))
}

/// What to tell about a block that older fields take and newer ones would not.
pub(crate) fn block_warnings(field: &FieldPath, text: &str) -> Vec<String> {
    let Some(Block { address, network }) = block(text) else { return Vec::new() };
    let mut out = Vec::new();
    if address != network.addr() {
        let (whole, single) = (network.to_string(), format!("{address}/{}", network.max_prefix_len()));
        out.push(format!(
            "{field}: CIDR value {text:?} is ambiguous in this context (should be {whole:?} or {single:?}?)"
        ));
    }
    match exact(text) {
        Some((exact, form)) if !is_mapped(exact) => {
            if out.is_empty() && exact.is_ipv6() && form != text {
                out.push(format!(
                    "{field}: IPv6 CIDR value {text:?} should be in RFC 5952 canonical format ({form:?})"
                ));
            }
        }
        _ => {
            let form = network.to_string();
            out.push(format!(
                "{field}: non-standard CIDR value {text:?} will be considered invalid in a future Kubernetes release: use {form:?}"
            ));
        }
    }
    out
}

/// The address of a block without leading zeros anywhere, and the canonical form of what was written.
fn exact(text: &str) -> Option<(IpAddr, String)> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let is_padded = length.len() > 1 && length.starts_with('0');
    (!is_padded).then(|| (address, format!("{address}/{length}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_fields_read_padded_and_mapped_blocks() {
        let cases = [
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("010.1.2.3/08", Some("10.0.0.0/8")),
            ("::ffff:10.0.0.0/104", Some("10.0.0.0/8")),
            ("fd00::1/64", Some("fd00::/64")),
            ("10.0.0.0", None),
            ("10.0.0.0/", None),
            ("10.0.0.0/33", None),
            ("10.0.0.0/+8", None),
            ("fd00::/129", None),
        ];
        for (text, expected) in cases {
            assert_eq!(block(text).map(|block| block.network.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn newer_fields_take_the_canonical_form() {
        let cases = [
            ("10.0.0.0/8", ""),
            ("fd00::/64", ""),
            ("10.0.0.0", "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"),
            ("10.0.0.0/08", "must not have leading 0s in IP or prefix length"),
            ("::ffff:10.0.0.0/104", "must not have an IPv4-mapped IPv6 address"),
            ("10.0.0.1/8", "must not have bits set beyond the prefix length"),
            ("FD00::/64", r#"must be in canonical form ("fd00::/64")"#),
        ];
        for (text, expected) in cases {
            let error = strict_block(&FieldPath::new("f"), text);
            assert_eq!(error.map(|error| error.detail).unwrap_or_default(), expected, "{text}");
        }
    }

    #[test]
    fn forms_that_will_not_be_taken_for_ever_are_warned_about() {
        let cases: [(&str, &[&str]); 5] = [
            ("10.0.0.0/8", &[]),
            (
                "10.0.0.1/8",
                &[
                    r#"f: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)"#,
                ],
            ),
            (
                "10.0.0.0/08",
                &[
                    r#"f: non-standard CIDR value "10.0.0.0/08" will be considered invalid in a future Kubernetes release: use "10.0.0.0/8""#,
                ],
            ),
            (
                "FD00::/64",
                &[r#"f: IPv6 CIDR value "FD00::/64" should be in RFC 5952 canonical format ("fd00::/64")"#],
            ),
            ("x", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(block_warnings(&FieldPath::new("f"), text), expected, "{text}");
        }
    }
}

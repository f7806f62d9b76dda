//! The Lease by which an API server shows that it is there (KEP-1965), and which leases of others are stale. Pure.

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use skiff_apimachinery::time::{format_micro_time, parse_time};
use skiff_apimachinery::{Document, doc};

/// Where the leases are.
pub(super) const NAMESPACE: &str = "kube-system";
/// The label of an API server's lease.
const LABEL: &str = "apiserver.kubernetes.io/identity";
/// Its value.
const COMPONENT: &str = "kube-apiserver";
/// How long a lease is good without being renewed, in seconds.
const DURATION: i64 = 3_600;
/// RFC 4648's alphabet in lower case.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The name of a server's lease: upstream's hash of its machine's name and of what it is.
pub(super) fn name(hostname: &str) -> String {
    let mut hash = Sha256::new();
    for part in [hostname, COMPONENT] {
        // Each part behind its length of two bytes.
        hash.update(u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
        hash.update(part);
    }
    format!("apiserver-{}", base32(&hash.finalize()[..16]))
}

fn base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(digit(held >> bits));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(digit(held << (5 - bits)));
    }
    out
}

fn digit(value: u32) -> char {
    // Five bits are always within the alphabet.
    BASE32.get((value & 31) as usize).copied().map_or('a', char::from)
}

/// The lease as it is to be now, made from the one that is there.
pub(super) fn renewed(
    current: Option<&Document>,
    name: &str,
    holder: &str,
    hostname: &str,
    now: Timestamp,
) -> Document {
    let mut lease = current.cloned().unwrap_or_else(|| {
        doc!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": name, "namespace": NAMESPACE}
        })
    });
    lease.set(&["metadata", "labels", LABEL], COMPONENT);
    lease.set(&["metadata", "labels", "kubernetes.io/hostname"], hostname);
    lease.set(&["spec", "holderIdentity"], holder);
    lease.set(&["spec", "leaseDurationSeconds"], DURATION);
    lease.set(&["spec", "renewTime"], format_micro_time(now));
    lease
}

/// Whether this is the lease of an API server that is gone.
pub(super) fn is_stale(lease: &Document, now: Timestamp) -> bool {
    if lease.label(LABEL) != Some(COMPONENT) {
        return false;
    }
    let renewed = parse_time(lease.str_at(&["spec", "renewTime"]));
    let (Some(renewed), Some(seconds)) = (renewed, lease.i64_at(&["spec", "leaseDurationSeconds"])) else {
        return true;
    };
    now.as_second().saturating_sub(renewed.as_second()) > seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_the_rfc() {
        for (bytes, text) in [("", ""), ("f", "my"), ("fo", "mzxq"), ("foobar", "mzxw6ytboi")] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        let name = name("node-1");
        assert_eq!(name.len(), "apiserver-".len() + 26);
        assert_ne!(name, super::name("node-2"));
    }

    #[test]
    fn a_lease_is_stale_when_nobody_renews_it() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let lease = renewed(None, "n", "h", "host", at("2026-01-02T00:00:00Z"));
        assert_eq!(lease.str_at(&["spec", "renewTime"]), "2026-01-02T00:00:00.000000Z");
        assert!(!is_stale(&lease, at("2026-01-02T01:00:00Z")));
        assert!(is_stale(&lease, at("2026-01-02T01:00:01Z")));
        let mut foreign = lease.clone();
        foreign.remove(&["metadata", "labels"]);
        assert!(!is_stale(&foreign, at("2027-01-02T01:00:01Z")));
        let mut broken = lease;
        broken.remove(&["spec", "renewTime"]);
        assert!(is_stale(&broken, at("2026-01-02T00:00:00Z")));
    }
}

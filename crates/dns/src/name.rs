//! Questions and the cluster's zone, as plain labels in lower case.

use crate::answer::RecordKind;
use crate::{Error, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The name's labels in lower case, from left to right.
    pub labels: Vec<String>,
    /// The kind of record.
    pub kind: RecordKind,
}

/// The cluster's domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    labels: Vec<String>,
}

impl Question {
    /// From a name's text.
    pub fn new(name: &str, kind: RecordKind) -> Self {
        Self { labels: labels(name), kind }
    }

    /// The address that a name under `in-addr.arpa` or `ip6.arpa` stands for.
    pub(crate) fn reverse_address(&self) -> Option<IpAddr> {
        let labels: Vec<&str> = self.labels.iter().map(String::as_str).collect();
        match labels.as_slice() {
            [octets @ .., "in-addr", "arpa"] if octets.len() == 4 => {
                let mut address = [0; 4];
                for (byte, text) in address.iter_mut().zip(octets.iter().rev()) {
                    *byte = text.parse().ok()?;
                }
                Some(Ipv4Addr::from(address).into())
            }
            [digits @ .., "ip6", "arpa"] if digits.len() == 32 => {
                let number = digits.iter().rev().try_fold(0u128, |number, digit| {
                    let digit = u128::from_str_radix(digit, 16).ok().filter(|d| *d < 16)?;
                    Some(number << 4 | digit)
                })?;
                Some(Ipv6Addr::from(number).into())
            }
            _ => None,
        }
    }
}

impl Zone {
    /// From a domain's text, such as `cluster.local`.
    ///
    /// # Errors
    /// If it is no domain name.
    pub fn new(domain: &str) -> Result<Self> {
        let labels = labels(domain);
        let valid = |label: &String| {
            (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if labels.is_empty() || !labels.iter().all(valid) {
            return Err(Error::Domain(domain.to_owned()));
        }
        Ok(Self { labels })
    }

    /// The labels of a name in front of the zone; `None` if it is not in the zone.
    pub(crate) fn within<'a>(&self, labels: &'a [String]) -> Option<&'a [String]> {
        labels.strip_suffix(self.labels.as_slice())
    }

    /// The full name of something in the zone.
    pub(crate) fn name(&self, inside: &str) -> String {
        let zone = self.labels.join(".");
        if inside.is_empty() { zone } else { format!("{inside}.{zone}") }
    }
}

/// A name's labels in lower case.
pub(crate) fn labels(name: &str) -> Vec<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() { Vec::new() } else { name.split('.').map(str::to_ascii_lowercase).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reverse_names_are_addresses() {
        let address =
            |name: &str| Question::new(name, RecordKind::Ptr).reverse_address().map(|a| a.to_string());
        assert_eq!(address("1.0.43.10.in-addr.arpa.").as_deref(), Some("10.43.0.1"));
        assert_eq!(address("0.43.10.in-addr.arpa"), None);
        assert_eq!(address("256.0.43.10.in-addr.arpa"), None);
        let zeros = "0.".repeat(28);
        assert_eq!(address(&format!("1.{zeros}0.d.f.ip6.arpa")).as_deref(), Some("fd00::1"));
        assert_eq!(address(&format!("10.{zeros}0.d.f.ip6.arpa")), None);
    }

    #[test]
    fn zones_are_checked_and_strip_off() {
        let zone = Zone::new("Cluster.Local.").unwrap();
        assert_eq!(zone.within(&labels("a.svc.CLUSTER.local")), Some(labels("a.svc").as_slice()));
        assert_eq!(zone.within(&labels("cluster.local.example")), None);
        assert!(Zone::new("").is_err() && Zone::new("a..b").is_err() && Zone::new("a b").is_err());
    }
}

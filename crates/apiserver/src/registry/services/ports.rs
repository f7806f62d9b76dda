//! Node ports.

use std::ops::RangeInclusive;

/// The ports that nodes serve Services at.
///
/// Dynamic allocation keeps off the lower part, which is for ports that people choose (KEP-3668).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PortRange(RangeInclusive<u16>);

impl PortRange {
    /// The range of these ports.
    pub(super) fn new(ports: RangeInclusive<u16>) -> Self {
        Self(ports)
    }

    /// Whether the port is in the range.
    pub(super) fn contains(&self, port: u16) -> bool {
        self.0.contains(&port)
    }

    /// Any free port: of the upper part as long as it has one.
    pub(super) fn pick(&self, is_taken: impl Fn(u16) -> bool) -> Option<u16> {
        let (first, last) = (*self.0.start(), *self.0.end());
        let band = self.static_band();
        let free = |from: u16, to: u16| {
            let length = u32::from(to).checked_sub(u32::from(from))? + 1;
            let start = rand::random_range(0..length);
            let mut offsets = (0..length).map(|step| (start + step) % length);
            offsets.find_map(|offset| {
                let port = u16::try_from(u32::from(from) + offset).ok()?;
                (!is_taken(port)).then_some(port)
            })
        };
        let upper = first.saturating_add(band);
        free(upper, last).or_else(|| free(first, upper.checked_sub(1).filter(|_| band > 0)?))
    }

    /// Size of the lower part: a 32nd of the range, at least 16, at most 128.
    fn static_band(&self) -> u16 {
        let size = u32::from(*self.0.end()).saturating_sub(u32::from(*self.0.start())) + 1;
        if size <= 16 { 0 } else { u16::try_from((size / 32).clamp(16, 128)).unwrap_or(0) }
    }
}

/// As upstream prints it: `30000-32767`.
impl std::fmt::Display for PortRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.0.start(), self.0.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_port_is_given_once_and_the_lower_ones_last() {
        let range = PortRange::new(30_000..=30_063);
        let mut taken = HashSet::new();
        let mut ports = Vec::new();
        while let Some(port) = range.pick(|port| taken.contains(&port)) {
            assert!(range.contains(port) && taken.insert(port));
            ports.push(port);
        }
        assert_eq!(ports.len(), 64);
        assert!(ports[..48].iter().all(|port| *port >= 30_016), "{ports:?}");
        assert!(ports[48..].iter().all(|port| *port < 30_016), "{ports:?}");
    }

    #[test]
    fn a_range_is_as_long_as_it_is() {
        assert_eq!(PortRange::new(1..=1).pick(|_| false), Some(1));
        assert_eq!(PortRange::new(1..=1).pick(|_| true), None);
        assert_eq!(PortRange::new(0..=u16::MAX).pick(|port| port != u16::MAX), Some(u16::MAX));
        assert_eq!(PortRange::new(30_000..=32_767).to_string(), "30000-32767");
    }
}

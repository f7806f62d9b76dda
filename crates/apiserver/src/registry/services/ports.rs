//! Node ports.

use std::collections::HashSet;
use std::ops::RangeInclusive;

/// Random tries before the range is searched in order.
const RANDOM_TRIES: usize = 16;

/// The node port range and which ports are taken.
///
/// Dynamic allocation keeps off the lower part, which is for ports that people choose (KEP-3668).
#[derive(Debug)]
pub struct PortPool {
    range: RangeInclusive<u16>,
    taken: HashSet<u16>,
}

impl PortPool {
    /// All of the range is free.
    pub fn new(range: RangeInclusive<u16>) -> Self {
        Self { range, taken: HashSet::new() }
    }

    /// The range as upstream prints it: `30000-32767`.
    pub fn text(&self) -> String {
        format!("{}-{}", self.range.start(), self.range.end())
    }

    /// Whether the port is in the range.
    pub fn contains(&self, port: u16) -> bool {
        self.range.contains(&port)
    }

    /// Takes a port; false if it is taken already.
    pub fn take(&mut self, port: u16) -> bool {
        self.taken.insert(port)
    }

    /// Gives a port back.
    pub fn release(&mut self, port: u16) {
        self.taken.remove(&port);
    }

    /// Takes any free port: from the upper part of the range as long as it has one.
    pub fn take_any(&mut self) -> Option<u16> {
        let (first, last) = (*self.range.start(), *self.range.end());
        let size = last - first + 1;
        // A 32nd of the range, at least 16, at most 128.
        let band = if size <= 16 { 0 } else { (size / 32).clamp(16, 128) };
        for _ in 0..RANDOM_TRIES {
            let port = rand::random_range(first + band..=last);
            if self.taken.insert(port) {
                return Some(port);
            }
        }
        let free = |port: &u16| !self.taken.contains(port);
        let found = (first + band..=last).find(free).or_else(|| (first..first + band).find(free))?;
        self.taken.insert(found);
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_is_given_once_and_the_lower_ones_last() {
        let mut pool = PortPool::new(30_000..=30_063);
        let ports: Vec<u16> = std::iter::from_fn(|| pool.take_any()).collect();
        assert_eq!(ports.len(), 64);
        assert!(ports[..48].iter().all(|port| *port >= 30_016));
        assert_eq!(ports[48], 30_000);
    }
}

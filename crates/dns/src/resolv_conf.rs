//! The node's resolvers, from its resolv.conf.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// At most this many resolvers are asked; the C library's limit.
const RESOLVERS_MAX: usize = 3;
/// The file is looked at again after this time at the earliest, and only when something is asked.
const FRESH: Duration = Duration::from_secs(5);

/// The resolvers of a file, read again when it changes.
#[derive(Debug)]
pub(crate) struct ResolvConf {
    path: PathBuf,
    /// Addresses that are our own: asking them would never end.
    own: Vec<SocketAddr>,
    looked_at: Option<Instant>,
    modified: Option<SystemTime>,
    resolvers: Vec<SocketAddr>,
}

impl ResolvConf {
    pub(crate) fn new(path: PathBuf, own: Vec<SocketAddr>) -> Self {
        Self { path, own, looked_at: None, modified: None, resolvers: Vec::new() }
    }

    /// The resolvers now.
    pub(crate) fn resolvers(&mut self, now: Instant) -> Vec<SocketAddr> {
        if self.looked_at.is_none_or(|at| now.duration_since(at) >= FRESH) {
            self.looked_at = Some(now);
            let modified = modified(&self.path);
            if modified != self.modified || modified.is_none() {
                self.modified = modified;
                let text = std::fs::read_to_string(&self.path).unwrap_or_default();
                self.resolvers = parse(&text).into_iter().filter(|address| !self.is_own(*address)).collect();
            }
        }
        self.resolvers.clone()
    }

    fn is_own(&self, resolver: SocketAddr) -> bool {
        let same_port = |own: &&SocketAddr| own.port() == resolver.port();
        self.own.iter().filter(same_port).any(|own| own.ip() == resolver.ip() || own.ip().is_unspecified())
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn parse(text: &str) -> Vec<SocketAddr> {
    let servers = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        if words.next() != Some("nameserver") {
            return None;
        }
        // A zone of a link-local address (`fe80::1%eth0`) cannot be asked from here.
        words.next()?.parse::<IpAddr>().ok()
    });
    servers.take(RESOLVERS_MAX).map(|address| SocketAddr::new(address, 53)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_are_read_and_our_own_address_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("resolv.conf");
        std::fs::write(
            &path,
            "# comment\nsearch a b\nnameserver 192.0.2.1\nnameserver 10.43.0.10\nnameserver x\n",
        )
        .unwrap();
        let mut conf = ResolvConf::new(path.clone(), vec!["10.43.0.10:53".parse().unwrap()]);
        let now = Instant::now();
        assert_eq!(conf.resolvers(now), ["192.0.2.1:53".parse().unwrap()]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(conf.resolvers(now).len(), 1, "not looked at yet");
        assert_eq!(conf.resolvers(now + FRESH), []);
    }
}

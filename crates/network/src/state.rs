//! What survives a restart: pod CIDRs, who has which address and which ports of the host.
//!
//! One JSON file, replaced by rename. It is not synced: what it speaks of does not survive the machine either, and
//! a file of an earlier boot is forgotten.

use crate::addresses::Pool;
use crate::{Error, Result};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use skiff_cri::network::{HostPort, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The format that this version writes.
const VERSION: u32 = 1;

/// The content of the state file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) version: u32,
    /// The boot that this belongs to.
    boot: String,
    /// Name of the bridge.
    pub(crate) bridge: String,
    /// The node's pod CIDRs.
    pub(crate) pod_cidrs: Vec<IpNet>,
    /// The address handed out last, by CIDR.
    last: BTreeMap<IpNet, IpAddr>,
    /// What each sandbox has.
    pub(crate) sandboxes: BTreeMap<String, Lease>,
}

/// What a sandbox has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    /// Its addresses, the primary one first.
    pub(crate) addresses: Vec<IpAddr>,
    /// Ports of the host that lead into it.
    pub(crate) host_ports: Vec<LeasedPort>,
}

/// A port of the host that leads into a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeasedPort {
    pub(crate) host_ip: Option<IpAddr>,
    pub(crate) host_port: u16,
    pub(crate) container_port: u16,
    /// IP protocol number.
    pub(crate) protocol: u8,
}

/// The format alone, to tell a newer file from a broken one.
#[derive(Deserialize)]
struct Format {
    version: u32,
}

impl From<&HostPort> for LeasedPort {
    fn from(port: &HostPort) -> Self {
        Self {
            host_ip: port.host_ip.filter(|address| !address.is_unspecified()),
            host_port: port.host_port,
            container_port: port.container_port,
            protocol: match port.protocol {
                Protocol::Tcp => 6,
                Protocol::Udp => 17,
                Protocol::Sctp => 132,
            },
        }
    }
}

impl LeasedPort {
    /// Whether both cannot be had at once.
    fn conflicts(&self, other: &Self) -> bool {
        let same_address = match (self.host_ip, other.host_ip) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        same_address && self.host_port == other.host_port && self.protocol == other.protocol
    }
}

impl std::fmt::Display for LeasedPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let protocol = match self.protocol {
            6 => "TCP",
            17 => "UDP",
            _ => "SCTP",
        };
        write!(f, "{}/{protocol}", self.host_port)
    }
}

/// What belongs to sandboxes.
impl State {
    /// Gives a sandbox addresses and ports; repeated, it has what it had.
    pub(crate) fn lease(&mut self, sandbox: &str, host_ports: Vec<LeasedPort>) -> Result<Lease> {
        for port in &host_ports {
            self.check_free(port, sandbox)?;
        }
        let mut addresses =
            self.sandboxes.get(sandbox).map(|lease| lease.addresses.clone()).unwrap_or_default();
        if addresses.is_empty() {
            if self.pod_cidrs.is_empty() {
                return Err(Error::NotConfigured);
            }
            let taken: BTreeSet<IpAddr> =
                self.sandboxes.values().flat_map(|l| l.addresses.iter().copied()).collect();
            for cidr in &self.pod_cidrs {
                addresses.push(Pool::new(*cidr)?.allocate(&taken, self.last.get(cidr).copied())?);
            }
            self.last = self.pod_cidrs.iter().copied().zip(addresses.iter().copied()).collect();
        }
        let lease = Lease { addresses, host_ports };
        self.sandboxes.insert(sandbox.to_owned(), lease.clone());
        Ok(lease)
    }

    fn check_free(&self, port: &LeasedPort, for_sandbox: &str) -> Result<()> {
        let taken = self.sandboxes.iter().find(|(sandbox, lease)| {
            sandbox.as_str() != for_sandbox && lease.host_ports.iter().any(|other| port.conflicts(other))
        });
        match taken {
            Some((sandbox, _)) => {
                Err(Error::HostPortTaken { port: port.to_string(), sandbox: sandbox.clone() })
            }
            None => Ok(()),
        }
    }
}

/// The file.
impl State {
    /// Reads the file; a missing, broken or outlived one is an empty state.
    pub(crate) fn load(data_dir: &Path, bridge: &str) -> Result<Self> {
        let path = path(data_dir);
        let fresh = || Self { version: VERSION, boot: boot(), bridge: bridge.to_owned(), ..Self::default() };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(fresh()),
            Err(error) => return Err(Error::file(&path, error)),
        };
        if let Ok(Format { version }) = serde_json::from_str(&text)
            && version > VERSION
        {
            return Err(Error::NewerState { path, found: version, known: VERSION });
        }
        match serde_json::from_str::<Self>(&text) {
            Ok(state) if state.boot == boot() => Ok(state),
            Ok(state) => Ok(Self { pod_cidrs: state.pod_cidrs, ..fresh() }),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "network state does not parse, starting empty");
                Ok(fresh())
            }
        }
    }

    /// Replaces the file.
    pub(crate) fn store(&self, data_dir: &Path) -> Result<()> {
        let path = path(data_dir);
        let text = serde_json::to_string_pretty(self).map_err(|e| Error::file(&path, e))?;
        let temporary = path.with_extension("json.new");
        std::fs::write(&temporary, text).map_err(|e| Error::file(&temporary, e))?;
        std::fs::rename(&temporary, &path).map_err(|e| Error::file(&path, e))
    }
}

/// Where the state is.
pub(crate) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("state.json")
}

fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State {
            pod_cidrs: vec!["10.42.0.0/24".parse().unwrap(), "fd00::/64".parse().unwrap()],
            ..State::default()
        }
    }

    fn port(host_ip: Option<&str>) -> LeasedPort {
        LeasedPort {
            host_ip: host_ip.map(|a| a.parse().unwrap()),
            host_port: 80,
            container_port: 8080,
            protocol: 6,
        }
    }

    #[test]
    fn a_sandbox_gets_one_address_of_each_cidr_and_keeps_them() {
        let mut state = state();
        let first = state.lease("a", Vec::new()).unwrap();
        assert_eq!(first.addresses, ["10.42.0.2".parse::<IpAddr>().unwrap(), "fd00::2".parse().unwrap()]);
        assert_eq!(state.lease("a", Vec::new()).unwrap(), first);
        assert_ne!(state.lease("b", Vec::new()).unwrap().addresses, first.addresses);
    }

    #[test]
    fn a_host_port_belongs_to_one_sandbox() {
        let mut state = state();
        state.lease("a", vec![port(None)]).unwrap();
        let error = state.lease("b", vec![port(Some("192.0.2.2"))]).unwrap_err();
        assert_eq!(error.to_string(), "host port 80/TCP is taken by sandbox a");
        state.sandboxes.remove("a");
        state.lease("b", vec![port(Some("192.0.2.2"))]).unwrap();
        state.lease("c", vec![port(Some("192.0.2.3"))]).unwrap();
    }

    #[test]
    fn the_file_reads_back_and_a_newer_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut state = State::load(dir.path(), "cni0").unwrap();
        state.pod_cidrs = vec!["10.42.0.0/24".parse().unwrap()];
        state.lease("a", vec![port(None)]).unwrap();
        state.store(dir.path()).unwrap();
        assert_eq!(State::load(dir.path(), "cni0").unwrap(), state);
        std::fs::write(path(dir.path()), r#"{"version": 2}"#).unwrap();
        assert!(matches!(State::load(dir.path(), "cni0"), Err(Error::NewerState { found: 2, .. })));
    }
}

//! Files of a sandbox that its containers see below /etc.

use super::SandboxRecord;
use crate::error::{At, Outcome};
use skiff_cri::v1::DnsConfig;
use std::path::Path;

/// The host name file's name in the sandbox's folder.
pub const HOSTNAME: &str = "hostname";
/// The host table's name in the sandbox's folder; the kubelet brings its own for most containers.
pub const HOSTS: &str = "hosts";
/// The resolver configuration's name in the sandbox's folder.
pub const RESOLV_CONF: &str = "resolv.conf";

/// Writes the files.
pub fn write(record: &SandboxRecord, directory: &Path) -> Outcome<()> {
    let put = |name: &str, content: &[u8]| {
        let path = directory.join(name);
        std::fs::write(&path, content).at("write", &path)
    };
    put(HOSTNAME, format!("{}\n", record.hostname()).as_bytes())?;
    put(HOSTS, &std::fs::read("/etc/hosts").unwrap_or_default())?;
    match &record.config.dns_config {
        Some(dns) if !(dns.servers.is_empty() && dns.searches.is_empty() && dns.options.is_empty()) => {
            put(RESOLV_CONF, resolv_conf(dns).as_bytes())
        }
        _ => put(RESOLV_CONF, &std::fs::read("/etc/resolv.conf").unwrap_or_default()),
    }
}

fn resolv_conf(dns: &DnsConfig) -> String {
    let mut text = String::new();
    if !dns.searches.is_empty() {
        text += &format!("search {}\n", dns.searches.join(" "));
    }
    for server in &dns.servers {
        text += &format!("nameserver {server}\n");
    }
    if !dns.options.is_empty() {
        text += &format!("options {}\n", dns.options.join(" "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolver_configuration_is_written_like_containerd_does() {
        let dns = DnsConfig {
            servers: vec!["10.43.0.10".to_owned()],
            searches: vec!["default.svc.cluster.local".to_owned(), "svc.cluster.local".to_owned()],
            options: vec!["ndots:5".to_owned()],
        };
        let expected =
            "search default.svc.cluster.local svc.cluster.local\nnameserver 10.43.0.10\noptions ndots:5\n";
        assert_eq!(resolv_conf(&dns), expected);
    }
}

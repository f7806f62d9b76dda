//! A pod's resolver configuration, by its DNS policy.

use super::PodView;
use skiff_cri::v1::DnsConfig;
use std::net::IpAddr;

const MAX_SERVERS: usize = 3;
const MAX_SEARCHES: usize = 32;

/// The node's and the cluster's part of a resolver configuration.
#[derive(Debug, Clone, Default)]
pub struct DnsSettings {
    /// Resolvers of the cluster.
    pub cluster_dns: Vec<IpAddr>,
    /// Domain of the cluster.
    pub cluster_domain: String,
    /// What the node's own resolver file says.
    pub host: ResolverFile,
}

/// The contents of a resolv.conf.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResolverFile {
    /// `nameserver` lines.
    pub servers: Vec<String>,
    /// The last `search` line.
    pub searches: Vec<String>,
    /// `options`.
    pub options: Vec<String>,
}

impl ResolverFile {
    /// Reads the text of a resolv.conf.
    pub fn parse(text: &str) -> Self {
        let mut out = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => out.servers.extend(words.next().map(str::to_owned)),
                Some("search") => {
                    out.searches = words
                        .map(|w| if w == "." { w } else { w.trim_end_matches('.') }.to_owned())
                        .collect();
                }
                Some("options") => out.options = words.map(str::to_owned).collect(),
                _ => {}
            }
        }
        out
    }
}

/// What a pod's resolv.conf says.
pub fn dns_config(pod: &PodView, settings: &DnsSettings) -> DnsConfig {
    let policy = match pod.spec().dns_policy.as_deref().unwrap_or("ClusterFirst") {
        "ClusterFirst" if pod.host_network() => "Default",
        "ClusterFirst" | "ClusterFirstWithHostNet" if settings.cluster_dns.is_empty() => "Default",
        policy => policy,
    };
    let host = &settings.host;
    let mut config = match policy {
        "None" => DnsConfig::default(),
        "Default" => DnsConfig {
            servers: host.servers.clone(),
            searches: host.searches.clone(),
            options: host.options.clone(),
        },
        _ => {
            let domain = &settings.cluster_domain;
            let mut searches = Vec::new();
            if !domain.is_empty() {
                searches.push(format!("{}.svc.{domain}", pod.namespace()));
                searches.push(format!("svc.{domain}"));
                searches.push(domain.clone());
            }
            searches.extend(host.searches.iter().cloned());
            DnsConfig {
                servers: settings.cluster_dns.iter().map(IpAddr::to_string).collect(),
                searches,
                options: vec!["ndots:5".into()],
            }
        }
    };
    if let Some(own) = &pod.spec().dns_config {
        config.servers.extend(own.nameservers.iter().flatten().cloned());
        config.searches.extend(own.searches.iter().flatten().cloned());
        for option in own.options.iter().flatten() {
            let Some(name) = &option.name else { continue };
            config.options.retain(|text| text.split(':').next() != Some(name));
            config.options.push(match &option.value {
                Some(value) => format!("{name}:{value}"),
                None => name.clone(),
            });
        }
    }
    let distinct = |list: Vec<String>, max: usize| {
        let mut out: Vec<String> = Vec::new();
        for item in list {
            if !out.contains(&item) && out.len() < max {
                out.push(item);
            }
        }
        out
    };
    DnsConfig {
        servers: distinct(config.servers, MAX_SERVERS),
        searches: distinct(config.searches, MAX_SEARCHES),
        options: config.options,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::pod;
    use super::*;
    use skiff_apimachinery::{Document, doc};

    fn resolve(spec: Document) -> String {
        let settings = DnsSettings {
            cluster_dns: vec!["10.43.0.10".parse().unwrap()],
            cluster_domain: "cluster.local".into(),
            host: ResolverFile::parse("nameserver 192.0.2.1\nsearch example.test.\noptions timeout:1\n"),
        };
        let config = dns_config(&pod(spec, doc!({})), &settings);
        [config.servers.join(","), config.searches.join(","), config.options.join(",")].join(" | ")
    }

    #[test]
    fn policy_decides() {
        let cluster =
            "10.43.0.10 | default.svc.cluster.local,svc.cluster.local,cluster.local,example.test | ndots:5";
        let host = "192.0.2.1 | example.test | timeout:1";
        for (spec, want) in [
            (doc!({"dnsPolicy": "ClusterFirst"}), cluster),
            (doc!({"dnsPolicy": "ClusterFirst", "hostNetwork": true}), host),
            (doc!({"dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": true}), cluster),
            (doc!({"dnsPolicy": "Default"}), host),
            (
                doc!({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.1.1.1"], "options": [{"name": "ndots", "value": "2"}]}}),
                "1.1.1.1 |  | ndots:2",
            ),
        ] {
            assert_eq!(resolve(spec.clone()), want, "{spec}");
        }
    }
}

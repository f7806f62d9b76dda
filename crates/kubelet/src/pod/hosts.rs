//! The managed `/etc/hosts` of a pod.

use super::PodView;
use std::fmt::Write as _;
use std::net::IpAddr;

/// The hostname that a pod's containers see, and its domain (empty for none).
pub fn hostname_and_domain(pod: &PodView, node_hostname: &str, cluster_domain: &str) -> (String, String) {
    let spec = pod.spec();
    if let Some(name) = spec.hostname_override.as_ref().filter(|name| !name.is_empty()) {
        return (name.clone(), String::new());
    }
    if pod.host_network() {
        return (node_hostname.to_owned(), String::new());
    }
    let mut hostname = match spec.hostname.as_deref() {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => truncated(pod.name()),
    };
    let domain = match spec.subdomain.as_deref() {
        Some(sub) if !sub.is_empty() => format!("{sub}.{}.svc.{cluster_domain}", pod.namespace()),
        _ => String::new(),
    };
    if spec.set_hostname_as_fqdn == Some(true) && !domain.is_empty() {
        hostname = format!("{hostname}.{domain}");
    }
    (hostname, domain)
}

/// Hostnames hold 63 characters and must not end in a separator.
fn truncated(name: &str) -> String {
    let short: String = name.chars().take(63).collect();
    short.trim_end_matches(['-', '.']).to_owned()
}

/// The text of `/etc/hosts`. A pod on the node's network gets the node's file, any other one upstream's standard lines.
pub fn hosts_file(pod: &PodView, ips: &[IpAddr], hostname: &str, domain: &str, node_hosts: &str) -> String {
    let mut out = String::new();
    if pod.host_network() {
        out.push_str("# Kubernetes-managed hosts file (host network).\n");
        out.push_str(node_hosts);
    } else {
        out.push_str(concat!(
            "# Kubernetes-managed hosts file.\n",
            "127.0.0.1\tlocalhost\n",
            "::1\tlocalhost ip6-localhost ip6-loopback\n",
            "fe00::\tip6-localnet\n",
            "fe00::\tip6-mcastprefix\n",
            "fe00::1\tip6-allnodes\n",
            "fe00::2\tip6-allrouters\n",
        ));
        for ip in ips {
            let written = if domain.is_empty() {
                writeln!(out, "{ip}\t{hostname}")
            } else {
                writeln!(out, "{ip}\t{hostname}.{domain}\t{hostname}")
            };
            written.expect("writing to a string does not fail");
        }
    }
    let aliases: Vec<_> = pod.spec().host_aliases.iter().flatten().collect();
    if !aliases.is_empty() {
        out.push_str("\n# Entries added by HostAliases.\n");
        for alias in aliases {
            let names = alias.hostnames.iter().flatten().map(String::as_str).collect::<Vec<_>>().join("\t");
            writeln!(out, "{}\t{names}", alias.ip).expect("writing to a string does not fail");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::testing::pod;
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn a_pod_with_subdomain_is_named_in_full() {
        let pod = pod(
            doc!({"subdomain": "sub", "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["a", "b"]}]}),
            doc!({}),
        );
        let (hostname, domain) = hostname_and_domain(&pod, "node", "cluster.local");
        let text = hosts_file(&pod, &["10.0.0.2".parse().unwrap()], &hostname, &domain, "");
        assert!(text.contains("10.0.0.2\tweb.sub.default.svc.cluster.local\tweb\n"), "{text}");
        assert!(text.ends_with("\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n"), "{text}");
    }
}

//! `sysctls`: pods set kernel parameters only where the kernel keeps them apart for each pod. Newer releases
//! know more of these.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};

/// The check.
pub const CHECK: Check = Check {
    id: "sysctls",
    level: Level::Baseline,
    versions: &[
        VersionedCheck { minimum: Version::Minor(0), overrides: &[], check_pod: since_1_0 },
        VersionedCheck { minimum: Version::Minor(27), overrides: &[], check_pod: since_1_27 },
        VersionedCheck { minimum: Version::Minor(29), overrides: &[], check_pod: since_1_29 },
        VersionedCheck { minimum: Version::Minor(32), overrides: &[], check_pod: since_1_32 },
    ],
};

/// Parameters that may be set, with the minor version that let them in.
const ALLOWED: &[(&str, u64)] = &[
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
];

fn since_1_0(pod: Pod<'_>) -> Option<Violation> {
    check(pod, 0)
}

fn since_1_27(pod: Pod<'_>) -> Option<Violation> {
    check(pod, 27)
}

fn since_1_29(pod: Pod<'_>) -> Option<Violation> {
    check(pod, 29)
}

fn since_1_32(pod: Pod<'_>) -> Option<Violation> {
    check(pod, 32)
}

fn check(pod: Pod<'_>, minor: u64) -> Option<Violation> {
    let is_allowed = |name: &str| ALLOWED.iter().any(|(known, since)| *known == name && *since <= minor);
    let forbidden: Vec<&str> = pod
        .security_context()
        .array_at(&["sysctls"])
        .iter()
        .map(|sysctl| sysctl.str_at(&["name"]))
        .filter(|name| !is_allowed(name))
        .collect();
    (!forbidden.is_empty()).then(|| Violation { reason: "forbidden sysctls", detail: forbidden.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, hold, pod};
    use super::*;
    use skiff_apimachinery::{Document, doc};

    fn sysctls(names: &[&str]) -> Document {
        let sysctls: Vec<Document> = names.iter().map(|name| doc!({"name": *name, "value": "0"})).collect();
        pod(doc!({"sysctls": sysctls}), [])
    }

    #[test]
    fn only_safe_parameters_are_set() {
        hold(
            &CHECK,
            LATEST,
            &[
                (doc!({"spec": {}}), ""),
                (sysctls(&ALLOWED.iter().map(|(name, _)| *name).collect::<Vec<_>>()), ""),
                (
                    sysctls(&["kernel.msgmax", "net.ipv4.tcp_rmem", "a"]),
                    "forbidden sysctls (kernel.msgmax, a)",
                ),
            ],
        );
    }

    #[test]
    fn releases_know_more_and_more() {
        for &(name, since) in ALLOWED.iter().filter(|(_, since)| *since > 0) {
            let refused = format!("forbidden sysctls ({name})");
            hold(&CHECK, Version::Minor(since), &[(sysctls(&[name]), "")]);
            hold(&CHECK, Version::Minor(since - 1), &[(sysctls(&[name]), refused.as_str())]);
        }
    }
}

//! The checks of the Pod Security Standards, one a file.
//!
//! To add one: a file with a `CHECK`, and a line in [`CHECKS`] at the place of its id. A rule that changes
//! with a release is a further entry in the check's `versions`; the older ones stay, because namespaces may
//! ask for them.

mod allow_privilege_escalation;
mod app_armor_profile;
mod capabilities_baseline;
mod capabilities_restricted;
mod host_namespaces;
mod host_path_volumes;
mod host_ports;
mod host_probes_and_host_lifecycle;
mod privileged;
mod proc_mount_baseline;
mod proc_mount_restricted;
mod restricted_volumes;
mod run_as_non_root;
mod run_as_user;
mod se_linux_options;
mod seccomp_profile_baseline;
mod seccomp_profile_restricted;
mod sysctls;
#[cfg(test)]
mod table;
mod windows_host_process;

use super::pod::Pod;
use super::policy::{Level, LevelVersion, Version};
use super::violation::Violation;

/// One rule for pods, with its history (upstream's `Check`).
#[derive(Debug)]
pub struct Check {
    /// Upstream's `CheckID`.
    pub id: &'static str,
    /// The lowest level that asks for it.
    pub level: Level,
    /// What the rule was from which release on, oldest first.
    pub versions: &'static [VersionedCheck],
}

/// A rule as it was from one release on (upstream's `VersionedCheck`).
#[derive(Debug)]
pub struct VersionedCheck {
    /// The first release that had it.
    pub minimum: Version,
    /// Ids of baseline checks that need not be asked, because this one is stricter (upstream's
    /// `OverrideCheckIDs`).
    pub overrides: &'static [&'static str],
    /// Why a pod is refused, if it is (upstream's `CheckPodFn`).
    pub check_pod: fn(Pod<'_>) -> Option<Violation>,
}

/// All checks in the order of their refusals: baseline before restricted, by id within a level.
const CHECKS: &[Check] = &[
    app_armor_profile::CHECK,
    capabilities_baseline::CHECK,
    host_namespaces::CHECK,
    host_path_volumes::CHECK,
    host_ports::CHECK,
    host_probes_and_host_lifecycle::CHECK,
    privileged::CHECK,
    proc_mount_baseline::CHECK,
    se_linux_options::CHECK,
    seccomp_profile_baseline::CHECK,
    sysctls::CHECK,
    windows_host_process::CHECK,
    allow_privilege_escalation::CHECK,
    capabilities_restricted::CHECK,
    proc_mount_restricted::CHECK,
    restricted_volumes::CHECK,
    run_as_non_root::CHECK,
    run_as_user::CHECK,
    seccomp_profile_restricted::CHECK,
];

/// All that the policy has against a pod (upstream's `Evaluator`); empty if the pod is allowed.
pub fn evaluate(policy: LevelVersion, pod: Pod<'_>) -> Vec<Violation> {
    let asked: Vec<(&Check, &VersionedCheck)> = CHECKS
        .iter()
        .filter(|check| check.level <= policy.level)
        .filter_map(|check| Some((check, check.at(policy.version)?)))
        .collect();
    let is_overridden = |id: &str| asked.iter().any(|(_, rule)| rule.overrides.contains(&id));
    asked
        .iter()
        .filter(|(check, _)| !is_overridden(check.id))
        .filter_map(|(_, rule)| (rule.check_pod)(pod))
        .collect()
}

impl Check {
    /// The rule as it was in a release; `None` before there was one. Later releases than this one have its
    /// rules.
    fn at(&self, version: Version) -> Option<&VersionedCheck> {
        self.versions.iter().rev().find(|rule| rule.minimum <= version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::{Document, doc};

    fn reasons(level: Level, version: Version, pod: &Document) -> Vec<&'static str> {
        let violations = evaluate(LevelVersion { level, version }, Pod::new(pod));
        violations.iter().map(|violation| violation.reason).collect()
    }

    #[test]
    fn checks_stand_in_order_of_level_and_id() {
        let keys: Vec<(Level, &str)> = CHECKS.iter().map(|check| (check.level, check.id)).collect();
        assert!(keys.is_sorted_by(|one, next| one < next), "{keys:?}");
    }

    #[test]
    fn rules_stand_in_order_of_release() {
        for check in CHECKS {
            assert!(!check.versions.is_empty(), "{}", check.id);
            assert!(check.versions.is_sorted_by(|one, next| one.minimum < next.minimum), "{}", check.id);
        }
    }

    #[test]
    fn only_restricted_checks_override_and_only_baseline_ones() {
        for check in CHECKS {
            for id in check.versions.iter().flat_map(|rule| rule.overrides) {
                let other = CHECKS.iter().find(|other| other.id == *id);
                assert_eq!(check.level, Level::Restricted, "{}", check.id);
                assert_eq!(other.map(|other| other.level), Some(Level::Baseline), "{}", check.id);
            }
        }
    }

    #[test]
    fn the_release_that_is_asked_for_chooses_the_rule() {
        let at = |version| run_as_user::CHECK.at(version).map(|rule| rule.minimum);
        assert_eq!(at(Version::Minor(22)), None);
        assert_eq!(at(Version::Minor(23)), Some(Version::Minor(23)));
        assert_eq!(at(Version::Minor(34)), Some(Version::Minor(23)));
        assert_eq!(at(Version::Minor(35)), Some(Version::Minor(35)));
        assert_eq!(at(Version::Minor(99)), Some(Version::Minor(35)));
        assert_eq!(at(Version::Latest), Some(Version::Minor(35)));
    }

    #[test]
    fn levels_ask_more_and_more() {
        let pod = doc!({"spec": {"hostNetwork": true, "containers": [{"name": "c"}]}});
        let latest = Version::Latest;
        assert!(reasons(Level::Privileged, latest, &pod).is_empty());
        assert_eq!(reasons(Level::Baseline, latest, &pod), ["host namespaces"]);
        assert_eq!(
            reasons(Level::Restricted, latest, &pod),
            [
                "host namespaces",
                "allowPrivilegeEscalation != false",
                "unrestricted capabilities",
                "runAsNonRoot != true",
                "seccompProfile",
            ]
        );
        assert_eq!(
            reasons(Level::Restricted, Version::Minor(7), &pod),
            ["host namespaces", "runAsNonRoot != true"]
        );
    }

    #[test]
    fn a_stricter_check_speaks_for_the_baseline_one() {
        let pod = doc!({"spec": {
            "volumes": [{"name": "v", "hostPath": {"path": "/"}}],
            "securityContext": {"seccompProfile": {"type": "Unconfined"}},
            "containers": [{"name": "c", "securityContext": {
                "capabilities": {"add": ["SYS_ADMIN"]}, "procMount": "Unmasked",
                "allowPrivilegeEscalation": false, "runAsNonRoot": true
            }}]
        }});
        assert_eq!(
            reasons(Level::Baseline, Version::Latest, &pod),
            ["non-default capabilities", "hostPath volumes", "procMount", "seccompProfile"]
        );
        assert_eq!(
            reasons(Level::Restricted, Version::Latest, &pod),
            ["unrestricted capabilities", "procMount", "restricted volume types", "seccompProfile"]
        );
        assert_eq!(
            reasons(Level::Restricted, Version::Minor(21), &pod),
            ["non-default capabilities", "procMount", "restricted volume types", "seccompProfile"]
        );
    }
}

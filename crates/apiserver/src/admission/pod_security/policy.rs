//! The policy of a namespace: at which level and version it enforces, audits and warns.
//!
//! Read from the labels `pod-security.kubernetes.io/*` of a Namespace, upstream's `PolicyToEvaluate`. There
//! is always a policy: a label that says nothing sensible fails closed where it enforces and open where it
//! only tells.

use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::fmt;

const ENFORCE_LEVEL: &str = "pod-security.kubernetes.io/enforce";
const ENFORCE_VERSION: &str = "pod-security.kubernetes.io/enforce-version";
const AUDIT_LEVEL: &str = "pod-security.kubernetes.io/audit";
const AUDIT_VERSION: &str = "pod-security.kubernetes.io/audit-version";
const WARN_LEVEL: &str = "pod-security.kubernetes.io/warn";
const WARN_VERSION: &str = "pod-security.kubernetes.io/warn-version";

/// How much a pod is held to (upstream's `Level`), in order of strictness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing is checked.
    Privileged,
    /// Known ways to gain privileges are closed.
    Baseline,
    /// Best practice of hardening is asked for.
    Restricted,
}

/// Which release's idea of a level counts (upstream's `Version`), in order of age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// `v1.N`.
    Minor(u64),
    /// Whatever this release knows.
    Latest,
}

/// A level as a release understood it (upstream's `LevelVersion`), shown as `restricted:latest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelVersion {
    /// The level.
    pub level: Level,
    /// The release.
    pub version: Version,
}

/// What a namespace asks of its pods (upstream's `Policy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Pods that break this are refused.
    pub enforce: LevelVersion,
    /// Pods that break this are noted in the audit log.
    pub audit: LevelVersion,
    /// Clients are warned of pods and workloads that break this.
    pub warn: LevelVersion,
}

// === impl Level ===

impl Level {
    const ALL: [Self; 3] = [Self::Privileged, Self::Baseline, Self::Restricted];

    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }

    /// The level of a label's value.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

// === impl Version ===

impl Version {
    /// The version of a label's value: `latest`, or `v1.N` without leading zeros.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "latest" {
            return Some(Self::Latest);
        }
        let minor = text.strip_prefix("v1.")?;
        let is_plain = minor.bytes().all(|byte| byte.is_ascii_digit());
        if !is_plain || (minor.len() > 1 && minor.starts_with('0')) {
            return None;
        }
        minor.parse().ok().map(Self::Minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minor(minor) => write!(f, "v1.{minor}"),
            Self::Latest => f.write_str("latest"),
        }
    }
}

// === impl LevelVersion ===

impl fmt::Display for LevelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.level.as_str(), self.version)
    }
}

// === impl Policy ===

impl Policy {
    /// The policy that a namespace's labels ask for, and what is wrong with them. Without labels everything
    /// is `privileged:latest`.
    pub fn of_labels(namespace: &Document) -> (Self, FieldErrors) {
        let mut labels = Labels { namespace, errors: Vec::new() };
        let (enforce_level, enforce_version) = (labels.level(ENFORCE_LEVEL), labels.version(ENFORCE_VERSION));
        let (audit_level, audit_version) = (labels.level(AUDIT_LEVEL), labels.version(AUDIT_VERSION));
        let (warn_level, warn_version) = (labels.level(WARN_LEVEL), labels.version(WARN_VERSION));

        let enforce = LevelVersion {
            level: enforce_level.unless_bad(Level::Privileged, Level::Restricted),
            version: enforce_version.unless_bad(Version::Latest, Version::Latest),
        };
        let audit = LevelVersion {
            level: audit_level.unless_bad(Level::Privileged, Level::Privileged),
            version: audit_version.unless_bad(Version::Latest, Version::Latest),
        };
        let mut warn = LevelVersion {
            level: warn_level.unless_bad(Level::Privileged, Level::Privileged),
            version: warn_version.unless_bad(Version::Latest, Version::Latest),
        };
        // Who enforces a level wants to hear of workloads whose pods it would refuse.
        let enforces_more = matches!(enforce_level, Label::Good(level) if level > warn.level);
        if warn_level == Label::Absent && enforces_more {
            warn.level = enforce.level;
            if warn_version == Label::Absent {
                warn.version = enforce.version;
            }
        }
        (Self { enforce, audit, warn }, labels.errors)
    }

    /// Whether nothing is asked (upstream's `FullyPrivileged`).
    pub fn is_fully_privileged(&self) -> bool {
        [self.enforce, self.audit, self.warn].iter().all(|mode| mode.level == Level::Privileged)
    }
}

/// What a label says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label<T> {
    Absent,
    Bad,
    Good(T),
}

impl<T> Label<T> {
    fn unless_bad(self, absent: T, bad: T) -> T {
        match self {
            Self::Absent => absent,
            Self::Bad => bad,
            Self::Good(value) => value,
        }
    }
}

/// Labels being read.
struct Labels<'a> {
    namespace: &'a Document,
    errors: FieldErrors,
}

impl Labels<'_> {
    fn level(&mut self, label: &str) -> Label<Level> {
        self.read(label, Level::parse, "must be one of privileged, baseline, restricted")
    }

    fn version(&mut self, label: &str) -> Label<Version> {
        self.read(label, Version::parse, "must be \"latest\" or \"v1.x\"")
    }

    fn read<T>(&mut self, label: &str, parse: fn(&str) -> Option<T>, rule: &str) -> Label<T> {
        let Some(text) = self.namespace.label(label) else { return Label::Absent };
        if let Some(value) = parse(text) {
            return Label::Good(value);
        }
        let field = FieldPath::new("metadata").child("labels").key(label);
        self.errors.push(FieldError::invalid(&field, text, rule));
        Label::Bad
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    /// `enforce audit warn`, then what is wrong, one error a line.
    fn read(labels: &[(&str, &str)]) -> String {
        let labels: Document =
            labels.iter().map(|(key, value)| (format!("pod-security.kubernetes.io/{key}"), *value)).collect();
        let (policy, errors) = Policy::of_labels(&doc!({"metadata": {"labels": labels}}));
        let Policy { enforce, audit, warn } = policy;
        let mut lines = vec![format!("{enforce} {audit} {warn}")];
        lines.extend(errors.iter().map(ToString::to_string));
        lines.join("\n")
    }

    #[test]
    fn labels_say_the_policy() {
        let none = "privileged:latest privileged:latest privileged:latest";
        assert_eq!(read(&[]), none);
        assert_eq!(read(&[("other", "restricted")]), none);
        assert_eq!(
            read(&[
                ("enforce", "baseline"),
                ("enforce-version", "v1.22"),
                ("audit", "restricted"),
                ("audit-version", "latest"),
                ("warn", "privileged"),
                ("warn-version", "v1.0"),
            ]),
            "baseline:v1.22 restricted:latest privileged:v1.0"
        );
    }

    #[test]
    fn who_enforces_more_is_warned_of_as_much() {
        for (labels, want) in [
            (
                vec![("enforce", "restricted"), ("enforce-version", "v1.25")],
                "restricted:v1.25 privileged:latest restricted:v1.25",
            ),
            (
                vec![("enforce", "baseline"), ("enforce-version", "v1.25"), ("warn-version", "v1.30")],
                "baseline:v1.25 privileged:latest baseline:v1.30",
            ),
            (
                vec![("enforce", "restricted"), ("warn", "baseline")],
                "restricted:latest privileged:latest baseline:latest",
            ),
        ] {
            assert_eq!(read(&labels), want);
        }
    }

    #[test]
    fn a_bad_label_fails_closed_where_it_enforces_and_open_where_it_tells() {
        assert_eq!(
            read(&[("enforce", "strict"), ("audit", "strict"), ("warn", "strict"), ("warn-version", "1.2")]),
            "restricted:latest privileged:latest privileged:latest\n\
             metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"strict\": \
             must be one of privileged, baseline, restricted\n\
             metadata.labels[pod-security.kubernetes.io/audit]: Invalid value: \"strict\": \
             must be one of privileged, baseline, restricted\n\
             metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: \"strict\": \
             must be one of privileged, baseline, restricted\n\
             metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: \"1.2\": \
             must be \"latest\" or \"v1.x\""
        );
    }

    #[test]
    fn versions_are_latest_or_minors_of_one() {
        assert_eq!(Version::parse("latest"), Some(Version::Latest));
        assert_eq!(Version::parse("v1.0"), Some(Version::Minor(0)));
        assert_eq!(Version::parse("v1.35"), Some(Version::Minor(35)));
        for bad in ["", "v1", "v1.", "v1.01", "v1.+1", "v1.1.0", "v2.0", "1.1", "Latest", "v1.x"] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
        assert!(Version::Minor(1000) < Version::Latest);
    }
}

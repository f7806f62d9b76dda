//! `--runtime-config`: which API versions and resources are served beside, or instead of, those that are by default.
//!
//! Keys are upstream's: `api/all`, `api/ga`, `api/beta`, `api/alpha`, `GROUP/VERSION` (`v1` or `api/v1` for the core group),
//! `GROUP/VERSION/RESOURCE`. The narrower key wins, wherever it stands.

use crate::features::FeatureGates;
use crate::{Resource, table};
use std::sync::Arc;

/// What is turned on and off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuntimeConfig(Vec<(Key, bool)>);

/// A setting that cannot be; the texts are upstream's where it has them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeConfigError {
    /// The value is neither true nor false.
    #[error("runtime-config invalid value of {key}: {value:?} is not a boolean")]
    Value {
        /// The key.
        key: String,
        /// What was given.
        value: String,
    },
    /// The key has no known form.
    #[error("runtime-config invalid key {0}")]
    Key(String),
    /// There is no such group.
    #[error("unknown api groups {0}")]
    Group(String),
    /// The group has no such version.
    #[error("group version {0} that has not been registered")]
    Version(String),
    /// The version has no such resource.
    #[error("resource {0} that has not been registered")]
    Resource(String),
}

/// From wide to narrow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    All,
    Stability(Stability),
    Version(String),
    Resource(String, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stability {
    Ga,
    Beta,
    Alpha,
}

impl RuntimeConfig {
    /// Reads settings `KEY=BOOL`; a key alone means true.
    ///
    /// # Errors
    /// The first setting that cannot be.
    pub fn parse<'a>(settings: impl IntoIterator<Item = &'a str>) -> Result<Self, RuntimeConfigError> {
        let rows = table::builtin();
        let mut out = Vec::new();
        for setting in settings.into_iter().map(str::trim).filter(|setting| !setting.is_empty()) {
            let (key, value) = setting.split_once('=').unwrap_or((setting, "true"));
            let on = match value {
                "true" => true,
                "false" => false,
                _ => {
                    let (key, value) = (key.to_owned(), value.to_owned());
                    return Err(RuntimeConfigError::Value { key, value });
                }
            };
            out.push((Key::parse(key, &rows)?, on));
        }
        // Stable: of two settings of one key the later wins.
        out.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Self(out))
    }

    fn enables(&self, row: &Resource) -> bool {
        let last = self.0.iter().rev().find(|(key, _)| key.covers(row));
        last.map_or(row.enabled, |(_, on)| *on)
    }
}

/// The built-in rows with `enabled` as these settings have it: a row whose gate is off is not served, whatever the runtime
/// configuration says.
pub fn served(config: &RuntimeConfig, gates: &FeatureGates) -> Vec<Arc<Resource>> {
    let mut rows = table::builtin();
    for row in &mut rows {
        let enabled = config.enables(row) && row.gate.is_none_or(|gate| gates.enabled(gate));
        if row.enabled != enabled {
            Arc::make_mut(row).enabled = enabled;
        }
    }
    rows
}

impl Key {
    fn parse(text: &str, rows: &[Arc<Resource>]) -> Result<Self, RuntimeConfigError> {
        match text {
            "api/all" => return Ok(Self::All),
            "api/ga" => return Ok(Self::Stability(Stability::Ga)),
            "api/beta" => return Ok(Self::Stability(Stability::Beta)),
            "api/alpha" => return Ok(Self::Stability(Stability::Alpha)),
            _ => {}
        }
        let text = text.strip_prefix("api/").unwrap_or(text);
        let mut words: Vec<&str> = text.split('/').collect();
        if words.first() == Some(&"v1") {
            words.insert(0, "");
        }
        let (group, version, resource) = match words[..] {
            [group, version] => (group, version, None),
            [group, version, resource] => (group, version, Some(resource)),
            _ => return Err(RuntimeConfigError::Key(text.to_owned())),
        };
        let mut of_group = rows.iter().filter(|row| row.gvk.group == group).peekable();
        if of_group.peek().is_none() {
            return Err(RuntimeConfigError::Group(group.to_owned()));
        }
        let mut of_version = of_group.filter(|row| row.gvk.version == version).peekable();
        let Some(first) = of_version.peek() else {
            return Err(RuntimeConfigError::Version(format!("{group}/{version}")));
        };
        let name = first.group_version().to_string();
        match resource {
            None => Ok(Self::Version(name)),
            Some(plural) if of_version.any(|row| row.plural == plural) => {
                Ok(Self::Resource(name, plural.to_owned()))
            }
            Some(_) => Err(RuntimeConfigError::Resource(text.to_owned())),
        }
    }

    fn covers(&self, row: &Resource) -> bool {
        match self {
            Self::All => true,
            Self::Stability(stability) => *stability == Stability::of(&row.gvk.version),
            Self::Version(version) => row.group_version().to_string() == *version,
            Self::Resource(version, plural) => {
                row.plural == plural.as_str() && row.group_version().to_string() == *version
            }
        }
    }
}

impl Stability {
    fn of(version: &str) -> Self {
        if version.contains("alpha") {
            Self::Alpha
        } else if version.contains("beta") {
            Self::Beta
        } else {
            Self::Ga
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of what differs from the default.
    fn changed(config: &str, gates: &str) -> Result<Vec<String>, String> {
        let config = RuntimeConfig::parse(config.split(',')).map_err(|e| e.to_string())?;
        let gates = FeatureGates::parse(gates.split(',')).map_err(|e| e.to_string())?;
        let rows = served(&config, &gates);
        let differ = rows.iter().zip(table::builtin()).filter(|(row, before)| row.enabled != before.enabled);
        Ok(differ.map(|(row, _)| format!("{}/{}", row.group_version(), row.plural)).collect())
    }

    #[test]
    fn nothing_said_changes_nothing() {
        assert_eq!(changed("", ""), Ok(vec![]));
    }

    #[test]
    fn the_narrower_key_wins_wherever_it_stands() {
        let beta = ["networking.k8s.io/v1beta1/ipaddresses", "networking.k8s.io/v1beta1/servicecidrs"];
        let off = "resource.k8s.io/v1beta1=false,resource.k8s.io/v1beta2=false,storage.k8s.io/v1beta1=false";
        assert_eq!(changed(&format!("{off},api/beta=true"), ""), Ok(beta.map(str::to_owned).to_vec()));
        assert_eq!(
            changed("networking.k8s.io/v1beta1/ipaddresses,api/beta=false", ""),
            Ok(vec![beta[0].to_owned()])
        );
        let without_core = changed("v1=false", "").unwrap();
        assert!(
            without_core.contains(&"v1/pods".to_owned())
                && !without_core.iter().any(|row| row.contains("apps"))
        );
        assert_eq!(changed("api/v1=false", ""), changed("v1=false", ""));
    }

    #[test]
    fn a_row_needs_its_gate_too() {
        let row = "scheduling.k8s.io/v1alpha1";
        assert_eq!(changed(row, ""), Ok(vec![]));
        assert_eq!(changed(row, "GenericWorkload=true"), Ok(vec![format!("{row}/workloads")]));
        assert_eq!(changed("", "GenericWorkload=true"), Ok(vec![]));
    }

    #[test]
    fn what_is_not_there_is_told() {
        let refusal = |config| changed(config, "").unwrap_err();
        assert_eq!(refusal("example.com/v1=true"), "unknown api groups example.com");
        assert_eq!(refusal("apps/v7"), "group version apps/v7 that has not been registered");
        assert_eq!(refusal("apps/v1/pods"), "resource apps/v1/pods that has not been registered");
        assert_eq!(refusal("apps"), "runtime-config invalid key apps");
        assert!(refusal("apps/v1=on").contains("is not a boolean"));
    }
}

//! Feature gates: which of upstream's features are on (KEP-2528 and `--feature-gates`).
//!
//! A gate is a line of `gates.txt`. A row of the resource table names the gate that it needs
//! ([`Resource::gate`](crate::Resource::gate)); code that does something only with a gate asks [`FeatureGates::enabled`].
//! Setting a gate that nothing here looks at yet is allowed, so that flags written for upstream keep working.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// How far a feature has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Off by default, may go away.
    Alpha,
    /// Mostly on by default.
    Beta,
    /// Here to stay.
    Ga,
    /// Going away.
    Deprecated,
}

/// A gate as upstream defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// Its name.
    pub name: &'static str,
    /// How far the feature has come.
    pub stage: Stage,
    /// Whether it is on if nobody says otherwise.
    pub default: bool,
    /// Whether that cannot be changed.
    pub locked: bool,
}

/// A gate cannot be set so; the texts are upstream's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeatureGateError {
    /// There is no such gate.
    #[error("unrecognized feature gate: {0}")]
    Unrecognized(String),
    /// The value is missing.
    #[error("missing bool value for {0}")]
    Missing(String),
    /// The value is neither true nor false.
    #[error("invalid value of {name}={value}, err: strconv.ParseBool: parsing {value:?}: invalid syntax")]
    Invalid {
        /// The gate.
        name: String,
        /// What was given.
        value: String,
    },
    /// The gate cannot be changed.
    #[error("cannot set feature gate {name} to {wanted}, feature is locked to {locked}")]
    Locked {
        /// The gate.
        name: String,
        /// What was wanted.
        wanted: bool,
        /// What it is.
        locked: bool,
    },
}

/// Which gates are on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeatureGates {
    /// All gates of a stage, as `AllAlpha` and `AllBeta` have it.
    alpha: Option<bool>,
    beta: Option<bool>,
    /// Single gates, which win.
    set: BTreeMap<&'static str, bool>,
}

static GATES: LazyLock<BTreeMap<&'static str, Gate>> = LazyLock::new(|| {
    let lines = include_str!("gates.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(gate).map(|gate| (gate.name, gate)).collect()
});

fn gate(line: &'static str) -> Option<Gate> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let stage = match words.next()? {
        "alpha" => Stage::Alpha,
        "beta" => Stage::Beta,
        "ga" => Stage::Ga,
        _ => Stage::Deprecated,
    };
    Some(Gate { name, stage, default: words.next()? == "true", locked: words.next() == Some("locked") })
}

// === impl FeatureGates ===

impl FeatureGates {
    /// Reads settings as `--feature-gates` takes them: `NAME=true` or `NAME=false`, each.
    ///
    /// # Errors
    /// The first setting that cannot be.
    pub fn parse<'a>(settings: impl IntoIterator<Item = &'a str>) -> Result<Self, FeatureGateError> {
        let mut gates = Self::default();
        for setting in settings.into_iter().map(str::trim).filter(|setting| !setting.is_empty()) {
            let (name, value) =
                setting.split_once('=').ok_or_else(|| FeatureGateError::Missing(setting.to_owned()))?;
            let (name, value) = (name.trim(), value.trim());
            let on = boolean(value).ok_or_else(|| FeatureGateError::Invalid {
                name: name.to_owned(),
                value: value.to_owned(),
            })?;
            gates.set(name, on)?;
        }
        Ok(gates)
    }

    fn set(&mut self, name: &str, on: bool) -> Result<(), FeatureGateError> {
        match name {
            "AllAlpha" => self.alpha = Some(on),
            "AllBeta" => self.beta = Some(on),
            _ => {
                let gate = GATES.get(name).ok_or_else(|| FeatureGateError::Unrecognized(name.to_owned()))?;
                if gate.locked && gate.default != on {
                    let (name, locked) = (name.to_owned(), gate.default);
                    return Err(FeatureGateError::Locked { name, wanted: on, locked });
                }
                self.set.insert(gate.name, on);
            }
        }
        Ok(())
    }

    /// Whether a gate is on; one that does not exist is off.
    pub fn enabled(&self, name: &str) -> bool {
        GATES.get(name).is_some_and(|gate| self.state(gate))
    }

    /// Every gate, and whether it is on.
    pub fn all(&self) -> impl Iterator<Item = (&'static Gate, bool)> + '_ {
        GATES.values().map(|gate| (gate, self.state(gate)))
    }

    fn state(&self, gate: &Gate) -> bool {
        let of_stage = match gate.stage {
            Stage::Alpha => self.alpha,
            Stage::Beta => self.beta,
            Stage::Ga | Stage::Deprecated => None,
        };
        self.set.get(gate.name).copied().or(of_stage).unwrap_or(gate.default)
    }
}

impl Stage {
    /// As the metric `kubernetes_feature_enabled` names it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Alpha => "ALPHA",
            Self::Beta => "BETA",
            Self::Ga => "",
            Self::Deprecated => "DEPRECATED",
        }
    }
}

/// What Go's `strconv.ParseBool` takes.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gates(text: &str) -> Result<FeatureGates, String> {
        FeatureGates::parse(text.split(',')).map_err(|e| e.to_string())
    }

    #[test]
    fn single_gates_win_over_their_stage_and_that_over_defaults() {
        let gates = gates("AllAlpha=true,HPAScaleToZero=false,AllBeta=false,WatchList=true").unwrap();
        assert!(gates.enabled("GangScheduling") && !gates.enabled("HPAScaleToZero"));
        assert!(!gates.enabled("EnvFiles") && gates.enabled("WatchList"));
        assert!(gates.enabled("SidecarContainers") && !gates.enabled("NoSuchThing"));
    }

    #[test]
    fn what_cannot_be_set_is_told_in_upstreams_words() {
        let refusal = |text| gates(text).unwrap_err();
        assert_eq!(refusal("Sidecars=true"), "unrecognized feature gate: Sidecars");
        assert_eq!(refusal("WatchList"), "missing bool value for WatchList");
        assert!(refusal("WatchList=yes").starts_with("invalid value of WatchList=yes, err: "));
        assert_eq!(
            refusal("SidecarContainers=false"),
            "cannot set feature gate SidecarContainers to false, feature is locked to true"
        );
        assert!(gates("SidecarContainers=true").is_ok());
    }

    #[test]
    fn every_line_is_a_gate_and_stages_mean_what_they_say() {
        let lines = include_str!("gates.txt").lines().filter(|line| !line.starts_with('#'));
        assert_eq!(lines.count(), GATES.len());
        for gate in GATES.values() {
            assert!(gate.stage != Stage::Alpha || !gate.default, "{gate:?}");
            assert!(gate.stage != Stage::Ga || (gate.default && gate.locked), "{gate:?}");
        }
    }
}

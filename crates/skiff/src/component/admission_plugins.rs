//! Which admission plugins run: the default ones, with what `--enable-admission-plugins` and `--disable-admission-plugins`
//! change.

use anyhow::{Result, bail};
use skiff_apiserver::admission::{self, ALL_ORDERED_PLUGINS, Plugin, PluginInitializer};
use std::sync::Arc;

/// Names of upstream's plugins that are not built yet, so that a flag that names one is not taken for a slip.
const TO_COME: &[&str] = &[
    "EventRateLimit",
    "ImagePolicyWebhook",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "NodeDeclaredFeatureValidator",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
];

/// The choice of plugins.
#[derive(Debug, Clone, Default)]
pub(crate) struct AdmissionPlugins {
    enabled: Vec<String>,
    disabled: Vec<String>,
}

impl AdmissionPlugins {
    /// From the two flags.
    pub(crate) fn choose(enabled: &[String], disabled: Vec<String>) -> Result<Self> {
        for (flag, names) in [("enable", enabled), ("disable", disabled.as_slice())] {
            for name in names {
                if ALL_ORDERED_PLUGINS.iter().any(|plugin| plugin.name == name) {
                    continue;
                }
                // What is not there need not be turned off.
                if !TO_COME.contains(&name.as_str()) {
                    bail!("{flag}-admission-plugins plugin \"{name}\" is unknown");
                }
                if flag == "enable" {
                    bail!("enable-admission-plugins plugin \"{name}\" is not part of this version yet");
                }
            }
        }
        if let Some(name) = enabled.iter().find(|name| disabled.contains(name)) {
            bail!("{name} in enable-admission-plugins and disable-admission-plugins overlapped");
        }
        Ok(Self { enabled: enabled.to_vec(), disabled })
    }

    /// The plugins, in upstream's order.
    pub(crate) fn chain(&self, with: &PluginInitializer) -> Vec<Arc<dyn Plugin>> {
        admission::chain(with, |plugin| self.runs(plugin.name, plugin.default_on))
    }

    fn runs(&self, name: &str, default_on: bool) -> bool {
        let names = |list: &[String]| list.iter().any(|listed| listed == name);
        (default_on || names(&self.enabled)) && !names(&self.disabled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(enabled: &[&str], disabled: &[&str]) -> String {
        let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        AdmissionPlugins::choose(&names(enabled), names(disabled))
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn a_plugin_runs_if_it_is_a_default_one_or_enabled_and_not_disabled() {
        let (enabled, disabled) = (["AlwaysPullImages".to_owned()], vec!["Priority".to_owned()]);
        let plugins = AdmissionPlugins::choose(&enabled, disabled).unwrap();
        let running: Vec<&str> = ALL_ORDERED_PLUGINS
            .iter()
            .filter(|plugin| plugins.runs(plugin.name, plugin.default_on))
            .map(|plugin| plugin.name)
            .collect();
        for name in ["NamespaceLifecycle", "NodeRestriction", "AlwaysPullImages"] {
            assert!(running.contains(&name), "{name}");
        }
        for name in ["Priority", "AlwaysDeny"] {
            assert!(!running.contains(&name), "{name}");
        }
    }

    #[test]
    fn only_what_is_there_can_be_turned_on() {
        assert_eq!(refusal(&["NodeRestriction"], &["Priority", "LimitRanger"]), "");
        assert_eq!(refusal(&["Nodes"], &[]), "enable-admission-plugins plugin \"Nodes\" is unknown");
        assert_eq!(refusal(&[], &["Nodes"]), "disable-admission-plugins plugin \"Nodes\" is unknown");
        assert!(refusal(&["ImagePolicyWebhook"], &[]).contains("not part of this version yet"));
        assert!(refusal(&["Priority"], &["Priority"]).contains("overlapped"));
    }
}

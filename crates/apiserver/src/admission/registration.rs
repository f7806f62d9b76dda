//! How a plugin is registered, and what it is made from.

use super::Plugin;
use super::owner_references_permission_enforcement::RestMapper;
use crate::authorization::Authorizer;
use crate::authorization::escalation::Escalation;
use crate::authorization::rbac::Rbac;
use crate::objects::Objects;
use crate::own_door::OwnDoor;
use skiff_api::FeatureGates;
use skiff_apimachinery::time::Clock;
use std::sync::Arc;

/// What plugins are made from.
pub struct PluginInitializer {
    /// Current objects.
    pub objects: Arc<dyn Objects>,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// Which rules users hold, for the check of what roles grant.
    pub rbac: Arc<Rbac>,
    /// Which resource holds the objects of a kind.
    pub mapper: Arc<dyn RestMapper>,
    /// The server that the plugins become part of.
    pub own_door: Arc<OwnDoor>,
    /// Which features are on.
    pub features: FeatureGates,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

type Make = fn(&PluginInitializer) -> Arc<dyn Plugin>;

/// A plugin that can be chosen.
pub struct Registration {
    /// Upstream's plugin name.
    pub name: &'static str,
    /// Whether it runs if nobody says otherwise.
    pub default_on: bool,
    gate: Option<&'static str>,
    make: Make,
}

// === impl PluginInitializer ===

impl PluginInitializer {
    pub(super) fn objects(&self) -> Arc<dyn Objects> {
        Arc::clone(&self.objects)
    }

    pub(super) fn authorizer(&self) -> Arc<dyn Authorizer> {
        Arc::clone(&self.authorizer)
    }

    pub(super) fn mapper(&self) -> Arc<dyn RestMapper> {
        Arc::clone(&self.mapper)
    }

    pub(super) fn own_door(&self) -> Arc<OwnDoor> {
        Arc::clone(&self.own_door)
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    pub(super) fn escalation(&self) -> Escalation {
        Escalation { rbac: Arc::clone(&self.rbac), authorizer: self.authorizer(), objects: self.objects() }
    }
}

// === impl Registration ===

impl Registration {
    /// Runs unless it is turned off.
    pub(super) const fn on(name: &'static str, make: Make) -> Self {
        Self { name, default_on: true, gate: None, make }
    }

    /// Runs only if it is turned on.
    pub(super) const fn off(name: &'static str, make: Make) -> Self {
        Self { name, default_on: false, gate: None, make }
    }

    /// Does nothing without the feature gate.
    pub(super) const fn gated(mut self, gate: &'static str) -> Self {
        self.gate = Some(gate);
        self
    }

    /// The plugin; `None` if its feature is off.
    pub(super) fn make(&self, with: &PluginInitializer) -> Option<Arc<dyn Plugin>> {
        let active = self.gate.is_none_or(|gate| with.features.enabled(gate));
        active.then(|| (self.make)(with))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::{ALL_ORDERED_PLUGINS, chain, testing};
    use crate::authorization::always::AlwaysAllow;
    use crate::table::Table;

    fn initializer(features: &str) -> PluginInitializer {
        let objects = testing::objects(Vec::new());
        PluginInitializer {
            rbac: Arc::new(Rbac::new(Arc::clone(&objects))),
            objects,
            authorizer: Arc::new(AlwaysAllow),
            mapper: Arc::new(Table::new(Vec::new())),
            own_door: Arc::default(),
            features: FeatureGates::parse(features.split(',')).unwrap(),
            clock: Arc::new(skiff_apimachinery::time::SystemClock),
        }
    }

    fn names(features: &str, chosen: impl Fn(&Registration) -> bool) -> Vec<&'static str> {
        chain(&initializer(features), chosen).iter().map(|plugin| plugin.name()).collect()
    }

    #[test]
    fn plugins_are_registered_under_their_names_and_once() {
        let mut registered: Vec<&str> = ALL_ORDERED_PLUGINS.iter().map(|plugin| plugin.name).collect();
        registered.push("RBACEscalation");
        assert_eq!(names("ClusterTrustBundle=true", |_| true), registered);
        registered.sort_unstable();
        registered.dedup();
        assert_eq!(registered.len(), ALL_ORDERED_PLUGINS.len() + 1);
    }

    #[test]
    fn a_plugin_whose_feature_is_off_does_not_run() {
        let chosen = |plugin: &Registration| plugin.name == "PodTopologyLabels";
        assert_eq!(names("", chosen), ["PodTopologyLabels", "RBACEscalation"]);
        assert_eq!(names("PodTopologyLabelsAdmission=false", chosen), ["RBACEscalation"]);
    }
}

//! Which admission plugins run: the default ones, with what `--enable-admission-plugins` and `--disable-admission-plugins`
//! change.

use anyhow::{Result, bail};
use skiff_apiserver::admission::{self, Plugin};
use skiff_apiserver::authorization::escalation::Escalation;
use skiff_apiserver::objects::Objects;
use std::sync::Arc;

/// Names of upstream's plugins that are not built yet, so that a flag that names one is not taken for a slip.
const TO_COME: &[&str] = &[
    "AlwaysAdmit",
    "AlwaysDeny",
    "AlwaysPullImages",
    "CertificateApproval",
    "CertificateSigning",
    "CertificateSubjectRestriction",
    "ClusterTrustBundleAttest",
    "DefaultIngressClass",
    "DefaultStorageClass",
    "DenyServiceExternalIPs",
    "EventRateLimit",
    "ExtendedResourceToleration",
    "ImagePolicyWebhook",
    "LimitPodHardAntiAffinityTopology",
    "LimitRanger",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "NamespaceAutoProvision",
    "NamespaceExists",
    "NodeDeclaredFeatureValidator",
    "OwnerReferencesPermissionEnforcement",
    "PersistentVolumeClaimResize",
    "PodNodeSelector",
    "PodSecurity",
    "PodTolerationRestriction",
    "PodTopologyLabels",
    "ResourceQuota",
    "RuntimeClass",
    "StorageObjectInUseProtection",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
];
/// The plugins that are built; all of them are on by default.
const BUILT: &[&str] = &[
    "DefaultTolerationSeconds",
    "NamespaceLifecycle",
    "NodeRestriction",
    "Priority",
    "ServiceAccount",
    "TaintNodesByCondition",
];

/// The choice of plugins.
#[derive(Debug, Clone, Default)]
pub(crate) struct AdmissionPlugins {
    disabled: Vec<String>,
}

impl AdmissionPlugins {
    /// From the two flags.
    pub(crate) fn choose(enabled: &[String], disabled: Vec<String>) -> Result<Self> {
        for (flag, names) in [("enable", enabled), ("disable", disabled.as_slice())] {
            for name in names {
                if BUILT.contains(&name.as_str()) {
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
        Ok(Self { disabled })
    }

    /// The plugins, in upstream's order.
    pub(crate) fn chain(&self, objects: &Arc<dyn Objects>, escalation: Escalation) -> Vec<Arc<dyn Plugin>> {
        let mut chain = admission::default_chain(objects, escalation);
        chain.retain(|plugin| !self.disabled.iter().any(|name| name == plugin.name()));
        chain
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
    fn only_what_is_there_can_be_turned_on() {
        assert_eq!(refusal(&["NodeRestriction"], &["Priority", "LimitRanger"]), "");
        assert_eq!(refusal(&["Nodes"], &[]), "enable-admission-plugins plugin \"Nodes\" is unknown");
        assert_eq!(refusal(&[], &["Nodes"]), "disable-admission-plugins plugin \"Nodes\" is unknown");
        assert!(refusal(&["PodSecurity"], &[]).contains("not part of this version yet"));
        assert!(refusal(&["Priority"], &["Priority"]).contains("overlapped"));
    }
}

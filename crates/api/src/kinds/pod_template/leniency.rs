//! Rules that came after objects which break them: an object that broke one may go on doing so.

use super::{affinity, annotations, container, given, resources, security, spread, volume};
use skiff_apimachinery::Document;

/// Which rules a changed object may break because it did so before.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Leniency {
    /// Deletion costs that are no number.
    pub(super) deletion_costs: bool,
    /// Values in the selectors of pod affinity that no label can have.
    pub(super) affinity_selectors: bool,
    /// Values in required node affinity that no label can have.
    pub(super) node_affinity_values: bool,
    /// Amounts of huge pages that are no multiple of the page.
    pub(super) huge_page_amounts: bool,
    /// Broken selectors in topology spread constraints.
    pub(super) spread_selectors: bool,
    /// Label keys of spread constraints that their selectors hold too.
    pub(super) spread_label_keys: bool,
    /// Paths of projected tokens that lead out of the volume.
    pub(super) token_paths: bool,
    /// Sysctls of namespaces that the pod shares with its host.
    pub(super) host_sysctls: bool,
    /// Every policy about SELinux labels.
    pub(super) selinux_policies: bool,
    /// Block devices in a user namespace.
    pub(super) user_namespace_devices: bool,
}

impl Leniency {
    /// Leniency towards a pod or template that is being changed.
    pub(crate) fn towards(old: &Document) -> Self {
        static EMPTY: Document = Document::NULL;
        let spec = old.get("spec").unwrap_or(&EMPTY);
        Self {
            deletion_costs: !annotations::has_deletion_cost(old),
            affinity_selectors: affinity::has_invalid_selector(spec),
            node_affinity_values: affinity::has_invalid_node_value(spec),
            huge_page_amounts: resources::has_indivisible_huge_pages(spec),
            spread_selectors: spread::has_invalid_selector(spec),
            spread_label_keys: spread::has_invalid_label_keys(spec),
            token_paths: volume::has_wild_token_path(spec),
            host_sysctls: security::has_host_sysctl(spec),
            selinux_policies: spec
                .get("securityContext")
                .is_some_and(|context| given(context, "seLinuxChangePolicy").is_some()),
            user_namespace_devices: spec.bool_at(&["hostUsers"]) == Some(false)
                && container::any(spec, |container| !container.array_at(&["volumeDevices"]).is_empty()),
        }
    }
}

//! What happens to a write between decoding and storing: plugins that change the object, then plugins that judge it.
//!
//! An async chain on Documents that sees the old object. Mutating plugins run in upstream's order and can be run again
//! (they are idempotent) when a later one changed the object; validating plugins run last.

pub mod always_admit;
pub mod always_deny;
pub mod always_pull_images;
pub mod certificate_approval;
pub mod certificate_signing;
pub mod certificate_subject_restriction;
pub mod cluster_trust_bundle_attest;
mod default_class;
pub mod default_ingress_class;
pub mod default_storage_class;
pub mod default_toleration_seconds;
pub mod deny_service_external_ips;
pub mod extended_resource_toleration;
pub mod limit_pod_hard_anti_affinity_topology;
pub mod limit_ranger;
pub mod namespace_auto_provision;
pub mod namespace_exists;
pub mod namespace_lifecycle;
pub mod node_restriction;
pub mod owner_references_permission_enforcement;
pub mod persistent_volume_claim_resize;
pub mod pod_node_selector;
pub mod pod_security;
pub mod pod_toleration_restriction;
pub mod pod_topology_labels;
pub mod priority;
pub mod rbac_escalation;
mod registration;
pub mod resource_quota;
pub mod runtime_class;
pub mod service_account;
mod signers;
pub mod storage_object_in_use_protection;
pub mod taint_nodes_by_condition;
#[cfg(test)]
mod testing;
mod tolerations;

pub use registration::{PluginInitializer, Registration};

use crate::authentication::UserInfo;
use futures::future::BoxFuture;
use skiff_api::Resource;
use skiff_apimachinery::{Document, Reason, Status};
use std::sync::Arc;

/// Which kind of write is being admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A new object.
    Create,
    /// A changed object.
    Update,
    /// A removal.
    Delete,
    /// exec, attach, port-forward, proxy.
    Connect,
}

/// A write on its way.
pub struct Request<'a> {
    /// The row of the (parent) resource.
    pub resource: &'a Resource,
    /// The subresource; empty for the object itself.
    pub subresource: &'a str,
    /// What is done.
    pub operation: Operation,
    /// Namespace; empty for cluster scope.
    pub namespace: &'a str,
    /// Name; empty while generateName is not resolved.
    pub name: &'a str,
    /// The generateName of an object without a name, for messages.
    pub generate_name: String,
    /// Who does it.
    pub user: &'a UserInfo,
    /// The object as it is now; `None` for creations.
    pub old: Option<&'a Document>,
    /// Whether nothing will be stored.
    pub dry_run: bool,
    /// Texts for `Warning` headers; plugins add to them.
    pub warnings: Vec<String>,
}

/// One admission plugin, named as upstream names it.
///
/// To add one: a file in this folder with a struct that implements this trait, and a line in
/// [`ALL_ORDERED_PLUGINS`].
pub trait Plugin: Send + Sync + 'static {
    /// Upstream's plugin name, such as `NamespaceLifecycle`.
    fn name(&self) -> &'static str;

    /// May change the object (defaulting, filling in). Null for deletions.
    fn admit<'a>(
        &'a self,
        _request: &'a mut Request<'_>,
        _object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// May refuse the object as it will be stored. Null for deletions.
    fn validate<'a>(
        &'a self,
        _request: &'a mut Request<'_>,
        _object: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Request<'_> {
    /// Whether the write is about this resource of a group itself, not about a subresource.
    pub fn is(&self, group: &str, resource: &str) -> bool {
        self.subresource.is_empty() && self.resource.gvk.group == group && self.resource.plural == resource
    }

    /// 403 in upstream's words: `pods "x" is forbidden: why`. An object that has no name yet is named by what its name will
    /// begin with.
    pub fn forbidden(&self, why: &str) -> Status {
        let names = [self.name, &self.generate_name, "Unknown"];
        let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        Status::forbidden(&self.resource.group_resource(), name, why)
    }
}

/// 500 with this text alone: what upstream's server makes of an error that carries no Status.
fn plain_error(message: &str) -> Status {
    Status::new(500, Reason::Unknown, message)
}

/// The plugins in upstream's order (`AllOrderedPlugins`), with those that run if nobody says otherwise.
pub const ALL_ORDERED_PLUGINS: &[Registration] = &[
    Registration::off("AlwaysAdmit", |_| Arc::new(always_admit::AlwaysAdmit)),
    Registration::off("NamespaceAutoProvision", |with| {
        Arc::new(namespace_auto_provision::NamespaceAutoProvision::new(with.objects(), with.own_door()))
    }),
    Registration::on("NamespaceLifecycle", |with| {
        Arc::new(namespace_lifecycle::NamespaceLifecycle::new(with.objects()))
    }),
    Registration::off("NamespaceExists", |with| {
        Arc::new(namespace_exists::NamespaceExists::new(with.objects()))
    }),
    Registration::off("LimitPodHardAntiAffinityTopology", |_| {
        Arc::new(limit_pod_hard_anti_affinity_topology::LimitPodHardAntiAffinityTopology)
    }),
    Registration::on("LimitRanger", |with| Arc::new(limit_ranger::LimitRanger::new(with.objects()))),
    Registration::on("ServiceAccount", |with| Arc::new(service_account::ServiceAccount::new(with.objects()))),
    // Off in upstream, where every installer turns it on: kubelets are not to be trusted with other nodes.
    Registration::on("NodeRestriction", |with| {
        Arc::new(node_restriction::NodeRestriction::new(with.objects()))
    }),
    Registration::on("TaintNodesByCondition", |_| Arc::new(taint_nodes_by_condition::TaintNodesByCondition)),
    Registration::off("AlwaysPullImages", |_| Arc::new(always_pull_images::AlwaysPullImages)),
    Registration::on("PodSecurity", |with| Arc::new(pod_security::PodSecurity::new(with.objects()))),
    Registration::off("PodNodeSelector", |with| {
        Arc::new(pod_node_selector::PodNodeSelector::new(with.objects()))
    }),
    Registration::on("Priority", |with| Arc::new(priority::Priority::new(with.objects()))),
    Registration::on("DefaultTolerationSeconds", |_| {
        Arc::new(default_toleration_seconds::DefaultTolerationSeconds)
    }),
    Registration::off("PodTolerationRestriction", |with| {
        Arc::new(pod_toleration_restriction::PodTolerationRestriction::new(with.objects()))
    }),
    Registration::off("ExtendedResourceToleration", |_| {
        Arc::new(extended_resource_toleration::ExtendedResourceToleration)
    }),
    Registration::on("DefaultStorageClass", |with| {
        Arc::new(default_storage_class::DefaultStorageClass::new(with.objects()))
    }),
    Registration::on("StorageObjectInUseProtection", |_| {
        Arc::new(storage_object_in_use_protection::StorageObjectInUseProtection)
    }),
    Registration::off("OwnerReferencesPermissionEnforcement", |with| {
        Arc::new(owner_references_permission_enforcement::OwnerReferencesPermissionEnforcement::new(
            with.authorizer(),
            with.mapper(),
        ))
    }),
    Registration::on("PersistentVolumeClaimResize", |with| {
        Arc::new(persistent_volume_claim_resize::PersistentVolumeClaimResize::new(with.objects()))
    }),
    Registration::on("RuntimeClass", |with| Arc::new(runtime_class::RuntimeClass::new(with.objects()))),
    Registration::on("CertificateApproval", |with| {
        Arc::new(certificate_approval::CertificateApproval::new(with.authorizer()))
    }),
    Registration::on("CertificateSigning", |with| {
        Arc::new(certificate_signing::CertificateSigning::new(with.authorizer()))
    }),
    Registration::on("ClusterTrustBundleAttest", |with| {
        Arc::new(cluster_trust_bundle_attest::ClusterTrustBundleAttest::new(with.authorizer()))
    })
    .gated("ClusterTrustBundle"),
    Registration::on("CertificateSubjectRestriction", |_| {
        Arc::new(certificate_subject_restriction::CertificateSubjectRestriction)
    }),
    Registration::on("DefaultIngressClass", |with| {
        Arc::new(default_ingress_class::DefaultIngressClass::new(with.objects()))
    }),
    Registration::off("DenyServiceExternalIPs", |_| {
        Arc::new(deny_service_external_ips::DenyServiceExternalIPs)
    }),
    Registration::on("PodTopologyLabels", |with| {
        Arc::new(pod_topology_labels::PodTopologyLabels::new(with.objects()))
    })
    .gated("PodTopologyLabelsAdmission"),
    Registration::on("ResourceQuota", |with| {
        Arc::new(resource_quota::ResourceQuota::new(with.objects(), with.own_door(), with.clock()))
    }),
    Registration::off("AlwaysDeny", |_| Arc::new(always_deny::AlwaysDeny)),
];

/// The chosen plugins in order, and the check of what roles grant, which upstream has in their storage: it always runs.
pub fn chain(with: &PluginInitializer, chosen: impl Fn(&Registration) -> bool) -> Vec<Arc<dyn Plugin>> {
    let mut chain: Vec<Arc<dyn Plugin>> = ALL_ORDERED_PLUGINS
        .iter()
        .filter(|plugin| chosen(plugin))
        .filter_map(|plugin| plugin.make(with))
        .collect();
    chain.push(Arc::new(rbac_escalation::RbacEscalation::new(with.escalation())));
    chain
}

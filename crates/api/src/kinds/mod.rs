//! The built-in kinds: what each adds to the generated facts.
//!
//! To add a kind: a file here with a unit struct that implements [`Strategy`], and an [`Entry`] in [`ENTRIES`]; the
//! reference document (through `cargo xtask codegen`) brings its verbs, subresources and schema.

mod admission_policy;
mod admission_rules;
mod api_service;
mod cells;
mod certificate_signing_request;
mod cluster_trust_bundle;
mod component_status;
mod conditions;
mod config_map;
mod controller_revision;
mod cron_job;
mod csi_driver;
mod csi_node;
mod csi_storage_capacity;
pub mod custom_resource_definition;
mod daemon_set;
mod deployment;
mod device_class;
mod device_taint_rule;
mod devices;
mod difference;
mod endpoint_slice;
mod endpoints;
mod event;
mod flow_control;
mod flow_schema;
mod horizontal_pod_autoscaler;
mod ingress;
mod ingress_class;
mod internal_form;
mod ip_address;
mod job;
mod lease;
mod lease_candidate;
mod limit_range;
pub mod namespace;
mod network_policy;
mod node;
mod node_selector;
mod persistent_volume;
mod persistent_volume_claim;
mod plain;
pub(crate) mod pod;
mod pod_certificate_request;
mod pod_disruption_budget;
mod pod_template;
mod pod_template_object;
pub mod priority_class;
mod priority_level_configuration;
mod replica_set;
mod replication_controller;
mod resource_claim;
mod resource_quota;
mod resource_slice;
mod role;
mod role_binding;
mod runtime_class;
mod secret;
mod semantic_version;
pub mod service;
mod service_account;
mod service_cidr;
mod stateful_set;
mod storage_class;
mod storage_version;
mod storage_version_migration;
mod volume_attachment;
mod volume_attributes_class;
mod webhook_configuration;
mod workload;

use crate::{Conversion, Strategy};
use admission_policy::{AdmissionPolicy, AdmissionPolicyBinding};
use api_service::ApiService;
use certificate_signing_request::CertificateSigningRequest;
use cluster_trust_bundle::ClusterTrustBundle;
use component_status::ComponentStatus;
use config_map::ConfigMap;
use controller_revision::ControllerRevision;
use cron_job::CronJob;
use csi_driver::CsiDriver;
use csi_node::CsiNode;
use csi_storage_capacity::CsiStorageCapacity;
use custom_resource_definition::CustomResourceDefinition;
use daemon_set::DaemonSet;
use deployment::Deployment;
use device_class::DeviceClass;
use device_taint_rule::DeviceTaintRule;
use endpoint_slice::EndpointSlice;
use endpoints::Endpoints;
use event::Event;
use flow_schema::FlowSchema;
use horizontal_pod_autoscaler::HorizontalPodAutoscaler;
use ingress::Ingress;
use ingress_class::IngressClass;
use ip_address::IpAddress;
use job::Job;
use lease::Lease;
use lease_candidate::LeaseCandidate;
use limit_range::LimitRange;
use namespace::Namespace;
use network_policy::NetworkPolicy;
use node::Node;
use persistent_volume::PersistentVolume;
use persistent_volume_claim::PersistentVolumeClaim;
use plain::Plain;
use pod::Pod;
use pod_certificate_request::PodCertificateRequest;
use pod_disruption_budget::PodDisruptionBudget;
use pod_template_object::PodTemplate;
use priority_class::PriorityClass;
use priority_level_configuration::PriorityLevelConfiguration;
use replica_set::ReplicaSet;
use replication_controller::ReplicationController;
use resource_claim::{ResourceClaim, ResourceClaimTemplate};
use resource_quota::ResourceQuota;
use resource_slice::ResourceSlice;
use role::Role;
use role_binding::RoleBinding;
use runtime_class::RuntimeClass;
use secret::Secret;
use service::Service;
use service_account::ServiceAccount;
use service_cidr::ServiceCidr;
use skiff_apimachinery::{Document, GroupVersionKind};
use stateful_set::StatefulSet;
use std::sync::Arc;
use storage_class::StorageClass;
use storage_version::StorageVersion;
use storage_version_migration::StorageVersionMigration;
use volume_attachment::VolumeAttachment;
use volume_attributes_class::VolumeAttributesClass;
use webhook_configuration::WebhookConfiguration;

/// What a kind adds to the generated facts; the same in all its versions.
pub(crate) struct Entry {
    pub(crate) group: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) short_names: &'static [&'static str],
    pub(crate) categories: &'static [&'static str],
    pub(crate) strategy: fn() -> Arc<dyn Strategy>,
}

const fn entry_of(
    group: &'static str,
    plural: &'static str,
    short_names: &'static [&'static str],
    strategy: fn() -> Arc<dyn Strategy>,
) -> Entry {
    Entry { group, plural, short_names, categories: &[], strategy }
}

impl Entry {
    const fn in_all(mut self) -> Self {
        self.categories = &["all"];
        self
    }

    const fn in_api_extensions(mut self) -> Self {
        self.categories = &["api-extensions"];
        self
    }
}

const ADMISSION: &str = "admissionregistration.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";
const FLOW: &str = "flowcontrol.apiserver.k8s.io";

/// All built-in kinds.
const ENTRIES: &[Entry] = &[
    entry_of("", "bindings", &[], || Arc::new(Plain::new())),
    entry_of("", "componentstatuses", &["cs"], || Arc::new(ComponentStatus)),
    entry_of("", "configmaps", &["cm"], || Arc::new(ConfigMap)),
    entry_of("", "endpoints", &["ep"], || Arc::new(Endpoints)),
    entry_of("", "events", &["ev"], || Arc::new(Event::Core)),
    entry_of("", "limitranges", &["limits"], || Arc::new(LimitRange)),
    entry_of("", "namespaces", &["ns"], || Arc::new(Namespace)),
    entry_of("", "nodes", &["no"], || Arc::new(Node)),
    entry_of("", "persistentvolumeclaims", &["pvc"], || Arc::new(PersistentVolumeClaim)),
    entry_of("", "persistentvolumes", &["pv"], || Arc::new(PersistentVolume)),
    entry_of("", "pods", &["po"], || Arc::new(Pod)).in_all(),
    entry_of("", "podtemplates", &[], || Arc::new(PodTemplate)),
    entry_of("", "replicationcontrollers", &["rc"], || Arc::new(ReplicationController)).in_all(),
    entry_of("", "resourcequotas", &["quota"], || Arc::new(ResourceQuota)),
    entry_of("", "secrets", &[], || Arc::new(Secret)),
    entry_of("", "serviceaccounts", &["sa"], || Arc::new(ServiceAccount)),
    entry_of("", "services", &["svc"], || Arc::new(Service)).in_all(),
    entry_of(ADMISSION, "mutatingadmissionpolicies", &[], || Arc::new(AdmissionPolicy::Mutating))
        .in_api_extensions(),
    entry_of(ADMISSION, "mutatingadmissionpolicybindings", &[], || {
        Arc::new(AdmissionPolicyBinding::Mutating)
    })
    .in_api_extensions(),
    entry_of(ADMISSION, "mutatingwebhookconfigurations", &[], || Arc::new(WebhookConfiguration::Mutating))
        .in_api_extensions(),
    entry_of(ADMISSION, "validatingadmissionpolicies", &[], || Arc::new(AdmissionPolicy::Validating))
        .in_api_extensions(),
    entry_of(ADMISSION, "validatingadmissionpolicybindings", &[], || {
        Arc::new(AdmissionPolicyBinding::Validating)
    })
    .in_api_extensions(),
    entry_of(ADMISSION, "validatingwebhookconfigurations", &[], || {
        Arc::new(WebhookConfiguration::Validating)
    })
    .in_api_extensions(),
    entry_of("apiextensions.k8s.io", "customresourcedefinitions", &["crd", "crds"], || {
        Arc::new(CustomResourceDefinition)
    })
    .in_api_extensions(),
    entry_of("apiregistration.k8s.io", "apiservices", &[], || Arc::new(ApiService)).in_api_extensions(),
    entry_of("apps", "controllerrevisions", &[], || Arc::new(ControllerRevision)),
    entry_of("apps", "daemonsets", &["ds"], || Arc::new(DaemonSet)).in_all(),
    entry_of("apps", "deployments", &["deploy"], || Arc::new(Deployment)).in_all(),
    entry_of("apps", "replicasets", &["rs"], || Arc::new(ReplicaSet)).in_all(),
    entry_of("apps", "statefulsets", &["sts"], || Arc::new(StatefulSet)).in_all(),
    entry_of("authentication.k8s.io", "selfsubjectreviews", &[], || Arc::new(Plain::new())),
    entry_of("authentication.k8s.io", "tokenreviews", &[], || Arc::new(Plain::new())),
    entry_of("authorization.k8s.io", "localsubjectaccessreviews", &[], || Arc::new(Plain::new())),
    entry_of("authorization.k8s.io", "selfsubjectaccessreviews", &[], || Arc::new(Plain::new())),
    entry_of("authorization.k8s.io", "selfsubjectrulesreviews", &[], || Arc::new(Plain::new())),
    entry_of("authorization.k8s.io", "subjectaccessreviews", &[], || Arc::new(Plain::new())),
    entry_of("autoscaling", "horizontalpodautoscalers", &["hpa"], || Arc::new(HorizontalPodAutoscaler::V2))
        .in_all(),
    entry_of("batch", "cronjobs", &["cj"], || Arc::new(CronJob)).in_all(),
    entry_of("batch", "jobs", &[], || Arc::new(Job)).in_all(),
    entry_of("certificates.k8s.io", "certificatesigningrequests", &["csr"], || {
        Arc::new(CertificateSigningRequest)
    }),
    entry_of("certificates.k8s.io", "clustertrustbundles", &[], || Arc::new(ClusterTrustBundle)),
    entry_of("certificates.k8s.io", "podcertificaterequests", &[], || Arc::new(PodCertificateRequest)),
    entry_of("coordination.k8s.io", "leasecandidates", &[], || Arc::new(LeaseCandidate)),
    entry_of("coordination.k8s.io", "leases", &[], || Arc::new(Lease)),
    entry_of("discovery.k8s.io", "endpointslices", &[], || Arc::new(EndpointSlice)),
    entry_of("events.k8s.io", "events", &["ev"], || Arc::new(Event::Events)),
    entry_of(FLOW, "flowschemas", &[], || Arc::new(FlowSchema)),
    entry_of(FLOW, "prioritylevelconfigurations", &[], || Arc::new(PriorityLevelConfiguration)),
    entry_of("internal.apiserver.k8s.io", "storageversions", &[], || Arc::new(StorageVersion)),
    entry_of("networking.k8s.io", "ingressclasses", &[], || Arc::new(IngressClass)),
    entry_of("networking.k8s.io", "ingresses", &["ing"], || Arc::new(Ingress)),
    entry_of("networking.k8s.io", "ipaddresses", &["ip"], || Arc::new(IpAddress)),
    entry_of("networking.k8s.io", "networkpolicies", &["netpol"], || Arc::new(NetworkPolicy)),
    entry_of("networking.k8s.io", "servicecidrs", &[], || Arc::new(ServiceCidr)),
    entry_of("node.k8s.io", "runtimeclasses", &[], || Arc::new(RuntimeClass)),
    entry_of("policy", "poddisruptionbudgets", &["pdb"], || Arc::new(PodDisruptionBudget)),
    entry_of(RBAC, "clusterrolebindings", &[], || Arc::new(RoleBinding::Cluster)),
    entry_of(RBAC, "clusterroles", &[], || Arc::new(Role::Cluster)),
    entry_of(RBAC, "rolebindings", &[], || Arc::new(RoleBinding::Namespaced)),
    entry_of(RBAC, "roles", &[], || Arc::new(Role::Namespaced)),
    entry_of("resource.k8s.io", "deviceclasses", &[], || Arc::new(DeviceClass)),
    entry_of("resource.k8s.io", "devicetaintrules", &[], || Arc::new(DeviceTaintRule)),
    entry_of("resource.k8s.io", "resourceclaims", &[], || Arc::new(ResourceClaim)),
    entry_of("resource.k8s.io", "resourceclaimtemplates", &[], || Arc::new(ResourceClaimTemplate)),
    entry_of("resource.k8s.io", "resourceslices", &[], || Arc::new(ResourceSlice)),
    entry_of("scheduling.k8s.io", "priorityclasses", &["pc"], || Arc::new(PriorityClass)),
    entry_of("scheduling.k8s.io", "workloads", &[], || Arc::new(Plain::new().with_generation())),
    entry_of("storage.k8s.io", "csidrivers", &[], || Arc::new(CsiDriver)),
    entry_of("storage.k8s.io", "csinodes", &[], || Arc::new(CsiNode)),
    entry_of("storage.k8s.io", "csistoragecapacities", &[], || Arc::new(CsiStorageCapacity)),
    entry_of("storage.k8s.io", "storageclasses", &["sc"], || Arc::new(StorageClass)),
    entry_of("storage.k8s.io", "volumeattachments", &[], || Arc::new(VolumeAttachment)),
    entry_of("storage.k8s.io", "volumeattributesclasses", &["vac"], || Arc::new(VolumeAttributesClass)),
    entry_of("storagemigration.k8s.io", "storageversionmigrations", &[], || {
        Arc::new(StorageVersionMigration)
    }),
];

/// The entry of a group and plural.
pub(crate) fn entry(group: &str, plural: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.group == group && entry.plural == plural)
}

/// The strategy of one version: the entry's, unless the version's fields differ.
pub(crate) fn strategy(entry: &Entry, version: &str) -> Arc<dyn Strategy> {
    match (entry.group, version) {
        ("autoscaling", "v1") => Arc::new(HorizontalPodAutoscaler::V1),
        _ => (entry.strategy)(),
    }
}

/// Versions that are not stored: group, version, kind (any if empty), stored group and version, and how to get there.
const CONVERTED: &[(&str, &str, &str, &str, &str, Conversion)] = &[
    ("autoscaling", "v1", "", "autoscaling", "v2", horizontal_pod_autoscaler::CONVERSION),
    ("events.k8s.io", "v1", "", "", "v1", event::CONVERSION),
    (ADMISSION, "v1alpha1", "", ADMISSION, "v1beta1", SAME),
    ("certificates.k8s.io", "v1alpha1", "", "certificates.k8s.io", "v1beta1", SAME),
    ("coordination.k8s.io", "v1alpha2", "", "coordination.k8s.io", "v1beta1", SAME),
    ("networking.k8s.io", "v1beta1", "", "networking.k8s.io", "v1", SAME),
    ("resource.k8s.io", "v1beta2", "", "resource.k8s.io", "v1", SAME),
    ("resource.k8s.io", "v1beta1", "ResourceClaim", "resource.k8s.io", "v1", resource_claim::CLAIM_V1BETA1),
    (
        "resource.k8s.io",
        "v1beta1",
        "ResourceClaimTemplate",
        "resource.k8s.io",
        "v1",
        resource_claim::TEMPLATE_V1BETA1,
    ),
    ("resource.k8s.io", "v1beta1", "ResourceSlice", "resource.k8s.io", "v1", resource_claim::SLICE_V1BETA1),
    ("resource.k8s.io", "v1beta1", "", "resource.k8s.io", "v1", SAME),
    ("storage.k8s.io", "v1beta1", "", "storage.k8s.io", "v1", SAME),
];

/// Versions of the same shape.
const SAME: Conversion = Conversion { to_hub: |_| (), from_hub: |_| () };

/// The stored version of a kind, and how to get there.
pub(crate) fn hub(kind: &GroupVersionKind) -> (GroupVersionKind, Option<Conversion>) {
    let row = CONVERTED.iter().find(|(group, version, name, ..)| {
        kind.group == *group && kind.version == *version && (name.is_empty() || kind.kind == *name)
    });
    match row {
        Some((_, _, _, group, version, conversion)) => {
            (GroupVersionKind::new(*group, *version, kind.kind.clone()), Some(*conversion))
        }
        None => (kind.clone(), None),
    }
}

/// Fills in the defaults of a pod template.
fn default_template(object: &mut Document, path: &[&str]) {
    if let Some(template) = object.at_mut(path) {
        pod_template::default_template(template);
    }
}

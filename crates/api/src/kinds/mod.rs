//! The built-in kinds: what each adds to the generated facts.
//!
//! To add a kind: a file here with a unit struct that implements [`Strategy`], and an [`Entry`] in [`ENTRIES`]; the
//! reference document (through `cargo xtask codegen`) brings its verbs, subresources and schema.

mod plain;

use crate::{Conversion, Strategy};
use plain::Plain;
use skiff_apimachinery::GroupVersionKind;
use std::sync::Arc;

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

fn plain() -> Arc<dyn Strategy> {
    Arc::new(Plain::new())
}

fn observed() -> Arc<dyn Strategy> {
    Arc::new(Plain::new().with_status().with_generation())
}

fn reported() -> Arc<dyn Strategy> {
    Arc::new(Plain::new().with_status())
}

fn counted() -> Arc<dyn Strategy> {
    Arc::new(Plain::new().with_generation())
}

const ADMISSION: &str = "admissionregistration.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";
const FLOW: &str = "flowcontrol.apiserver.k8s.io";

/// All built-in kinds.
const ENTRIES: &[Entry] = &[
    entry_of("", "bindings", &[], plain),
    entry_of("", "componentstatuses", &["cs"], plain),
    entry_of("", "configmaps", &["cm"], plain),
    entry_of("", "endpoints", &["ep"], plain),
    entry_of("", "events", &["ev"], plain),
    entry_of("", "limitranges", &["limits"], plain),
    entry_of("", "namespaces", &["ns"], reported),
    entry_of("", "nodes", &["no"], reported),
    entry_of("", "persistentvolumeclaims", &["pvc"], reported),
    entry_of("", "persistentvolumes", &["pv"], reported),
    entry_of("", "pods", &["po"], observed).in_all(),
    entry_of("", "podtemplates", &[], plain),
    entry_of("", "replicationcontrollers", &["rc"], observed).in_all(),
    entry_of("", "resourcequotas", &["quota"], reported),
    entry_of("", "secrets", &[], plain),
    entry_of("", "serviceaccounts", &["sa"], plain),
    entry_of("", "services", &["svc"], reported).in_all(),
    entry_of(ADMISSION, "mutatingadmissionpolicies", &[], counted).in_api_extensions(),
    entry_of(ADMISSION, "mutatingadmissionpolicybindings", &[], counted).in_api_extensions(),
    entry_of(ADMISSION, "mutatingwebhookconfigurations", &[], counted).in_api_extensions(),
    entry_of(ADMISSION, "validatingadmissionpolicies", &[], observed).in_api_extensions(),
    entry_of(ADMISSION, "validatingadmissionpolicybindings", &[], counted).in_api_extensions(),
    entry_of(ADMISSION, "validatingwebhookconfigurations", &[], counted).in_api_extensions(),
    entry_of("apiextensions.k8s.io", "customresourcedefinitions", &["crd", "crds"], observed)
        .in_api_extensions(),
    entry_of("apiregistration.k8s.io", "apiservices", &[], reported).in_api_extensions(),
    entry_of("apps", "controllerrevisions", &[], plain),
    entry_of("apps", "daemonsets", &["ds"], observed).in_all(),
    entry_of("apps", "deployments", &["deploy"], observed).in_all(),
    entry_of("apps", "replicasets", &["rs"], observed).in_all(),
    entry_of("apps", "statefulsets", &["sts"], observed).in_all(),
    entry_of("authentication.k8s.io", "selfsubjectreviews", &[], plain),
    entry_of("authentication.k8s.io", "tokenreviews", &[], plain),
    entry_of("authorization.k8s.io", "localsubjectaccessreviews", &[], plain),
    entry_of("authorization.k8s.io", "selfsubjectaccessreviews", &[], plain),
    entry_of("authorization.k8s.io", "selfsubjectrulesreviews", &[], plain),
    entry_of("authorization.k8s.io", "subjectaccessreviews", &[], plain),
    entry_of("autoscaling", "horizontalpodautoscalers", &["hpa"], reported).in_all(),
    entry_of("batch", "cronjobs", &["cj"], observed).in_all(),
    entry_of("batch", "jobs", &[], observed).in_all(),
    entry_of("certificates.k8s.io", "certificatesigningrequests", &["csr"], reported),
    entry_of("certificates.k8s.io", "clustertrustbundles", &[], plain),
    entry_of("certificates.k8s.io", "podcertificaterequests", &[], reported),
    entry_of("coordination.k8s.io", "leasecandidates", &[], plain),
    entry_of("coordination.k8s.io", "leases", &[], plain),
    entry_of("discovery.k8s.io", "endpointslices", &[], counted),
    entry_of("events.k8s.io", "events", &["ev"], plain),
    entry_of(FLOW, "flowschemas", &[], observed),
    entry_of(FLOW, "prioritylevelconfigurations", &[], observed),
    entry_of("internal.apiserver.k8s.io", "storageversions", &[], reported),
    entry_of("networking.k8s.io", "ingressclasses", &[], counted),
    entry_of("networking.k8s.io", "ingresses", &["ing"], observed),
    entry_of("networking.k8s.io", "ipaddresses", &["ip"], plain),
    entry_of("networking.k8s.io", "networkpolicies", &["netpol"], counted),
    entry_of("networking.k8s.io", "servicecidrs", &[], reported),
    entry_of("node.k8s.io", "runtimeclasses", &[], plain),
    entry_of("policy", "poddisruptionbudgets", &["pdb"], observed),
    entry_of(RBAC, "clusterrolebindings", &[], plain),
    entry_of(RBAC, "clusterroles", &[], plain),
    entry_of(RBAC, "rolebindings", &[], plain),
    entry_of(RBAC, "roles", &[], plain),
    entry_of("resource.k8s.io", "deviceclasses", &[], counted),
    entry_of("resource.k8s.io", "devicetaintrules", &[], observed),
    entry_of("resource.k8s.io", "resourceclaims", &[], reported),
    entry_of("resource.k8s.io", "resourceclaimtemplates", &[], plain),
    entry_of("resource.k8s.io", "resourceslices", &[], counted),
    entry_of("scheduling.k8s.io", "priorityclasses", &["pc"], counted),
    entry_of("scheduling.k8s.io", "workloads", &[], counted),
    entry_of("storage.k8s.io", "csidrivers", &[], counted),
    entry_of("storage.k8s.io", "csinodes", &[], plain),
    entry_of("storage.k8s.io", "csistoragecapacities", &[], plain),
    entry_of("storage.k8s.io", "storageclasses", &["sc"], plain),
    entry_of("storage.k8s.io", "volumeattachments", &[], reported),
    entry_of("storage.k8s.io", "volumeattributesclasses", &["vac"], plain),
    entry_of("storagemigration.k8s.io", "storageversionmigrations", &[], reported),
];

/// The entry of a group and plural.
pub(crate) fn entry(group: &str, plural: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.group == group && entry.plural == plural)
}

/// The stored version of a kind, and how to get there.
pub(crate) fn hub(kind: &GroupVersionKind) -> (GroupVersionKind, Option<Conversion>) {
    (kind.clone(), None)
}

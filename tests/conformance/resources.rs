//! The resources that the tests use and the client has no constants for, and objects from YAML.

use skiff_apimachinery::gvk::Str;
use skiff_apimachinery::{Document, yaml as text};
use skiff_client::Resource;

const fn known(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    namespaced: bool,
) -> Resource {
    Resource {
        group: Str::Borrowed(group),
        version: Str::Borrowed(version),
        plural: Str::Borrowed(plural),
        kind: Str::Borrowed(kind),
        namespaced,
    }
}

macro_rules! resources {
    ($($name:ident: $group:literal $plural:literal $kind:literal $namespaced:literal;)*) => {$(
        pub const $name: Resource = known($group, "v1", $plural, $kind, $namespaced);
    )*};
}

resources! {
    POD_TEMPLATES: "" "podtemplates" "PodTemplate" true;
    CERTIFICATE_SIGNING_REQUESTS: "certificates.k8s.io" "certificatesigningrequests" "CertificateSigningRequest" false;
    LOCAL_SUBJECT_ACCESS_REVIEWS: "authorization.k8s.io" "localsubjectaccessreviews" "LocalSubjectAccessReview" true;
    API_EVENTS: "events.k8s.io" "events" "Event" true;
    FLOW_SCHEMAS: "flowcontrol.apiserver.k8s.io" "flowschemas" "FlowSchema" false;
    PRIORITY_LEVELS: "flowcontrol.apiserver.k8s.io" "prioritylevelconfigurations" "PriorityLevelConfiguration" false;
    INGRESSES: "networking.k8s.io" "ingresses" "Ingress" true;
    INGRESS_CLASSES: "networking.k8s.io" "ingressclasses" "IngressClass" false;
    IP_ADDRESSES: "networking.k8s.io" "ipaddresses" "IPAddress" false;
    SERVICE_CIDRS: "networking.k8s.io" "servicecidrs" "ServiceCIDR" false;
    POD_DISRUPTION_BUDGETS: "policy" "poddisruptionbudgets" "PodDisruptionBudget" true;
    RUNTIME_CLASSES: "node.k8s.io" "runtimeclasses" "RuntimeClass" false;
    DEVICE_CLASSES: "resource.k8s.io" "deviceclasses" "DeviceClass" false;
    RESOURCE_CLAIMS: "resource.k8s.io" "resourceclaims" "ResourceClaim" true;
    RESOURCE_CLAIM_TEMPLATES: "resource.k8s.io" "resourceclaimtemplates" "ResourceClaimTemplate" true;
    RESOURCE_SLICES: "resource.k8s.io" "resourceslices" "ResourceSlice" false;
    CSI_DRIVERS: "storage.k8s.io" "csidrivers" "CSIDriver" false;
    CSI_NODES: "storage.k8s.io" "csinodes" "CSINode" false;
    CSI_STORAGE_CAPACITIES: "storage.k8s.io" "csistoragecapacities" "CSIStorageCapacity" true;
    STORAGE_CLASSES: "storage.k8s.io" "storageclasses" "StorageClass" false;
    VOLUME_ATTACHMENTS: "storage.k8s.io" "volumeattachments" "VolumeAttachment" false;
}

/// An object written as YAML.
pub fn yaml(object: &str) -> Document {
    text::decode(object).unwrap_or_else(|error| panic!("{error} in {object}"))
}

/// The object with a name.
pub fn named(name: &str, mut object: Document) -> Document {
    object.set(&["metadata", "name"], name);
    object
}

/// The object with a label.
pub fn labelled(key: &str, value: &str, mut object: Document) -> Document {
    object.set(&["metadata", "labels", key], value);
    object
}

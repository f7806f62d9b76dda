//! The resources that components use, by name; custom ones are made at run time.

use skiff_apimachinery::gvk::Str;
use skiff_apimachinery::{GroupResource, GroupVersionKind, GroupVersionResource};

/// Where a kind is served.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resource {
    /// API group, empty for core.
    pub group: Str,
    /// Version.
    pub version: Str,
    /// Plural name in URLs.
    pub plural: Str,
    /// Kind of its objects.
    pub kind: Str,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
}

impl Resource {
    const fn known(
        group: &'static str,
        version: &'static str,
        plural: &'static str,
        kind: &'static str,
        namespaced: bool,
    ) -> Self {
        Self {
            group: Str::Borrowed(group),
            version: Str::Borrowed(version),
            plural: Str::Borrowed(plural),
            kind: Str::Borrowed(kind),
            namespaced,
        }
    }

    /// Group, version, kind.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::new(self.group.clone(), self.version.clone(), self.kind.clone())
    }

    /// Group, version, resource.
    pub fn gvr(&self) -> GroupVersionResource {
        GroupVersionResource::new(self.group.clone(), self.version.clone(), self.plural.clone())
    }

    /// Group and resource, as error messages name it.
    pub fn group_resource(&self) -> GroupResource {
        GroupResource::new(self.group.clone(), self.plural.clone())
    }

    /// The `apiVersion` of its objects.
    pub fn api_version(&self) -> String {
        self.gvk().api_version()
    }
}

macro_rules! resources {
    ($($name:ident: $group:literal $version:literal $plural:literal $kind:literal $scope:ident;)*) => {$(
        #[doc = concat!("`", $plural, "` of ", $group, "/", $version, ".")]
        pub const $name: Resource = Resource::known($group, $version, $plural, $kind, resources!(@$scope));
    )*};
    (@namespaced) => { true };
    (@cluster) => { false };
}

resources! {
    CONFIG_MAPS: "" "v1" "configmaps" "ConfigMap" namespaced;
    ENDPOINTS: "" "v1" "endpoints" "Endpoints" namespaced;
    EVENTS: "" "v1" "events" "Event" namespaced;
    NAMESPACES: "" "v1" "namespaces" "Namespace" cluster;
    NODES: "" "v1" "nodes" "Node" cluster;
    PERSISTENT_VOLUMES: "" "v1" "persistentvolumes" "PersistentVolume" cluster;
    PERSISTENT_VOLUME_CLAIMS: "" "v1" "persistentvolumeclaims" "PersistentVolumeClaim" namespaced;
    PODS: "" "v1" "pods" "Pod" namespaced;
    REPLICATION_CONTROLLERS: "" "v1" "replicationcontrollers" "ReplicationController" namespaced;
    RESOURCE_QUOTAS: "" "v1" "resourcequotas" "ResourceQuota" namespaced;
    SECRETS: "" "v1" "secrets" "Secret" namespaced;
    SERVICE_ACCOUNTS: "" "v1" "serviceaccounts" "ServiceAccount" namespaced;
    SERVICES: "" "v1" "services" "Service" namespaced;
    CUSTOM_RESOURCE_DEFINITIONS: "apiextensions.k8s.io" "v1" "customresourcedefinitions" "CustomResourceDefinition" cluster;
    CONTROLLER_REVISIONS: "apps" "v1" "controllerrevisions" "ControllerRevision" namespaced;
    DAEMON_SETS: "apps" "v1" "daemonsets" "DaemonSet" namespaced;
    DEPLOYMENTS: "apps" "v1" "deployments" "Deployment" namespaced;
    REPLICA_SETS: "apps" "v1" "replicasets" "ReplicaSet" namespaced;
    STATEFUL_SETS: "apps" "v1" "statefulsets" "StatefulSet" namespaced;
    TOKEN_REVIEWS: "authentication.k8s.io" "v1" "tokenreviews" "TokenReview" cluster;
    SUBJECT_ACCESS_REVIEWS: "authorization.k8s.io" "v1" "subjectaccessreviews" "SubjectAccessReview" cluster;
    HORIZONTAL_POD_AUTOSCALERS: "autoscaling" "v2" "horizontalpodautoscalers" "HorizontalPodAutoscaler" namespaced;
    CRON_JOBS: "batch" "v1" "cronjobs" "CronJob" namespaced;
    JOBS: "batch" "v1" "jobs" "Job" namespaced;
    LEASES: "coordination.k8s.io" "v1" "leases" "Lease" namespaced;
    ENDPOINT_SLICES: "discovery.k8s.io" "v1" "endpointslices" "EndpointSlice" namespaced;
    IP_ADDRESSES: "networking.k8s.io" "v1" "ipaddresses" "IPAddress" cluster;
    SERVICE_CIDRS: "networking.k8s.io" "v1" "servicecidrs" "ServiceCIDR" cluster;
    POD_DISRUPTION_BUDGETS: "policy" "v1" "poddisruptionbudgets" "PodDisruptionBudget" namespaced;
    PRIORITY_CLASSES: "scheduling.k8s.io" "v1" "priorityclasses" "PriorityClass" cluster;
    CLUSTER_ROLES: "rbac.authorization.k8s.io" "v1" "clusterroles" "ClusterRole" cluster;
    VOLUME_ATTRIBUTES_CLASSES: "storage.k8s.io" "v1" "volumeattributesclasses" "VolumeAttributesClass" cluster;
}

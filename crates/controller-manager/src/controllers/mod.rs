//! One file or folder per controller. [`Controller`] tells how to add one.

pub mod bootstrap_signer;
pub mod cluster_role_aggregation;
pub mod cronjob;
pub mod daemonset;
pub mod deployment;
pub mod disruption;
pub mod endpoints;
pub mod endpointslice;
pub mod endpointslice_mirroring;
pub mod garbage;
pub mod horizontal_pod_autoscaler;
pub mod job;
pub mod namespace;
pub mod node_ipam;
pub mod node_lifecycle;
pub mod persistent_volume_claim_protection;
pub mod persistent_volume_protection;
pub mod pod_gc;
pub mod replicaset;
pub mod replicationcontroller;
pub mod resource_quota;
pub mod root_ca;
pub mod service_account;
pub mod service_cidr;
pub mod statefulset;
pub mod taint_eviction;
pub mod token_cleaner;
pub mod ttl_after_finished;
pub mod volume_attributes_class_protection;

use crate::controller::{Context, Controller};
use crate::runner;
use futures::future::BoxFuture;

/// How the manager knows a controller.
pub struct Registration {
    /// Upstream's name.
    pub name: &'static str,
    /// Its service account.
    pub identity: &'static str,
    /// Whether it runs though nobody names it.
    pub on_by_default: bool,
    /// Runs it until the future is dropped.
    pub run: fn(Context) -> BoxFuture<'static, ()>,
}

/// All controllers.
pub fn all() -> Vec<Registration> {
    vec![
        register::<replicationcontroller::ReplicationManager>(),
        register::<replicaset::ReplicaSetController>(),
        register::<deployment::DeploymentController>(),
        register::<job::JobController>(),
        register::<cronjob::CronJobController>(),
        register::<ttl_after_finished::TtlAfterFinished>(),
        register::<daemonset::DaemonSetController>(),
        register::<statefulset::StatefulSetController>(),
        register::<horizontal_pod_autoscaler::HorizontalPodAutoscalerController>(),
        register::<disruption::DisruptionController>(),
        register::<namespace::NamespaceController>(),
        register::<service_account::ServiceAccountController>(),
        register::<service_cidr::ServiceCidrController>(),
        register::<root_ca::RootCaPublisher>(),
        register::<endpointslice::EndpointSliceController>(),
        register::<endpointslice_mirroring::EndpointSliceMirroringController>(),
        register::<endpoints::EndpointsController>(),
        register::<garbage::GarbageCollector>(),
        register::<node_ipam::NodeIpam>(),
        register::<node_lifecycle::NodeLifecycle>(),
        register::<taint_eviction::TaintEviction>(),
        register::<pod_gc::PodGarbageCollector>(),
        register::<resource_quota::ResourceQuotaController>(),
        register::<persistent_volume_claim_protection::PersistentVolumeClaimProtection>(),
        register::<persistent_volume_protection::PersistentVolumeProtection>(),
        register::<volume_attributes_class_protection::VolumeAttributesClassProtection>(),
        register::<cluster_role_aggregation::ClusterRoleAggregationController>(),
        register::<bootstrap_signer::BootstrapSigner>(),
        register::<token_cleaner::TokenCleaner>(),
    ]
}

fn register<C: Controller>() -> Registration {
    Registration {
        name: C::NAME,
        identity: C::IDENTITY,
        on_by_default: C::ON_BY_DEFAULT,
        run: |context| Box::pin(runner::run::<C>(context)),
    }
}

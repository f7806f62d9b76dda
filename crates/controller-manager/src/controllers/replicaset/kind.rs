//! What the kinds differ in that keep a number of pods: ReplicaSets, and the older ReplicationControllers.

use crate::ownership::selector_of;
use k8s_openapi::api::apps::v1::ReplicaSet;
use skiff_apimachinery::Document;
use skiff_apimachinery::selector::LabelSelector;
use skiff_client::resources::REPLICA_SETS;
use skiff_client::{Informer, Resource, Selection, SharedInformers};

/// A kind that keeps `spec.replicas` pods of `spec.template`.
///
/// To add one: implement this trait on the kind's type and register [`ReplicaController`](super::ReplicaController) of it.
pub trait ReplicaKind: Sized + Send + Sync + 'static {
    /// Upstream's name of the controller.
    const NAME: &'static str;
    /// The service account of the controller, and the component that its events name.
    const IDENTITY: &'static str;
    /// The name of its queue in metrics.
    const QUEUE: &'static str;
    /// Where the kind is served.
    const RESOURCE: Resource;
    /// Whether the status counts pods that are on their way out (KEP-3973).
    const COUNTS_TERMINATING: bool;

    /// The informer of the kind.
    fn informer(informers: &SharedInformers) -> Informer<Self>;

    /// Which pods an object of the kind selects.
    fn selector(object: &Document) -> LabelSelector;
}

impl ReplicaKind for ReplicaSet {
    const NAME: &'static str = "replicaset-controller";
    const IDENTITY: &'static str = "replicaset-controller";
    const QUEUE: &'static str = "replicaset";
    const RESOURCE: Resource = REPLICA_SETS;
    const COUNTS_TERMINATING: bool = true;

    fn informer(informers: &SharedInformers) -> Informer<Self> {
        informers.of(&REPLICA_SETS, Selection::default())
    }

    fn selector(object: &Document) -> LabelSelector {
        selector_of(object)
    }
}

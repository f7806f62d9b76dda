//! `replicationcontroller-controller`: keeps the pods of ReplicationControllers, the kind that ReplicaSets replaced.
//!
//! The work is the ReplicaSet controller's ([`ReplicaController`]). Different are the selector, which is a plain map of
//! labels, and the status, which does not count pods that are on their way out.

use super::replicaset::{ReplicaController, ReplicaKind};
use k8s_openapi::api::core::v1::ReplicationController;
use skiff_apimachinery::Document;
use skiff_apimachinery::selector::LabelSelector;
use skiff_client::resources::REPLICATION_CONTROLLERS;
use skiff_client::{Informer, Resource, Selection, SharedInformers};

/// The controller of ReplicationControllers.
pub type ReplicationManager = ReplicaController<ReplicationController>;

impl ReplicaKind for ReplicationController {
    const NAME: &'static str = "replicationcontroller-controller";
    const IDENTITY: &'static str = "replication-controller";
    const QUEUE: &'static str = "replicationmanager";
    const RESOURCE: Resource = REPLICATION_CONTROLLERS;
    const COUNTS_TERMINATING: bool = false;

    fn informer(informers: &SharedInformers) -> Informer<Self> {
        informers.of(&REPLICATION_CONTROLLERS, Selection::default())
    }

    fn selector(object: &Document) -> LabelSelector {
        let labels = object.object_at(&["spec", "selector"]).filter(|labels| !labels.is_empty());
        labels.map_or_else(LabelSelector::nothing, LabelSelector::from_labels)
    }
}

#[cfg(test)]
mod tests;

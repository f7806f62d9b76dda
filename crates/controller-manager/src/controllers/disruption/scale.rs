//! How many pods the workloads are to have that pods belong to.
//!
//! The workloads that most pods have are read from informers; any other kind is asked through its `scale` subresource.

use super::Subject;
use crate::controller::Context;
use crate::pods::CachedPod;
use crate::sources::Sources;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::ReplicationController;
use skiff_apimachinery::{Document, GroupVersion};
use skiff_client::resources::{DEPLOYMENTS, REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS};
use skiff_client::{Cached, Call, Client, Informer, Resource, Selection, Verb};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Workloads by UID, with the number of pods that each is to have.
pub(super) type Scales = BTreeMap<String, i64>;

/// Where workloads are looked up.
pub(super) struct Workloads {
    client: Client,
    controllers: Informer<ReplicationController>,
    sets: Informer<ReplicaSet>,
    deployments: Informer<Deployment>,
    stateful_sets: Informer<StatefulSet>,
}

/// An owner reference, read.
struct Owner<'p> {
    namespace: &'p str,
    version: GroupVersion,
    kind: &'p str,
    name: &'p str,
    uid: &'p str,
}

/// A workload and how many pods it is to have.
type Scale = (String, i64);

impl Workloads {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            client: context.client.clone(),
            controllers: context.informers.of(&REPLICATION_CONTROLLERS, Selection::default()),
            sets: context.informers.of(&REPLICA_SETS, Selection::default()),
            deployments: context.informers.of(&DEPLOYMENTS, Selection::default()),
            stateful_sets: context.informers.of(&STATEFUL_SETS, Selection::default()),
        }
    }

    /// Reads the informers. Their changes wake nobody: where a number of replicas changes, pods do.
    pub(super) fn sources(&self, sources: &mut Sources<Subject>) {
        sources.read(&self.controllers);
        sources.read(&self.sets);
        sources.read(&self.deployments);
        sources.read(&self.stateful_sets);
    }

    /// The workloads of pods; pods without a controller have none.
    ///
    /// # Errors
    /// In upstream's words, if a controller is not there or has no scale.
    pub(super) async fn scales(&self, pods: &[CachedPod]) -> Result<Scales, String> {
        let mut scales = Scales::new();
        for pod in pods {
            let Some(reference) = pod.controller_ref() else { continue };
            if scales.contains_key(reference.str_at(&["uid"])) {
                continue;
            }
            let owner = Owner::read(pod.namespace(), reference)?;
            let found = match self.known(&owner) {
                Some(scale) => Some(scale),
                None => self.asked(&owner).await?,
            };
            let (uid, replicas) =
                found.ok_or_else(|| format!("found no controllers for pod {:?}", pod.name()))?;
            scales.insert(uid, replicas);
        }
        Ok(scales)
    }

    fn known(&self, owner: &Owner<'_>) -> Option<Scale> {
        match (owner.kind, &*owner.version.group) {
            ("ReplicationController", "") => {
                same(self.controllers.get(owner.namespace, owner.name), owner.uid)
            }
            ("StatefulSet", "apps") => same(self.stateful_sets.get(owner.namespace, owner.name), owner.uid),
            ("ReplicaSet", "apps" | "extensions") => self.of_replica_set(owner),
            _ => None,
        }
    }

    /// A ReplicaSet counts for its Deployment, if it has one.
    fn of_replica_set(&self, owner: &Owner<'_>) -> Option<Scale> {
        let set = self.sets.get(owner.namespace, owner.name).filter(|set| set.uid() == owner.uid)?;
        let above = set.controller_ref().filter(|above| above.str_at(&["kind"]) == "Deployment");
        let Some(above) = above else { return Some(scale(&set)) };
        let above = Owner::read(owner.namespace, above).ok()?;
        let of_apps = matches!(&*above.version.group, "apps" | "extensions");
        same(self.deployments.get(above.namespace, above.name), above.uid).filter(|_| of_apps)
    }

    /// Asks the API for the scale of an object of any kind; `None` if the object is not there.
    async fn asked(&self, owner: &Owner<'_>) -> Result<Option<Scale>, String> {
        let Some((resource, scales)) = self.resource(owner).await? else {
            return Err(format!(
                "no matches for kind {:?} in version {:?}",
                owner.kind,
                owner.version.to_string()
            ));
        };
        if !scales {
            let resource = resource.group_resource();
            return Err(format!("{resource} does not implement the scale subresource"));
        }
        let call = Call::new(Verb::Get, &resource, owner.namespace, owner.name).subresource("scale");
        match self.client.transport().call(call).await {
            Ok(found) if found.uid() == owner.uid => {
                Ok(Some((found.uid().to_owned(), found.i64_at(&["spec", "replicas"]).unwrap_or(0))))
            }
            Ok(_) => Ok(None),
            Err(status) if status.is_not_found() => Ok(None),
            Err(status) => Err(status.message),
        }
    }

    /// The resource of an owner's kind, and whether it has the scale subresource.
    async fn resource(&self, owner: &Owner<'_>) -> Result<Option<(Resource, bool)>, String> {
        let version = &owner.version;
        let root = if version.group.is_empty() { "/api" } else { "/apis" };
        let served = match self.client.transport().get_path(&format!("{root}/{version}")).await {
            Ok(served) => served,
            Err(status) if status.is_not_found() => return Ok(None),
            Err(status) => return Err(status.message),
        };
        let rows = served.array_at(&["resources"]);
        let row = rows
            .iter()
            .find(|row| row.str_at(&["kind"]) == owner.kind && !row.str_at(&["name"]).contains('/'));
        let Some(row) = row else { return Ok(None) };
        let plural = row.str_at(&["name"]);
        let subresource = format!("{plural}/scale");
        let scales =
            rows.iter().any(|row| row.str_at(&["name"]) == subresource && row.str_at(&["kind"]) == "Scale");
        let resource = Resource {
            group: version.group.clone(),
            version: version.version.clone(),
            plural: plural.to_owned().into(),
            kind: owner.kind.to_owned().into(),
            namespaced: row.bool_at(&["namespaced"]).unwrap_or(false),
        };
        Ok(Some((resource, scales)))
    }
}

impl<'p> Owner<'p> {
    fn read(namespace: &'p str, reference: &'p Document) -> Result<Self, String> {
        let text = |field: &str| reference.str_at(&[field]);
        let version = GroupVersion::parse(text("apiVersion"));
        let version =
            version.ok_or_else(|| format!("unexpected GroupVersion string: {}", text("apiVersion")))?;
        Ok(Self { namespace, version, kind: text("kind"), name: text("name"), uid: text("uid") })
    }
}

/// The scale of an object, if it is the one that is meant.
fn same<T>(object: Option<Arc<Cached<T>>>, uid: &str) -> Option<Scale> {
    object.filter(|object| object.uid() == uid).map(|object| scale(&object))
}

fn scale(object: &Document) -> Scale {
    (object.uid().to_owned(), object.i64_at(&["spec", "replicas"]).unwrap_or(1))
}

//! A pod as the kubelet reads it, and the pure functions that turn its spec into what a container runtime is asked for.
//!
//! [`PodView`] pairs the shared object with its typed form; the siblings each know one part of a spec: environment,
//! DNS, hosts file, security, resources, the two CRI configurations. Nothing here does I/O.

pub mod amount;
pub mod container_config;
pub mod dns;
pub mod environment;
pub mod expansion;
pub mod field_ref;
pub mod hosts;
pub mod mounts;
pub mod resources;
pub mod sandbox_config;
pub mod security;
pub mod service_links;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, PodStatus};
use sha2::{Digest, Sha256};
use skiff_apimachinery::Document;
use skiff_apimachinery::document::ReadError;
use skiff_client::Object;
use std::sync::LazyLock;

/// A pod: the object as it was served, and its typed form. Immutable; a change of the pod is a new view.
#[derive(Debug, Clone)]
pub struct PodView {
    object: Object,
    pod: Pod,
    ephemeral: Vec<Container>,
}

/// What role a container has in its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Runs to completion before the next one starts.
    Init,
    /// An init container with restart policy Always: runs beside the pod's containers.
    Sidecar,
    /// One of `spec.containers`.
    Regular,
    /// Added later for debugging; never restarted.
    Ephemeral,
}

/// A container of a pod with its role.
#[derive(Debug, Clone, Copy)]
pub struct ContainerView<'a> {
    /// What role it has.
    pub role: Role,
    /// Its spec.
    pub spec: &'a Container,
}

static EMPTY_SPEC: LazyLock<PodSpec> = LazyLock::new(PodSpec::default);
static EMPTY_STATUS: LazyLock<PodStatus> = LazyLock::new(PodStatus::default);

impl PodView {
    /// Reads an object as a pod.
    ///
    /// # Errors
    /// If a field has a type that a pod's has not.
    pub fn new(object: Object) -> Result<Self, ReadError> {
        let pod = object.read::<Pod>()?;
        let ephemeral = object
            .array_at(&["spec", "ephemeralContainers"])
            .iter()
            .map(Document::read::<Container>)
            .collect::<Result<_, _>>()?;
        Ok(Self { object, pod, ephemeral })
    }

    /// The object as it was served.
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// The typed pod.
    pub fn typed(&self) -> &Pod {
        &self.pod
    }

    /// The spec; an empty one if the object has none.
    pub fn spec(&self) -> &PodSpec {
        self.pod.spec.as_ref().unwrap_or(&EMPTY_SPEC)
    }

    /// The status as the API knows it.
    pub fn status(&self) -> &PodStatus {
        self.pod.status.as_ref().unwrap_or(&EMPTY_STATUS)
    }

    /// `metadata.uid`.
    pub fn uid(&self) -> &str {
        self.object.uid()
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.object.name()
    }

    /// `metadata.namespace`.
    pub fn namespace(&self) -> &str {
        self.object.namespace()
    }

    /// `name_namespace(uid)`, as upstream's messages name a pod.
    pub fn full_name(&self) -> String {
        format!("{}_{}({})", self.name(), self.namespace(), self.uid())
    }

    /// Whether someone deleted the pod.
    pub fn is_deleted(&self) -> bool {
        self.object.deletion_timestamp().is_some()
    }

    /// Seconds that containers get to stop: the deletion's, else the spec's.
    pub fn grace_period(&self) -> i64 {
        self.pod
            .metadata
            .deletion_grace_period_seconds
            .or(self.spec().termination_grace_period_seconds)
            .unwrap_or(30)
    }

    /// `spec.restartPolicy`.
    pub fn restart_policy(&self) -> &str {
        self.spec().restart_policy.as_deref().unwrap_or("Always")
    }

    /// Whether the pod uses the node's network.
    pub fn host_network(&self) -> bool {
        self.spec().host_network.unwrap_or(false)
    }

    /// Whether the phase in the API is a final one.
    pub fn is_terminal(&self) -> bool {
        matches!(self.status().phase.as_deref(), Some("Succeeded" | "Failed"))
    }

    /// Init containers in order, sidecars among them.
    pub fn init_containers(&self) -> impl DoubleEndedIterator<Item = ContainerView<'_>> {
        self.spec().init_containers.iter().flatten().map(|spec| {
            let sidecar = spec.restart_policy.as_deref() == Some("Always");
            ContainerView { role: if sidecar { Role::Sidecar } else { Role::Init }, spec }
        })
    }

    /// `spec.containers`.
    pub fn regular_containers(&self) -> impl DoubleEndedIterator<Item = ContainerView<'_>> {
        self.spec().containers.iter().map(|spec| ContainerView { role: Role::Regular, spec })
    }

    /// Containers added for debugging.
    pub fn ephemeral_containers(&self) -> impl DoubleEndedIterator<Item = ContainerView<'_>> {
        self.ephemeral.iter().map(|spec| ContainerView { role: Role::Ephemeral, spec })
    }

    /// All containers: init, regular, ephemeral.
    pub fn containers(&self) -> impl Iterator<Item = ContainerView<'_>> {
        self.init_containers().chain(self.regular_containers()).chain(self.ephemeral_containers())
    }

    /// A container by name.
    pub fn container(&self, name: &str) -> Option<ContainerView<'_>> {
        self.containers().find(|container| container.spec.name == name)
    }
}

impl ContainerView<'_> {
    /// The path of this container in its pod, as events name it.
    pub fn field_path(&self) -> String {
        let list = match self.role {
            Role::Init | Role::Sidecar => "initContainers",
            Role::Regular => "containers",
            Role::Ephemeral => "ephemeralContainers",
        };
        format!("spec.{list}{{{}}}", self.spec.name)
    }

    /// A hash of what asks for a new container when it changes: name and image, as upstream since 1.31.
    pub fn hash(&self) -> String {
        let digest = Sha256::new()
            .chain_update(&self.spec.name)
            .chain_update([0])
            .chain_update(self.spec.image.as_deref().unwrap_or(""))
            .finalize();
        digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
pub mod testing {
    //! Pods for tests, written as YAML-like documents.

    use super::PodView;
    use skiff_apimachinery::Document;
    use std::sync::Arc;

    /// A pod `web` in `default` with this spec and status.
    pub fn pod(spec: Document, status: Document) -> PodView {
        let mut object = skiff_apimachinery::doc!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web", "namespace": "default", "uid": "u1", "generation": 1}
        });
        object.insert("spec", spec);
        object.insert("status", status);
        PodView::new(Arc::new(object)).expect("test pods are well formed")
    }
}

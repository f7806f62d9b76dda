//! What the scheduler knows of a node and of the pods on it.

use crate::pod::{HostPort, Pod, Taint};
use crate::resources::Resources;
use crate::selector::Labels;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, Map};
use std::collections::HashMap;

/// A node with the sum of what its pods use.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Name.
    pub name: Box<str>,
    /// Whether the Node object exists; pods may be heard of before their node.
    pub exists: bool,
    /// Labels.
    pub labels: Labels,
    /// Taints.
    pub taints: Vec<Taint>,
    /// `spec.unschedulable`.
    pub unschedulable: bool,
    /// What pods may use.
    pub allocatable: Resources,
    /// How many pods it takes.
    pub max_pods: i64,
    /// Image names and their sizes in bytes.
    pub images: HashMap<Box<str>, i64>,
    /// What its pods ask for.
    pub requested: Resources,
    /// What its pods are taken to use when nodes are compared.
    pub scoring_requested: Resources,
    /// Ports in use.
    pub host_ports: Vec<HostPort>,
    /// How many pods it has.
    pub pods: i64,
}

/// What of a node changed in a way that may let a pod in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NodeChange {
    /// The node is new.
    pub added: bool,
    /// More resources.
    pub allocatable: bool,
    /// Other labels.
    pub labels: bool,
    /// Other taints, or it became schedulable.
    pub taints: bool,
}

impl Node {
    /// Takes over a Node object, keeping the sums of its pods; tells what changed.
    pub fn set(&mut self, doc: &Document) -> NodeChange {
        let allocatable = doc.object_at(&["status", "allocatable"]);
        let fresh = Self {
            name: doc.name().into(),
            exists: true,
            labels: doc
                .labels()
                .into_iter()
                .flat_map(Map::iter)
                .map(|(k, v)| (k.into(), v.as_str().unwrap_or_default().into()))
                .collect(),
            taints: doc.array_at(&["spec", "taints"]).iter().map(Taint::read).collect(),
            unschedulable: doc.bool_at(&["spec", "unschedulable"]) == Some(true),
            allocatable: Resources::read(allocatable),
            max_pods: Quantity::at(doc, &["status", "allocatable", "pods"]).value(),
            images: images(doc),
            requested: std::mem::take(&mut self.requested),
            scoring_requested: std::mem::take(&mut self.scoring_requested),
            host_ports: std::mem::take(&mut self.host_ports),
            pods: self.pods,
        };
        let change = NodeChange {
            added: !self.exists,
            allocatable: self.allocatable != fresh.allocatable || self.max_pods != fresh.max_pods,
            labels: self.labels != fresh.labels,
            taints: self.taints != fresh.taints || self.unschedulable != fresh.unschedulable,
        };
        *self = fresh;
        change
    }

    /// Counts a pod in.
    pub fn add(&mut self, pod: &Pod) {
        self.requested.add(&pod.requests);
        self.scoring_requested.add(&pod.scoring_requests);
        self.host_ports.extend(pod.host_ports.iter().cloned());
        self.pods += 1;
    }

    /// Counts a pod out.
    pub fn remove(&mut self, pod: &Pod) {
        self.requested.subtract(&pod.requests);
        self.scoring_requested.subtract(&pod.scoring_requests);
        for port in &pod.host_ports {
            if let Some(at) = self.host_ports.iter().position(|used| used == port) {
                self.host_ports.swap_remove(at);
            }
        }
        self.pods -= 1;
    }
}

impl NodeChange {
    /// Whether anything changed.
    pub fn any(self) -> bool {
        self != Self::default()
    }
}

fn images(doc: &Document) -> HashMap<Box<str>, i64> {
    let mut out = HashMap::new();
    for image in doc.array_at(&["status", "images"]) {
        let size = image.i64_at(&["sizeBytes"]).unwrap_or(0);
        for name in image.array_at(&["names"]).iter().filter_map(Document::as_str) {
            out.insert(name.into(), size);
        }
    }
    out
}

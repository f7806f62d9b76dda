//! What objects of each resource use, one file per kind of counting.

mod object_count;
mod persistent_volume_claims;
mod pods;
mod resource_claims;
mod services;

use super::Evaluator;
use skiff_apimachinery::GroupResource;

/// The evaluator of a resource; every resource can at least be counted.
pub fn of(resource: &GroupResource) -> Box<dyn Evaluator> {
    match (&*resource.group, &*resource.resource) {
        ("", "pods") => Box::new(pods::Pods),
        ("", "services") => Box::new(services::Services),
        ("", "persistentvolumeclaims") => Box::new(persistent_volume_claims::PersistentVolumeClaims),
        ("resource.k8s.io", "resourceclaims") => Box::new(resource_claims::ResourceClaims),
        _ => Box::new(object_count::ObjectCount::of(resource)),
    }
}

//! `pods/ephemeralcontainers`: the pod, of which only spec.ephemeralContainers can be written.

use super::{View, insist};
use skiff_api::Resource;
use skiff_api::strategy::UpdateScope;
use skiff_api::validation::pod_changes;
use skiff_apimachinery::{Document, GroupKind, Status};

/// The view.
pub(super) struct EphemeralContainersView;

impl View for EphemeralContainersView {
    fn show(&self, _: &Resource, object: &Document) -> Result<Document, Status> {
        Ok(object.clone())
    }

    fn replace(&self, row: &Resource, object: &Document, sent: &Document) -> Result<Document, Status> {
        let mut new = object.clone();
        match sent.at(&["spec", "ephemeralContainers"]) {
            Some(containers) => new.set(&["spec", "ephemeralContainers"], containers),
            None => drop(new.remove(&["spec", "ephemeralContainers"])),
        }
        row.complete(&mut new);
        let errors = pod_changes::ephemeral_containers(&new, object);
        if !errors.is_empty() {
            return Err(Status::invalid(&GroupKind::new("", "Pod"), object.name(), &errors));
        }
        insist(&mut new, sent);
        Ok(new)
    }

    fn scope(&self) -> Option<UpdateScope> {
        None
    }
}

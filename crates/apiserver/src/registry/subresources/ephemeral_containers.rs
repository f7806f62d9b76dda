//! `pods/ephemeralcontainers`: the pod, of which only spec.ephemeralContainers can be written.

use super::{View, insist};
use skiff_api::Resource;
use skiff_api::strategy::UpdateScope;
use skiff_apimachinery::{Document, Status};

/// The view.
pub(super) struct EphemeralContainersView;

impl View for EphemeralContainersView {
    fn show(&self, _: &Resource, object: &Document) -> Result<Document, Status> {
        Ok(object.clone())
    }

    fn replace(&self, _: &Resource, object: &Document, sent: &Document) -> Result<Document, Status> {
        let mut new = object.clone();
        match sent.at(&["spec", "ephemeralContainers"]) {
            Some(containers) => new.set(&["spec", "ephemeralContainers"], containers),
            None => drop(new.remove(&["spec", "ephemeralContainers"])),
        }
        insist(&mut new, sent);
        Ok(new)
    }

    fn scope(&self) -> Option<UpdateScope> {
        None
    }
}

//! `namespaces/finalize`: the namespace, of which only spec.finalizers can be written.

use super::{View, insist};
use skiff_api::Resource;
use skiff_api::strategy::UpdateScope;
use skiff_apimachinery::{Document, Status};

/// The view.
pub(super) struct FinalizeView;

impl View for FinalizeView {
    fn show(&self, _: &Resource, object: &Document) -> Result<Document, Status> {
        Ok(object.clone())
    }

    fn replace(&self, _: &Resource, object: &Document, sent: &Document) -> Result<Document, Status> {
        let mut new = object.clone();
        match sent.at(&["spec", "finalizers"]) {
            Some(finalizers) if !finalizers.is_empty() => new.set(&["spec", "finalizers"], finalizers),
            _ => drop(new.remove(&["spec", "finalizers"])),
        }
        insist(&mut new, sent);
        Ok(new)
    }

    fn scope(&self) -> Option<UpdateScope> {
        None
    }
}

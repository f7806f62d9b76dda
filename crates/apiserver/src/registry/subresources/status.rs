//! `status`: the object, of which only the status can be written.

use super::View;
use skiff_api::Resource;
use skiff_api::strategy::UpdateScope;
use skiff_apimachinery::{Document, Status};

/// The view.
pub(super) struct StatusView;

impl View for StatusView {
    fn show(&self, _: &Resource, object: &Document) -> Result<Document, Status> {
        Ok(object.clone())
    }

    // The strategy restores everything but the status.
    fn replace(&self, _: &Resource, _: &Document, sent: &Document) -> Result<Document, Status> {
        Ok(sent.clone())
    }

    fn scope(&self) -> Option<UpdateScope> {
        Some(UpdateScope::Status)
    }
}

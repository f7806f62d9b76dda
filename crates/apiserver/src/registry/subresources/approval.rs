//! `certificatesigningrequests/approval`: the request, of which only status.conditions and metadata can be written.

use super::View;
use skiff_api::Resource;
use skiff_api::strategy::UpdateScope;
use skiff_apimachinery::{Document, Status};

/// The view.
pub(super) struct ApprovalView;

impl View for ApprovalView {
    fn show(&self, _: &Resource, object: &Document) -> Result<Document, Status> {
        Ok(object.clone())
    }

    fn replace(&self, _: &Resource, object: &Document, sent: &Document) -> Result<Document, Status> {
        let mut new = object.clone();
        if let Some(metadata) = sent.get("metadata") {
            new.insert("metadata", metadata);
        }
        let conditions = sent.at(&["status", "conditions"]).cloned().unwrap_or_else(Document::array);
        new.set(&["status", "conditions"], conditions);
        Ok(new)
    }

    // Everything but the conditions is restored above; the strategy would restore decisions too.
    fn scope(&self) -> Option<UpdateScope> {
        None
    }
}

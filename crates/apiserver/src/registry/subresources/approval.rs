//! `certificatesigningrequests/approval`: the request, of which only status.conditions can be written.

use super::{View, insist};
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
        let conditions = sent.at(&["status", "conditions"]).cloned().unwrap_or_else(Document::array);
        new.set(&["status", "conditions"], conditions);
        insist(&mut new, sent);
        Ok(new)
    }

    fn scope(&self) -> Option<UpdateScope> {
        Some(UpdateScope::Status)
    }
}

//! `pods/resize`: the pod, of which only the containers' resources and resize policies can be written.

use super::{View, insist};
use skiff_api::Resource;
use skiff_api::strategy::UpdateScope;
use skiff_apimachinery::{Document, Status};

/// The view.
pub(super) struct ResizeView;

impl View for ResizeView {
    fn show(&self, _: &Resource, object: &Document) -> Result<Document, Status> {
        Ok(object.clone())
    }

    fn replace(&self, _: &Resource, object: &Document, sent: &Document) -> Result<Document, Status> {
        let mut new = object.clone();
        for list in ["containers", "initContainers"] {
            let wanted = sent.array_at(&["spec", list]);
            let containers = new.at_mut(&["spec", list]).and_then(Document::as_array_mut);
            for container in containers.into_iter().flatten() {
                let name = container.str_at(&["name"]).to_owned();
                let Some(wanted) = wanted.iter().find(|other| other.str_at(&["name"]) == name) else {
                    continue;
                };
                for field in ["resources", "resizePolicy"] {
                    match wanted.get(field) {
                        Some(value) => container.insert(field, value),
                        None => drop(container.remove(&[field])),
                    }
                }
            }
        }
        insist(&mut new, sent);
        Ok(new)
    }

    fn scope(&self) -> Option<UpdateScope> {
        None
    }
}

//! `pods/resize`: the pod, of which only the containers' resources and resize policies can be written.

use super::{View, insist};
use skiff_api::Resource;
use skiff_api::strategy::UpdateScope;
use skiff_api::validation::pod_changes;
use skiff_apimachinery::{Document, GroupKind, Status};

/// The view.
pub(super) struct ResizeView;

impl View for ResizeView {
    fn show(&self, _: &Resource, object: &Document) -> Result<Document, Status> {
        Ok(object.clone())
    }

    fn replace(&self, row: &Resource, object: &Document, sent: &Document) -> Result<Document, Status> {
        let mut new = object.clone();
        for list in ["containers", "initContainers"] {
            let wanted = sent.array_at(&["spec", list]);
            if is_same_order(wanted, object.array_at(&["spec", list])) {
                let containers = new.at_mut(&["spec", list]).and_then(Document::as_array_mut);
                for (container, wanted) in containers.into_iter().flatten().zip(wanted) {
                    take_resources(container, wanted);
                }
            } else {
                // Kept as sent, so that it can be told what is wrong with it.
                new.set(&["spec", list], wanted.to_vec());
            }
        }
        row.complete(&mut new);
        let errors = pod_changes::resize(&new, object);
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

fn is_same_order(wanted: &[Document], containers: &[Document]) -> bool {
    let name = |container: &Document| container.str_at(&["name"]).to_owned();
    wanted.len() == containers.len()
        && wanted.iter().zip(containers).all(|(wanted, container)| name(wanted) == name(container))
}

fn take_resources(container: &mut Document, wanted: &Document) {
    for field in ["resources", "resizePolicy"] {
        match wanted.get(field) {
            Some(value) => container.insert(field, value),
            None => drop(container.remove(&[field])),
        }
    }
}

//! Subresources: other views of an object, and actions on it.
//!
//! A [`View`] shows part of an object and takes changes to it (`status`, `scale`, `finalize`, ...); an [`Action`] does
//! something when it is created (`binding`, `eviction`, `token`). To add one: a file in this folder with a unit struct that
//! implements one of the two traits, and a line in [`view`] or [`action`].

mod approval;
mod binding;
mod ephemeral_containers;
mod eviction;
mod finalize;
mod resize;
mod scale;
mod status;
mod token;

pub use binding::bind;
pub use token::TokenIssuer;

use super::{Context, Edit, Registry, Target};
use futures::future::BoxFuture;
use skiff_api::Resource;
use skiff_api::strategy::UpdateScope;
use skiff_apimachinery::{Document, Status};

/// Another view of an object.
pub trait View: Send + Sync {
    /// What GET shows of the object.
    ///
    /// # Errors
    /// If the object cannot be shown so.
    fn show(&self, row: &Resource, object: &Document) -> Result<Document, Status>;

    /// The object after the view was replaced with what the client sent.
    ///
    /// # Errors
    /// If what was sent is invalid.
    fn replace(&self, row: &Resource, object: &Document, sent: &Document) -> Result<Document, Status>;

    /// Which part of the object the strategy lets writes change; `None` if the view itself sees to that.
    fn scope(&self) -> Option<UpdateScope> {
        Some(UpdateScope::Main)
    }

    /// Whether the view is the object itself, so that patches and media types of the object apply.
    fn is_whole(&self) -> bool {
        true
    }
}

/// Something that happens to an object when the subresource is created.
pub trait Action: Send + Sync {
    /// Does it; the answer is what the client gets.
    fn run<'a>(
        &'a self,
        registry: &'a Registry,
        context: &'a mut Context,
        target: &'a Target,
        sent: Document,
    ) -> BoxFuture<'a, Result<Document, Status>>;
}

/// The view that a subresource is, if it is one.
pub fn view(row: &Resource, subresource: &str) -> Option<&'static dyn View> {
    match subresource {
        "status" => Some(&status::StatusView),
        "scale" => Some(&scale::ScaleView),
        "finalize" => Some(&finalize::FinalizeView),
        "approval" => Some(&approval::ApprovalView),
        "ephemeralcontainers" if row.plural == "pods" => Some(&ephemeral_containers::EphemeralContainersView),
        "resize" if row.plural == "pods" => Some(&resize::ResizeView),
        _ => None,
    }
}

/// The action that a subresource is, if it is one.
pub fn action(row: &Resource, subresource: &str) -> Option<&'static dyn Action> {
    match (&*row.plural, subresource) {
        ("pods", "binding") => Some(&binding::BindingAction),
        ("pods", "eviction") => Some(&eviction::EvictionAction),
        ("serviceaccounts", "token") => Some(&token::TokenAction),
        _ => None,
    }
}

/// An update through a view.
pub struct ViewEdit<'a> {
    /// The view.
    pub view: &'static dyn View,
    /// The row of the object.
    pub row: &'a Resource,
    /// What the client sent.
    pub sent: Document,
}

impl Edit for ViewEdit<'_> {
    fn apply(&self, _: &mut Context, old: &Document) -> Result<Document, Status> {
        self.view.replace(self.row, old, &self.sent)
    }

    fn scope(&self) -> Option<UpdateScope> {
        self.view.scope()
    }
}

/// Takes the version and identity that the client insists on from what it sent.
fn insist(object: &mut Document, sent: &Document) {
    match sent.resource_version() {
        "" => drop(object.remove(&["metadata", "resourceVersion"])),
        version => object.set(&["metadata", "resourceVersion"], version),
    }
    if !sent.uid().is_empty() {
        object.set(&["metadata", "uid"], sent.uid());
    }
}

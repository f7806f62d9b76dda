//! Writes of workload controllers to their pods, and what the workload's events tell of them.

use crate::plan::{Ending, Notice, Write};
use skiff_apimachinery::Document;
use skiff_client::resources::PODS;

/// Creates a pod of a workload, in the workload's namespace.
pub fn create(owner: &Document, pod: Document) -> Write {
    Write::create(&PODS, owner.namespace(), pod)
        .on_success(Notice::normal(owner, "SuccessfulCreate", "Created pod: ").ending(Ending::ObjectName))
        .on_failure(Notice::warning(owner, "FailedCreate", "Error creating: ").ending(Ending::Error))
}

/// Deletes a pod of a workload.
pub fn delete(owner: &Document, pod: &Document) -> Write {
    Write::delete(&PODS, pod)
        .on_success(Notice::normal(owner, "SuccessfulDelete", format!("Deleted pod: {}", pod.name())))
        .on_failure(Notice::warning(owner, "FailedDelete", "Error deleting: ").ending(Ending::Error))
}

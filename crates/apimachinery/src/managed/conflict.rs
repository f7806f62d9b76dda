//! Conflicts of server-side apply, in upstream's words.

use super::entries::{Manager, Operation};
use crate::fieldset::{FieldSet, PathElement, path_text};
use crate::status::{Cause, Details};
use crate::{Reason, Status};

/// A field that somebody else owns and the applied object changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// Who owns it.
    pub manager: Manager,
    /// Since when; empty if never told.
    pub since: String,
    /// The field.
    pub path: Vec<PathElement>,
}

/// Why an object cannot be applied.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ApplyError {
    /// Others own what it changes.
    #[error("{}", message(.0))]
    Conflicts(Vec<Conflict>),
    /// The applied object is wrong.
    #[error("{0}")]
    Malformed(String),
    /// The applied object does not fit the schema.
    #[error("{0}")]
    Untyped(String),
}

impl From<ApplyError> for Status {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Malformed(message) => Self::bad_request(message),
            // upstream fails with a plain error here, which clients see as 500 without a reason
            ApplyError::Untyped(message) => Self::new(500, Reason::Unknown, message),
            ApplyError::Conflicts(conflicts) => {
                let mut status = Self::new(409, Reason::Conflict, message(&conflicts));
                let causes = conflicts
                    .iter()
                    .map(|conflict| Cause {
                        reason: "FieldManagerConflict".to_owned(),
                        message: format!("conflict with {}", shown(conflict)),
                        field: path_text(&conflict.path),
                    })
                    .collect();
                status.details = Some(Box::new(Details { causes, ..Details::default() }));
                status
            }
        }
    }
}

/// The set of the conflicting fields.
pub(super) fn fields_of(conflicts: &[Conflict]) -> FieldSet {
    let mut out = FieldSet::new();
    conflicts.iter().for_each(|conflict| out.insert(&conflict.path));
    out
}

fn message(conflicts: &[Conflict]) -> String {
    if let [one] = conflicts {
        return format!(
            "Apply failed with 1 conflict: conflict with {}: {}",
            shown(one),
            path_text(&one.path)
        );
    }
    let mut lines: Vec<String> = Vec::new();
    let mut last: Option<&Manager> = None;
    for conflict in conflicts {
        if last != Some(&conflict.manager) {
            lines.push(format!("conflicts with {}:", shown(conflict)));
            last = Some(&conflict.manager);
        }
        lines.push(format!("- {}", path_text(&conflict.path)));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

/// `"kubectl-client-side-apply" using apps/v1`; the time is no part of what tells managers apart.
fn shown(conflict: &Conflict) -> String {
    let manager = &conflict.manager;
    let mut out = format!("{:?}", manager.name);
    if !manager.subresource.is_empty() {
        out.push_str(&format!(" with subresource {:?}", manager.subresource));
    }
    if manager.operation == Operation::Update {
        out.push_str(&format!(" using {}", manager.api_version));
    }
    out
}

//! An apply would change what others own.

use super::entries::{Entry, Operation};
use crate::ownership::fieldset::{PathElement, path_text};
use crate::status::{Cause, Reason, Status};
use std::collections::BTreeMap;

/// One field and its owner.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The owner as upstream prints it: `"kubectl" using apps/v1`.
    pub manager: String,
    /// The field.
    pub path: Vec<PathElement>,
}

/// All conflicts of an apply; never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflicts(pub Vec<Conflict>);

/// A manager as conflicts name it.
pub(super) fn describe(entry: &Entry) -> String {
    let mut out = format!("{:?}", entry.manager);
    if !entry.subresource.is_empty() {
        out.push_str(&format!(" with subresource {:?}", entry.subresource));
    }
    if entry.operation == Operation::Update {
        out.push_str(&format!(" using {}", entry.api_version));
    }
    out
}

impl Conflicts {
    /// 409 with a cause for each field.
    pub fn into_status(self) -> Status {
        let mut status = Status::new(409, Reason::Conflict, self.to_string());
        status.details_mut().causes = self
            .0
            .iter()
            .map(|conflict| Cause {
                reason: "FieldManagerConflict".to_owned(),
                message: format!("conflict with {}", conflict.manager),
                field: path_text(&conflict.path),
            })
            .collect();
        status
    }
}

impl std::fmt::Display for Conflicts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let [only] = self.0.as_slice() {
            return write!(
                f,
                "Apply failed with 1 conflict: conflict with {}: {}",
                only.manager,
                path_text(&only.path)
            );
        }
        let mut by_manager: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for conflict in &self.0 {
            by_manager.entry(&conflict.manager).or_default().push(path_text(&conflict.path));
        }
        let lines: Vec<String> = by_manager
            .iter()
            .flat_map(|(manager, paths)| {
                std::iter::once(format!("conflicts with {manager}:"))
                    .chain(paths.iter().map(|path| format!("- {path}")))
            })
            .collect();
        write!(f, "Apply failed with {} conflicts: {}", self.0.len(), lines.join("\n"))
    }
}

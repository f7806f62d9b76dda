//! The three patches: RFC 6902 (JSON patch), RFC 7386 (merge patch), Kubernetes' strategic merge patch.
//!
//! Each edits the object as a document; the caller decodes the patch and makes the result fit the schema again.

mod element_order;
mod json;
mod merge;
mod strategic;

pub use json::{MAX_OPERATIONS, apply_json_patch};
pub use merge::apply_merge_patch;
pub use strategic::apply_strategic_merge_patch;

use crate::{Reason, Status};

/// A patch that cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch itself is malformed.
    #[error("{0}")]
    Malformed(String),
    /// The patch does not fit the object.
    #[error("{0}")]
    Unprocessable(String),
    /// The patch has too many operations.
    #[error("{0}")]
    TooLarge(String),
}

impl From<PatchError> for Status {
    fn from(error: PatchError) -> Self {
        match error {
            PatchError::Malformed(message) => Self::bad_request(message),
            PatchError::TooLarge(message) => Self::new(413, Reason::RequestEntityTooLarge, message),
            // upstream's answer says no more than this either
            PatchError::Unprocessable(_) => {
                let text = "the server rejected our request due to an error in our request";
                let mut status = Self::new(422, Reason::Invalid, text);
                status.details = Some(Box::default());
                status
            }
        }
    }
}

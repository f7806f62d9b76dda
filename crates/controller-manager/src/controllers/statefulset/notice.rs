//! What a set's events tell of its pods and claims.

use crate::plan::{Ending, Notice, Write};
use skiff_apimachinery::Document;

/// What is done to a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// It is created.
    Create,
    /// It, or its claims, are put right.
    Update,
    /// It is deleted.
    Delete,
}

impl Deed {
    fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    fn success(self) -> &'static str {
        match self {
            Self::Create => "SuccessfulCreate",
            Self::Update => "SuccessfulUpdate",
            Self::Delete => "SuccessfulDelete",
        }
    }

    fn failure(self) -> &'static str {
        match self {
            Self::Create => "FailedCreate",
            Self::Update => "FailedUpdate",
            Self::Delete => "FailedDelete",
        }
    }
}

/// Something was done to a pod.
pub(super) fn done(set: &Document, deed: Deed, pod: &str) -> Notice {
    let message = format!("{} Pod {pod} in StatefulSet {} successful", deed.word(), set.name());
    Notice::normal(set, deed.success(), message)
}

/// Something could not be done to a pod, for this reason.
pub(super) fn failed(set: &Document, deed: Deed, pod: &str, why: &str) -> Notice {
    let message = format!("{} Pod {pod} in StatefulSet {} failed error: {why}", deed.word(), set.name());
    Notice::warning(set, deed.failure(), message)
}

/// A write to a pod that tells how it went.
pub(super) fn told(write: Write, set: &Document, deed: Deed, pod: &str) -> Write {
    let failure = failed(set, deed, pod, "").ending(Ending::Error);
    write.on_success(done(set, deed, pod)).on_failure(failure)
}

/// The creation of a pod's claim that tells how it went.
pub(super) fn told_of_claim(write: Write, set: &Document, claim: &str, pod: &str) -> Write {
    let deed = Deed::Create;
    let success = format!("create Claim {claim} Pod {pod} in StatefulSet {} success", set.name());
    let failure = format!("create Claim {claim} for Pod {pod} in StatefulSet {} failed error: ", set.name());
    write
        .on_success(Notice::normal(set, deed.success(), success))
        .on_failure(Notice::warning(set, deed.failure(), failure).ending(Ending::Error))
}

/// Several failures in the words of one.
pub(super) fn joined(failures: &[String]) -> String {
    match failures {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}

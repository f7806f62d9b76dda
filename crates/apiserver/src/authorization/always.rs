//! Authorizers that do not look: `--authorization-mode=AlwaysAllow` and `AlwaysDeny`, for tests and tutorials.

use super::{Attributes, Authorizer, Decision};

/// Allows everything.
pub struct AlwaysAllow;

/// Allows nothing that no other authorizer allowed.
pub struct AlwaysDeny;

impl Authorizer for AlwaysAllow {
    fn authorize(&self, _: &Attributes<'_>) -> Decision {
        Decision::Allow(String::new())
    }
}

impl Authorizer for AlwaysDeny {
    fn authorize(&self, _: &Attributes<'_>) -> Decision {
        Decision::NoOpinion("Everything is forbidden.".to_owned())
    }
}

//! Authorizers that do not look: `--authorization-mode=AlwaysAllow` and `AlwaysDeny`, for tests and tutorials.

use super::rule::Rule;
use super::{Attributes, Authorizer, Decision, Rules};
use crate::authentication::UserInfo;

/// Allows everything.
pub struct AlwaysAllow;

/// Allows nothing that no other authorizer allowed.
pub struct AlwaysDeny;

impl Authorizer for AlwaysAllow {
    fn authorize(&self, _: &Attributes<'_>) -> Decision {
        Decision::Allow(String::new())
    }

    fn rules(&self, _: &UserInfo, _: &str) -> Rules {
        let everything = || vec!["*".to_owned()];
        let resources =
            Rule { verbs: everything(), groups: everything(), resources: everything(), ..Rule::default() };
        let paths = Rule { verbs: everything(), urls: everything(), ..Rule::default() };
        Rules { rules: vec![resources, paths], ..Rules::default() }
    }
}

impl Authorizer for AlwaysDeny {
    fn authorize(&self, _: &Attributes<'_>) -> Decision {
        Decision::NoOpinion("Everything is forbidden.".to_owned())
    }
}

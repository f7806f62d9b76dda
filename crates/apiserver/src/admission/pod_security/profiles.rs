//! Confinement profiles (AppArmor, seccomp) of a type that even the baseline level forbids.

use super::pod::{Pod, present};
use super::setters::Setters;
use std::collections::BTreeSet;

/// Types that may be set; `Unconfined` and whatever else comes may not.
const ALLOWED_TYPES: [&str; 2] = ["RuntimeDefault", "Localhost"];

/// Who set forbidden profiles, and their types in order.
#[derive(Debug)]
pub struct ForbiddenProfiles<'a> {
    /// Who did; `None` if nobody.
    pub setters: Option<Setters<'a>>,
    /// The types.
    pub types: BTreeSet<&'a str>,
}

impl<'a> ForbiddenProfiles<'a> {
    /// Looks at this field, such as `seccompProfile`, of all security contexts of a pod.
    pub fn find(pod: Pod<'a>, field: &str) -> Self {
        let mut types = BTreeSet::new();
        let setters = Setters::find(pod, |context| {
            let Some(profile) = present(context, field) else { return false };
            let kind = profile.str_at(&["type"]);
            let is_bad = !ALLOWED_TYPES.contains(&kind);
            if is_bad {
                types.insert(kind);
            }
            is_bad
        });
        Self { setters, types }
    }
}

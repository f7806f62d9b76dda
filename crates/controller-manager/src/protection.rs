//! Finalizers that keep objects while something uses them.
//!
//! Admission (`StorageObjectInUseProtection`) puts such a finalizer on every new object. A protection controller puts
//! it on objects that came to be without it, and takes it off those that are to go and that nothing uses. Who uses an
//! object is each controller's own matter.

use crate::plan::{Plan, Write};
use skiff_apimachinery::Document;
use skiff_client::{Cached, Event, Resource};

/// The finalizer that keeps objects of one resource.
pub struct Protection {
    /// The resource.
    pub resource: Resource,
    /// The finalizer.
    pub finalizer: &'static str,
}

/// Whether something needs the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Something does: the object is kept.
    Used,
    /// Nothing does.
    Unused,
}

impl Protection {
    /// Whether the finalizer may have to be written: the object stays and lacks it, or goes and still has it.
    pub fn is_due(&self, object: &Document) -> bool {
        self.holds(object) == object.deletion_timestamp().is_some()
    }

    /// The object of a change, if its finalizer may have to be written.
    pub fn concerned<'a, T>(&self, event: &'a Event<T>) -> Option<&'a Cached<T>> {
        match event {
            Event::Deleted(_) => None,
            Event::Added(object) | Event::Updated { new: object, .. } => {
                self.is_due(object).then_some(&**object)
            }
        }
    }

    /// Adds the finalizer to an object that stays; takes it off one that goes, unless it is used.
    pub fn plan(&self, object: &Document, usage: Usage) -> Plan {
        let mut plan = Plan::default();
        let goes = object.deletion_timestamp().is_some();
        if !self.is_due(object) || (goes && usage == Usage::Used) {
            return plan;
        }
        let mut changed = object.clone();
        let finalizers = changed.ensure(&["metadata", "finalizers"]).make_array();
        if goes {
            finalizers.retain(|held| held.as_str() != Some(self.finalizer));
        } else {
            finalizers.push(self.finalizer.into());
        }
        // With the resourceVersion that was looked at, so that nothing is decided over an object that changed since.
        plan.write(Write::update(&self.resource, changed));
        plan
    }

    fn holds(&self, object: &Document) -> bool {
        object.finalizers().any(|held| held == self.finalizer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;
    use skiff_client::resources::PERSISTENT_VOLUMES;
    use skiff_client::{Untyped, Verb};
    use std::sync::Arc;

    const PROTECTION: Protection = Protection { resource: PERSISTENT_VOLUMES, finalizer: "kept" };

    fn staying(finalizers: &[&str]) -> Document {
        let finalizers: Document = finalizers.iter().map(|&finalizer| Document::from(finalizer)).collect();
        doc!({"metadata": {"name": "a", "resourceVersion": "7", "finalizers": finalizers}})
    }

    fn going(finalizers: &[&str]) -> Document {
        let mut object = staying(finalizers);
        object.set(&["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z");
        object
    }

    /// The finalizers that are written, if any are.
    fn written(object: &Document, usage: Usage) -> Option<Vec<String>> {
        let plan = PROTECTION.plan(object, usage);
        let call = &plan.writes().next()?.call;
        assert_eq!((call.verb, call.subresource.as_str(), call.name.as_str()), (Verb::Update, "", "a"));
        let body = call.body.as_ref()?;
        assert_eq!(body.resource_version(), "7");
        Some(body.finalizers().map(str::to_owned).collect())
    }

    #[test]
    fn an_object_that_stays_gets_the_finalizer_beside_others() {
        for usage in [Usage::Used, Usage::Unused] {
            assert_eq!(written(&staying(&[]), usage).unwrap(), ["kept"]);
            assert_eq!(written(&staying(&["other"]), usage).unwrap(), ["other", "kept"]);
            assert_eq!(written(&staying(&["kept"]), usage), None);
        }
    }

    #[test]
    fn an_object_that_goes_loses_the_finalizer_once_nothing_uses_it() {
        assert_eq!(written(&going(&["kept"]), Usage::Used), None);
        assert!(written(&going(&["kept"]), Usage::Unused).unwrap().is_empty());
        assert_eq!(written(&going(&["other", "kept"]), Usage::Unused).unwrap(), ["other"]);
    }

    #[test]
    fn an_object_that_goes_without_the_finalizer_is_left_alone() {
        for usage in [Usage::Used, Usage::Unused] {
            assert_eq!(written(&going(&["other"]), usage), None);
        }
    }

    #[test]
    fn only_changes_after_which_the_finalizer_may_be_written_concern() {
        let cached = |object| Arc::new(Cached { object: Arc::new(object), typed: Untyped });
        let added = |object| Event::Added(cached(object));
        let updated = |old, new| Event::Updated { old: cached(old), new: cached(new) };
        let concerns = |event: Event<Untyped>| PROTECTION.concerned(&event).is_some();
        assert!(concerns(added(staying(&[]))));
        assert!(!concerns(added(staying(&["kept"]))));
        assert!(concerns(updated(staying(&["kept"]), going(&["kept"]))));
        assert!(concerns(updated(staying(&["kept"]), staying(&[]))));
        assert!(!concerns(updated(going(&["kept", "other"]), going(&["other"]))));
        assert!(!concerns(Event::Deleted(cached(going(&["kept"])))));
    }
}

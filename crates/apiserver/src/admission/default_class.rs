//! Which class of a resource is the default one: shared by the plugins that fill in storage and ingress classes.

use crate::objects::Objects;
use skiff_apimachinery::{Document, GroupResource};
use std::sync::Arc;

/// The newest of the classes that have one of the annotations set to `true`; the first by name of several as new.
pub(super) fn newest(
    objects: &dyn Objects,
    classes: &GroupResource,
    annotations: &[&str],
) -> Option<Arc<Document>> {
    let is_default =
        |class: &Arc<Document>| annotations.iter().any(|key| class.annotation(key) == Some("true"));
    // Times of the API are all in UTC and in one form: they sort as texts.
    objects.list(classes, "").into_iter().filter(is_default).min_by(|a, b| {
        b.creation_timestamp().cmp(a.creation_timestamp()).then_with(|| a.name().cmp(b.name()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing;
    use skiff_apimachinery::doc;

    #[test]
    fn the_newest_default_wins_and_then_the_name() {
        let class = |name: &str, time: &str, default: &str| {
            let metadata =
                doc!({"name": name, "creationTimestamp": time, "annotations": {"default": default}});
            ("storageclasses", doc!({"metadata": metadata}))
        };
        let objects = testing::objects(vec![
            class("old", "2025-01-01T00:00:00Z", "true"),
            class("b", "2025-01-02T00:00:00Z", "true"),
            class("a", "2025-01-02T00:00:00Z", "true"),
            class("newest", "2025-01-03T00:00:00Z", "false"),
        ]);
        let classes = GroupResource::new("storage.k8s.io", "storageclasses");
        let found = newest(&*objects, &classes, &["other", "default"]);
        assert_eq!(found.unwrap().name(), "a");
        assert!(newest(&*objects, &classes, &["other"]).is_none());
    }
}

//! [sig-scheduling]: priority classes.

use crate::harness::Api;
use crate::objects::Objects;
use crate::resources::{labelled, named};
use skiff_apimachinery::{Document, doc};
use skiff_client::PatchKind;
use skiff_client::resources::PRIORITY_CLASSES;

/// `SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass endpoints can be operated with different
/// HTTP methods`
#[test]
fn verify_priority_class_endpoints_can_be_operated_with_different_http_methods() {
    let api = Api::new();
    let classes = api.of(&PRIORITY_CLASSES);
    let selector = format!("e2e={}", api.namespace);
    let names = [api.named("p1"), api.named("p2")];
    for (name, value) in names.iter().zip([10, 20]) {
        classes.create(labelled("e2e", &api.namespace, named(name, doc!({"value": value}))));
    }

    // The value cannot be changed, whatever the method.
    for name in &names {
        let mut changed = classes.get(name);
        let value = changed.i64_at(&["value"]).unwrap();
        changed.insert("value", value * 10);
        let refused = Objects::refused(classes.try_update(changed));
        assert_eq!((refused.code, refused.reason.as_str()), (422, "Invalid"), "{refused}");
        assert!(refused.message.contains("value: Forbidden: may not be changed in an update."), "{refused}");
        for kind in [PatchKind::Strategic, PatchKind::Merge] {
            let patched = classes.try_patch(name, "", kind, doc!({"value": value * 10}));
            assert_eq!(Objects::refused(patched).code, 422);
        }
        let patch = doc!([{"op": "replace", "path": "/value", "value": value * 10}]);
        let patched = classes.try_patch(name, "", PatchKind::Json, patch);
        assert_eq!(Objects::refused(patched).code, 422);
        assert_eq!(classes.get(name).i64_at(&["value"]), Some(value));
    }

    // The description can.
    let describe = |text: &str| doc!({"description": text});
    let described = |object: &Document, text: &str| assert_eq!(object.str_at(&["description"]), text);
    described(&classes.edit(&names[0], |o| o.insert("description", "updated")), "updated");
    described(&classes.patch(&names[0], describe("merged")), "merged");
    described(&classes.strategic_patch(&names[0], describe("strategic")), "strategic");
    let patch = doc!([{"op": "replace", "path": "/description", "value": "json"}]);
    described(&classes.try_patch(&names[0], "", PatchKind::Json, patch).unwrap(), "json");
    let patch = doc!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
        "metadata": {"name": names[0].as_str()}, "value": 10, "description": "applied"
    });
    let applied = classes.try_patch(&names[0], "", PatchKind::Apply { force: true }, patch);
    described(&applied.unwrap(), "applied");

    assert_eq!(classes.list(&selector).len(), 2);
    classes.delete(&names[0]);
    classes.gone(&names[0]);
    classes.delete_collection(&selector);
    classes.none(&selector);
}

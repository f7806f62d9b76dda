//! Strategic merge as upstream documents it.

use super::*;
use crate::doc;
use crate::schema::{PatchStrategy, Type};

fn of(ty: Type) -> Schema {
    Schema { ty, ..Schema::default() }
}

/// `containers` merges by name, `args` is atomic, `finalizers` merges scalars, `volumes` merges with retainKeys.
pub(super) fn schema() -> Schema {
    let list = |element: Schema| Schema { items: Some(element.into()), ..of(Type::Array) };
    let merge = PatchStrategy { merge: true, ..PatchStrategy::default() };
    let args = Field::new("args", list(of(Type::String)));
    let container = Schema {
        fields: vec![args, Field::new("image", of(Type::String)), Field::new("name", of(Type::String))],
        ..of(Type::Object)
    };
    let mut containers = Field::new("containers", list(container));
    containers.patch = merge;
    containers.merge_key = Some("name".into());
    let mut finalizers = Field::new("finalizers", list(of(Type::String)));
    finalizers.patch = merge;
    let labels = Field::new("labels", Schema { items: Some(of(Type::String).into()), ..of(Type::Object) });
    let mut strategy = Field::new("strategy", of(Type::Object));
    strategy.patch.retain_keys = true;
    Schema { fields: vec![containers, finalizers, labels, strategy], ..of(Type::Object) }
}

pub(super) fn patched(mut doc: Document, patch: Document) -> Result<Document, PatchError> {
    apply_strategic_merge_patch(&mut doc, &patch, &schema()).map(|()| doc)
}

#[test]
fn lists_merge_by_key_and_new_elements_come_first() {
    let live = doc!({"containers": [{"name": "a", "image": "1", "args": ["x"]}, {"name": "b"}]});
    assert_eq!(
        patched(live, doc!({"containers": [{"name": "c"}, {"name": "a", "image": "2", "args": ["y"]}]}))
            .unwrap(),
        doc!({"containers": [{"name": "c"}, {"name": "a", "image": "2", "args": ["y"]}, {"name": "b"}]})
    );
}

#[test]
fn directives_delete_and_replace() {
    let live = doc!({"containers": [{"name": "a"}, {"name": "b"}], "labels": {"x": "1", "y": "2"}});
    assert_eq!(
        patched(
            live.clone(),
            doc!({"containers": [{"name": "a", "$patch": "delete"}], "labels": {"x": null}})
        )
        .unwrap(),
        doc!({"containers": [{"name": "b"}], "labels": {"y": "2"}})
    );
    assert_eq!(
        patched(
            live.clone(),
            doc!({"containers": [{"$patch": "replace"}, {"name": "c"}], "labels": {"$patch": "replace", "z": "3"}})
        )
        .unwrap(),
        doc!({"containers": [{"name": "c"}], "labels": {"z": "3"}})
    );
    assert_eq!(
        patched(live, doc!({"labels": {"$patch": "delete"}, "containers": null})).unwrap(),
        doc!({"labels": {}})
    );
}

#[test]
fn the_element_order_directive_settles_the_order() {
    let live = doc!({"containers": [{"name": "a"}, {"name": "b"}, {"name": "server"}]});
    assert_eq!(
        patched(
            live,
            doc!({
                "$setElementOrder/containers": [{"name": "c"}, {"name": "b"}, {"name": "a"}],
                "containers": [{"name": "c", "image": "1"}]
            })
        )
        .unwrap(),
        doc!({"containers": [{"name": "c", "image": "1"}, {"name": "b"}, {"name": "a"}, {"name": "server"}]})
    );
}

#[test]
fn scalars_merge_and_are_deleted() {
    let live = doc!({"finalizers": ["a", "b"]});
    assert_eq!(
        patched(live.clone(), doc!({"finalizers": ["c"]})).unwrap(),
        doc!({"finalizers": ["c", "a", "b"]})
    );
    assert_eq!(
        patched(
            live,
            doc!({
                "$deleteFromPrimitiveList/finalizers": ["a"],
                "$setElementOrder/finalizers": ["b", "c"],
                "finalizers": ["c"]
            })
        )
        .unwrap(),
        doc!({"finalizers": ["b", "c"]})
    );
}

#[test]
fn retain_keys_clears_the_other_members() {
    let live = doc!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}});
    assert_eq!(
        patched(live, doc!({"strategy": {"$retainKeys": ["type"], "type": "Recreate"}})).unwrap(),
        doc!({"strategy": {"type": "Recreate"}})
    );
}

#[test]
fn new_values_carry_no_directives_and_no_nulls() {
    assert_eq!(
        patched(
            doc!({}),
            doc!({
                "containers": [{"name": "a", "image": null}, {"name": "b", "$patch": "delete"}],
                "labels": {"$retainKeys": ["x"], "x": "1", "y": null}
            })
        )
        .unwrap(),
        doc!({"containers": [{"name": "a"}], "labels": {"x": "1"}})
    );
}

#[test]
fn malformed_patches_are_refused() {
    let live = doc!({"containers": [{"name": "a"}], "labels": {"a": "b"}});
    assert!(patched(live.clone(), doc!({"containers": [{"image": "x"}]})).is_err());
    assert!(patched(live.clone(), doc!({"labels": {"$patch": "explode"}})).is_err());
    assert!(
        patched(live, doc!({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "z"}]}))
            .is_err()
    );
}

//! Field management as upstream documents it, and its laws.

use super::{Apply, Update, apply, reset_fields, track_update};
use crate::ownership::fieldset::FieldSet;
use crate::schema::{Field, ListType, PatchStrategy, ProtoKind, Schema, SchemaRef, Type};
use crate::{Document, doc, time::parse_time};
use jiff::Timestamp;
use proptest::prelude::*;

fn field(name: &'static str, schema: Schema) -> Field {
    Field {
        name: name.into(),
        schema: schema.into(),
        patch: PatchStrategy::default(),
        merge_key: None,
        proto_number: 0,
        proto_kind: ProtoKind::Message,
        always: false,
        pointer: false,
        proto_outer: Vec::new(),
    }
}

fn text() -> Schema {
    Schema { ty: Type::String, ..Schema::default() }
}

fn object(fields: Vec<Field>) -> Schema {
    Schema { ty: Type::Object, fields, ..Schema::default() }
}

fn labels() -> Schema {
    Schema { ty: Type::Object, items: Some(SchemaRef::from(text())), ..Schema::default() }
}

/// metadata.labels, spec.{args (atomic), containers (by name), ports (by port and protocol), replicas}, status.
fn schema() -> Schema {
    let list = |list: ListType, element: Schema| Schema {
        ty: Type::Array,
        list,
        items: Some(SchemaRef::from(element)),
        ..Schema::default()
    };
    let container = object(vec![field("image", text()), field("name", text())]);
    let port = object(vec![field("name", text()), field("port", text()), field("protocol", text())]);
    object(vec![
        field("metadata", object(vec![field("labels", labels()), field("name", text())])),
        field(
            "spec",
            object(vec![
                field("args", list(ListType::Atomic, text())),
                field("containers", list(ListType::Map(vec!["name".into()]), container)),
                field("ports", list(ListType::Map(vec!["port".into(), "protocol".into()]), port)),
                field("replicas", text()),
            ]),
        ),
        field("status", object(vec![])),
    ])
}

fn at(second: i64) -> Timestamp {
    parse_time("2026-01-01T00:00:00Z").unwrap() + jiff::SignedDuration::from_secs(second)
}

fn applied(
    live: Option<&Document>,
    config: Document,
    manager: &str,
    force: bool,
) -> Result<Document, String> {
    let reset = reset_fields(&[&["status"]]);
    let how = Apply { manager, force, api_version: "v1", subresource: "", reset: &reset, now: at(0) };
    apply(live, &config, Some(&schema()), &how).map_err(|conflicts| conflicts.to_string())
}

fn updated(old: Option<&Document>, mut new: Document, manager: &str) -> Document {
    let reset = reset_fields(&[&["status"]]);
    let how = Update { manager, api_version: "v1", subresource: "", reset: &reset, now: at(1) };
    track_update(old, &mut new, Some(&schema()), &how);
    new
}

fn owned_by(object: &Document, manager: &str) -> Document {
    let entry = object
        .array_at(&["metadata", "managedFields"])
        .iter()
        .find(|entry| entry.str_at(&["manager"]) == manager)
        .cloned()
        .unwrap_or_default();
    entry.get("fieldsV1").cloned().unwrap_or_default()
}

fn bare(object: &Document) -> Document {
    let mut object = object.clone();
    object.remove(&["metadata", "managedFields"]);
    if object.get("metadata").is_some_and(Document::is_empty) {
        object.remove(&["metadata"]);
    }
    object
}

#[test]
fn an_apply_owns_what_it_names() {
    let object = applied(
        None,
        doc!({"metadata": {"name": "x", "labels": {"a": "1"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}),
        "me",
        false,
    )
    .unwrap();
    assert_eq!(
        owned_by(&object, "me"),
        doc!({
            "f:metadata": {"f:labels": {"f:a": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:image": {}, "f:name": {}}}}
        })
    );
}

#[test]
fn what_is_named_no_longer_and_nobody_else_owns_goes_away() {
    let first = doc!({"metadata": {"labels": {"a": "1", "b": "1"}}, "spec": {"containers": [{"name": "c"}, {"name": "d"}]}});
    let live = applied(None, first, "me", false).unwrap();
    let live = applied(Some(&live), doc!({"metadata": {"labels": {"b": "1"}}}), "other", false).unwrap();
    let second = doc!({"spec": {"containers": [{"name": "d"}]}});
    let live = applied(Some(&live), second, "me", false).unwrap();
    assert_eq!(
        bare(&live),
        doc!({"metadata": {"labels": {"b": "1"}}, "spec": {"containers": [{"name": "d"}]}})
    );
}

#[test]
fn changing_what_another_owns_is_a_conflict_and_force_takes_it() {
    let live = applied(None, doc!({"spec": {"replicas": "1"}}), "a", false).unwrap();
    assert_eq!(
        applied(Some(&live), doc!({"spec": {"replicas": "2"}}), "b", false).unwrap_err(),
        "Apply failed with 1 conflict: conflict with \"a\": .spec.replicas"
    );
    assert!(
        applied(Some(&live), doc!({"spec": {"replicas": "1"}}), "b", false).is_ok(),
        "agreeing is no conflict"
    );
    let taken = applied(Some(&live), doc!({"spec": {"replicas": "2"}}), "b", true).unwrap();
    assert_eq!(owned_by(&taken, "a"), Document::NULL);
    assert_eq!(owned_by(&taken, "b"), doc!({"f:spec": {"f:replicas": {}}}));
}

#[test]
fn a_conflict_with_an_update_names_its_version() {
    let live = updated(None, doc!({"spec": {"replicas": "1", "args": ["x"]}}), "kubectl-edit");
    assert_eq!(
        applied(Some(&live), doc!({"spec": {"replicas": "2", "args": ["y"]}}), "b", false).unwrap_err(),
        "Apply failed with 2 conflicts: conflicts with \"kubectl-edit\" using v1:\n- .spec.args\n- .spec.replicas"
    );
}

#[test]
fn a_keys_default_does_not_make_another_element() {
    let live =
        updated(None, doc!({"spec": {"ports": [{"port": "80", "protocol": "TCP", "name": "http"}]}}), "u");
    let live = applied(Some(&live), doc!({"spec": {"ports": [{"port": "80", "name": "http"}]}}), "me", false)
        .unwrap();
    assert_eq!(live.array_at(&["spec", "ports"]).len(), 1);
    let again =
        applied(Some(&live), doc!({"spec": {"ports": [{"port": "80", "name": "http"}]}}), "me", false)
            .unwrap();
    assert_eq!(again, live);
}

#[test]
fn updates_own_what_they_change_and_status_is_left_to_its_subresource() {
    let old = updated(None, doc!({"spec": {"replicas": "1"}, "status": {"x": 1}}), "a");
    assert_eq!(owned_by(&old, "a"), doc!({"f:spec": {"f:replicas": {}}}));
    let mut new = old.clone();
    new.set(&["spec", "replicas"], "2");
    new.set(&["metadata", "labels"], doc!({"l": "1"}));
    let new = updated(Some(&old), new, "b");
    assert_eq!(owned_by(&new, "a"), Document::NULL);
    assert_eq!(
        owned_by(&new, "b"),
        doc!({"f:metadata": {"f:labels": {".": {}, "f:l": {}}}, "f:spec": {"f:replicas": {}}})
    );
}

#[test]
fn clearing_managed_fields_is_honoured() {
    let old = updated(None, doc!({"spec": {"replicas": "1"}}), "a");
    let mut new = old.clone();
    new.set(&["metadata", "managedFields"], doc!([{}]));
    let new = updated(Some(&old), new, "b");
    assert_eq!(new.at(&["metadata", "managedFields"]), None);
}

#[test]
fn a_first_apply_to_an_unmanaged_object_meets_its_earlier_writers() {
    let live = doc!({"spec": {"replicas": "1"}});
    let error = applied(Some(&live), doc!({"spec": {"replicas": "2"}}), "me", false).unwrap_err();
    assert!(error.contains("before-first-apply"), "{error}");
}

#[test]
fn kubectl_takes_over_from_its_client_side_self() {
    let annotation = "{\"spec\":{\"replicas\":\"1\"}}";
    let object = doc!({
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": annotation}},
        "spec": {"replicas": "1"}
    });
    let live = updated(None, object, "kubectl-client-side-apply");
    let after = applied(Some(&live), doc!({"spec": {"replicas": "2"}}), "kubectl", false).unwrap();
    assert_eq!(after.str_at(&["spec", "replicas"]), "2");
}

fn config() -> impl Strategy<Value = Document> {
    let word = || prop::sample::select(vec!["a", "b", "c"]);
    let labels = prop::collection::btree_map(word(), word(), 0..3);
    let containers = prop::collection::btree_map(word(), word(), 0..3);
    (labels, containers, prop::option::of(word())).prop_map(|(labels, containers, replicas)| {
        let mut out = Document::object();
        if !labels.is_empty() {
            out.set(&["metadata", "labels"], labels.into_iter().collect::<Document>());
        }
        if !containers.is_empty() {
            let list: Document =
                containers.into_iter().map(|(name, image)| doc!({"name": name, "image": image})).collect();
            out.set(&["spec", "containers"], list);
        }
        if let Some(replicas) = replicas {
            out.set(&["spec", "replicas"], replicas);
        }
        out
    })
}

proptest! {
    #[test]
    fn applying_twice_changes_nothing(first in config(), second in config()) {
        let live = applied(None, first, "a", true).unwrap();
        let once = applied(Some(&live), second.clone(), "b", true).unwrap();
        let twice = applied(Some(&once), second, "b", true).unwrap();
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn what_is_applied_is_there(first in config(), second in config()) {
        let live = applied(None, first, "a", true).unwrap();
        let after = applied(Some(&live), second.clone(), "a", true).unwrap();
        prop_assert_eq!(bare(&after), second);
    }

    #[test]
    fn an_applier_that_names_nothing_leaves_what_others_own(first in config(), second in config()) {
        let live = applied(None, first.clone(), "a", true).unwrap();
        let both = applied(Some(&live), second, "b", true).unwrap();
        let gone = applied(Some(&both), Document::object(), "b", true).unwrap();
        let set = FieldSet::from_fields_v1(&owned_by(&gone, "a")).unwrap();
        let kept = crate::ownership::fieldset::collect(&bare(&gone), Some(&schema()));
        prop_assert!(set.difference(&kept).is_empty(), "{:?} lost of {:?}", set, gone);
    }
}

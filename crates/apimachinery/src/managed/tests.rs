//! Field management as upstream documents it.

use super::*;
use crate::schema::{Field, ListType, MapType, Type};
use crate::{Reason, Status, doc};

fn of(ty: Type) -> Schema {
    Schema { ty, ..Schema::default() }
}

fn list_of(element: Schema, list: ListType) -> Schema {
    Schema { items: Some(element.into()), list, ..of(Type::Array) }
}

fn fields(fields: Vec<Field>) -> Schema {
    Schema { fields, ..of(Type::Object) }
}

/// A little Deployment: replicas, an atomic selector, containers by name with ports by number and protocol.
pub(super) fn schema() -> Schema {
    let texts = || Schema { items: Some(of(Type::String).into()), ..of(Type::Object) };
    let protocol = Schema { default: Some("TCP".into()), ..of(Type::String) };
    let port = fields(vec![
        Field::new("containerPort", of(Type::Integer)),
        Field::new("name", of(Type::String)),
        Field::new("protocol", protocol),
    ]);
    let ports = list_of(port, ListType::Map(vec!["containerPort".into(), "protocol".into()]));
    let container = fields(vec![
        Field::new("args", list_of(of(Type::String), ListType::Atomic)),
        Field::new("image", of(Type::String)),
        Field::new("name", of(Type::String)),
        Field::new("ports", ports),
    ]);
    let selector = Schema { map: MapType::Atomic, ..texts() };
    let mut spec = Field::new(
        "spec",
        fields(vec![
            Field::new("containers", list_of(container, ListType::Map(vec!["name".into()]))),
            Field::new("finalizers", list_of(of(Type::String), ListType::Set)),
            Field::new("replicas", of(Type::Integer)),
            Field::new("selector", selector),
        ]),
    );
    spec.always = true;
    let mut metadata = Field::new(
        "metadata",
        fields(vec![
            Field::new("annotations", texts()),
            Field::new("labels", texts()),
            Field::new("managedFields", list_of(of(Type::Any), ListType::Atomic)),
            Field::new("name", of(Type::String)),
            Field::new("uid", of(Type::String)),
        ]),
    );
    metadata.always = true;
    fields(vec![
        Field::new("apiVersion", of(Type::String)),
        Field::new("kind", of(Type::String)),
        metadata,
        spec,
    ])
}

static NOTHING: FieldSet = FieldSet::new();

fn writing<T>(manager: &str, second: i64, run: impl FnOnce(&Write<'_>) -> T) -> T {
    let schema = schema();
    run(&Write {
        manager,
        api_version: "apps/v1",
        schema: Some(&schema),
        subresource: "",
        reset: &NOTHING,
        versions: &OneVersion,
        now: Timestamp::from_second(1_800_000_000 + second).unwrap(),
    })
}

pub(super) fn object(spec: Document) -> Document {
    doc!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec})
}

pub(super) fn applied(
    live: Option<&Document>,
    spec: Document,
    manager: &str,
) -> Result<Document, ApplyError> {
    writing(manager, 0, |write| apply(live, &object(spec), write, false))
}

pub(super) fn forced(live: &Document, spec: Document, manager: &str) -> Document {
    writing(manager, 0, |write| apply(Some(live), &object(spec), write, true)).unwrap()
}

pub(super) fn created(spec: Document, manager: &str) -> Document {
    let mut new = object(spec);
    writing(manager, 0, |write| track_update(None, &mut new, write));
    new.set(&["metadata", "uid"], "u");
    new
}

pub(super) fn updated(old: &Document, spec: Document, manager: &str) -> Document {
    let mut new = old.clone();
    new.insert("spec", spec);
    writing(manager, 60, |write| track_update(Some(old), &mut new, write));
    new
}

pub(super) fn owned(object: &Document, manager: &str) -> Document {
    object
        .array_at(&["metadata", "managedFields"])
        .iter()
        .find(|entry| entry.str_at(&["manager"]) == manager)
        .map(|entry| entry["fieldsV1"].clone())
        .unwrap_or_default()
}

#[test]
fn a_created_object_belongs_to_its_creator_as_upstream_writes_it() {
    let object = created(
        doc!({"replicas": 1, "selector": {"app": "web"}, "containers": [{"name": "a", "image": "x", "ports": [{"containerPort": 80}]}]}),
        "kubectl-create",
    );
    assert_eq!(
        object["metadata"]["managedFields"],
        doc!([{
            "manager": "kubectl-create", "operation": "Update", "apiVersion": "apps/v1",
            "time": "2027-01-15T08:00:00Z", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {
                "f:containers": {
                    ".": {},
                    "k:{\"name\":\"a\"}": {
                        ".": {}, "f:image": {}, "f:name": {},
                        "f:ports": {".": {}, "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}
                    }
                },
                "f:replicas": {}, "f:selector": {}
            }}
        }])
    );
}

#[test]
fn an_applied_field_of_somebody_else_is_a_conflict() {
    let live = created(doc!({"replicas": 1}), "kubectl-create");
    let error = applied(Some(&live), doc!({"replicas": 2}), "me").unwrap_err();
    let status = Status::from(error);
    assert_eq!(
        status.message,
        r#"Apply failed with 1 conflict: conflict with "kubectl-create" using apps/v1: .spec.replicas"#
    );
    assert_eq!((status.code, status.reason), (409, Reason::Conflict));
    let cause = &status.details.unwrap().causes[0];
    assert_eq!(cause.reason, "FieldManagerConflict");
    assert_eq!(cause.message, r#"conflict with "kubectl-create" using apps/v1"#);
    assert_eq!(cause.field, ".spec.replicas");
}

#[test]
fn the_same_value_is_shared_and_force_takes_over() {
    let live = created(doc!({"replicas": 1}), "kubectl-create");
    let shared = applied(Some(&live), doc!({"replicas": 1}), "me").unwrap();
    assert_eq!(owned(&shared, "me"), doc!({"f:spec": {"f:replicas": {}}}));
    assert_eq!(owned(&shared, "kubectl-create"), doc!({"f:spec": {"f:replicas": {}}}));
    let taken = forced(&live, doc!({"replicas": 2}), "me");
    assert_eq!(taken["spec"]["replicas"], doc!(2));
    assert!(owned(&taken, "kubectl-create").is_null());
}

#[test]
fn fields_that_are_no_longer_applied_are_removed_unless_shared() {
    let first = applied(
        None,
        doc!({"replicas": 1, "containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}),
        "me",
    )
    .unwrap();
    let second = applied(Some(&first), doc!({"containers": [{"name": "b", "image": "y"}]}), "me").unwrap();
    assert_eq!(second["spec"], doc!({"containers": [{"name": "b", "image": "y"}]}));

    let shared = applied(Some(&first), doc!({"containers": [{"name": "a", "image": "x"}]}), "you").unwrap();
    let left = applied(Some(&shared), doc!({"replicas": 1}), "me").unwrap();
    assert_eq!(left["spec"], doc!({"replicas": 1, "containers": [{"name": "a", "image": "x"}]}));
    assert_eq!(owned(&left, "me"), doc!({"f:spec": {"f:replicas": {}}}));
}

#[test]
fn what_the_server_defaulted_stays() {
    let mut live = applied(None, doc!({"containers": [{"name": "a", "image": "x"}]}), "me").unwrap();
    live.set(&["spec", "replicas"], 1);
    let again = applied(Some(&live), doc!({"containers": [{"name": "a", "image": "z"}]}), "me").unwrap();
    assert_eq!(again["spec"], doc!({"containers": [{"name": "a", "image": "z"}], "replicas": 1}));
}

#[test]
fn list_elements_merge_by_key_with_defaults_and_sets_merge_by_value() {
    let live = created(
        doc!({"finalizers": ["a"], "containers": [{"name": "a", "ports": [{"containerPort": 80, "protocol": "TCP", "name": "web"}]}]}),
        "creator",
    );
    let merged = applied(
        Some(&live),
        doc!({"finalizers": ["b"], "containers": [{"name": "a", "image": "x", "ports": [{"containerPort": 80}]}]}),
        "me",
    )
    .unwrap();
    assert_eq!(
        merged["spec"],
        doc!({
            "finalizers": ["a", "b"],
            "containers": [{
                "name": "a", "image": "x", "ports": [{"containerPort": 80, "protocol": "TCP", "name": "web"}]
            }]
        })
    );
}

#[test]
fn an_update_takes_what_it_changes_and_keeps_times_of_what_it_does_not() {
    let live = created(doc!({"replicas": 1, "finalizers": ["a"]}), "creator");
    let new = updated(&live, doc!({"replicas": 2, "finalizers": ["a"]}), "scaler");
    assert_eq!(owned(&new, "scaler"), doc!({"f:spec": {"f:replicas": {}}}));
    assert_eq!(owned(&new, "creator"), doc!({"f:spec": {"f:finalizers": {".": {}, "v:\"a\"": {}}}}));
    let same = updated(&new, doc!({"replicas": 2, "finalizers": ["a"]}), "idler");
    assert_eq!(same, new);
}

#[test]
fn an_untracked_object_stays_so_until_its_first_apply() {
    let mut live = object(doc!({"replicas": 1, "finalizers": ["a"]}));
    live.set(&["metadata", "uid"], "u");
    assert!(updated(&live, doc!({"replicas": 2}), "x").at(&["metadata", "managedFields"]).is_none());
    let applied = applied(Some(&live), doc!({"replicas": 1}), "me").unwrap();
    assert_eq!(
        owned(&applied, "before-first-apply"),
        doc!({"f:spec": {"f:finalizers": {".": {}, "v:\"a\"": {}}, "f:replicas": {}}})
    );
}

#[test]
fn clients_may_forget_all_owners() {
    let live = created(doc!({"replicas": 1}), "creator");
    let mut new = live.clone();
    new.set(&["metadata", "managedFields"], doc!([{}]));
    writing("x", 1, |write| track_update(Some(&live), &mut new, write));
    assert!(new.at(&["metadata", "managedFields"]).is_none());
}

#[test]
fn kubectl_goes_from_client_side_to_server_side_without_conflicts() {
    let mut new = object(doc!({"replicas": 1, "finalizers": ["a"]}));
    let last =
        r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":1}}"#;
    new.set(&["metadata", "annotations", LAST_APPLIED], last);
    writing("kubectl-client-side-apply", 0, |write| track_update(None, &mut new, write));
    new.set(&["metadata", "uid"], "u");
    let result = applied(Some(&new), doc!({"replicas": 3}), "kubectl").unwrap();
    assert_eq!(result["spec"]["replicas"], doc!(3));
    assert!(result.annotation(LAST_APPLIED).unwrap().contains(r#""replicas":3"#));
    assert!(applied(Some(&new), doc!({"replicas": 3}), "other").is_err());
}

#[test]
fn the_oldest_updaters_are_put_together() {
    let mut live = created(doc!({"finalizers": ["m0"]}), "m0");
    let mut finalizers = vec!["m0".to_owned()];
    for i in 1..14 {
        finalizers.push(format!("m{i}"));
        live = updated(&live, doc!({"finalizers": finalizers.clone()}), &format!("m{i}"));
    }
    let entries = live.array_at(&["metadata", "managedFields"]);
    assert_eq!(entries.len(), 10);
    assert!(entries.iter().any(|entry| entry.str_at(&["manager"]) == "ancient-changes"));
}

#[test]
fn wrong_applied_objects_are_refused_in_upstreams_words() {
    let error = |spec| Status::from(applied(None, spec, "me").unwrap_err());
    assert_eq!(
        error(doc!({"foo": 1})).message,
        "failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.foo: field not declared in schema"
    );
    assert_eq!(
        error(doc!({"replicas": "one"})).message,
        "failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string"
    );
    assert_eq!(
        error(doc!({"containers": [{"image": "x"}]})).message,
        "failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.containers: element 0: associative list with keys has an element that omits key field \"name\" (and doesn't have default value)"
    );
    assert_eq!(
        error(doc!({"containers": [{"name": "a"}, {"name": "a"}]})).message,
        "failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.containers: duplicate entries for key [name=\"a\"]"
    );
    let mut other = object(doc!({}));
    other.insert("apiVersion", "apps/v2");
    let status = Status::from(writing("me", 0, |write| apply(None, &other, write, false)).unwrap_err());
    assert_eq!(status.code, 400);
}

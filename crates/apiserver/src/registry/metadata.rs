//! The rules of object metadata: what the server sets, what may change, what is valid.

use super::Target;
use jiff::Timestamp;
use skiff_api::{Resource, validation};
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map, Node, Status, names};

/// Most bytes of all annotations together.
const MAX_ANNOTATION_BYTES: usize = 256 << 10;

/// Gives the object the namespace of the request, and refuses another one.
pub(super) fn settle_namespace(target: &Target, object: &mut Document) -> Result<(), Status> {
    let given = object.namespace();
    if !target.hub.namespaced() {
        if !given.is_empty() {
            object.remove(&["metadata", "namespace"]);
        }
        return Ok(());
    }
    if given.is_empty() {
        object.set(&["metadata", "namespace"], target.namespace.as_str());
    } else if given != target.namespace {
        return Err(Status::foreign_namespace());
    }
    Ok(())
}

/// Metadata of a new object: the server's fields set, what clients may not set removed, in upstream's order.
pub(super) fn begin(object: &mut Document, now: Timestamp) {
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        object.remove(&["metadata", field]);
    }
    object.set(&["metadata", "uid"], uuid::Uuid::new_v4().to_string());
    object.set(&["metadata", "creationTimestamp"], format_time(now));
    order(object);
}

/// Puts metadata's fields in the order in which upstream encodes them.
fn order(object: &mut Document) {
    const FIRST: [&str; 6] = ["name", "generateName", "namespace", "uid", "generation", "creationTimestamp"];
    let Some(metadata) = object.get_mut("metadata").map(|metadata| metadata.take().into_object()) else {
        return;
    };
    let mut metadata = metadata;
    let mut ordered = Map::new();
    for field in FIRST {
        if let Some(value) = metadata.remove(field) {
            ordered.insert(field, value);
        }
    }
    ordered.extend(metadata);
    object.insert("metadata", ordered);
}

/// The new state must be of the same object.
pub(super) fn check_identity(target: &Target, new: &Document, old: &Document) -> Result<(), Status> {
    if new.name() != target.name {
        let (object, url) = (new.name(), &target.name);
        let why = if object.is_empty() {
            "name must be provided".to_owned()
        } else {
            format!("the name of the object ({object}) does not match the name on the URL ({url})")
        };
        return Err(Status::bad_request(why));
    }
    if !new.uid().is_empty() && new.uid() != old.uid() {
        let (wanted, found) = (new.uid(), old.uid());
        let why = format!("Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}");
        return Err(Status::conflict(&target.group_resource(), &target.name, &why));
    }
    Ok(())
}

/// 422: this kind is only updated with a resourceVersion.
pub(super) fn version_required(target: &Target) -> Status {
    let field = FieldPath::new("metadata").child("resourceVersion");
    let mut error = FieldError::invalid(&field, 0, "must be specified for an update");
    error.value = "0x0".into();
    Status::invalid(&target.row.group_kind(), &target.name, &vec![error])
}

/// What an update cannot change comes from the old object, absent or not.
pub(super) fn carry_over(new: &mut Document, old: &Document) {
    const KEPT: [&str; 6] = [
        "uid",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
    ];
    for field in KEPT {
        match old.at(&["metadata", field]) {
            Some(value) => new.set(&["metadata", field], value),
            None => drop(new.remove(&["metadata", field])),
        }
    }
    new.remove(&["metadata", "selfLink"]);
    // A client that sends no managedFields does not mean to drop them.
    if new.at(&["metadata", "managedFields"]).is_none()
        && let Some(managers) = old.at(&["metadata", "managedFields"])
    {
        new.set(&["metadata", "managedFields"], managers);
    }
}

/// Generation counts changes of anything but metadata and status.
pub(super) fn count_generation(hub: &Resource, new: &mut Document, old: &Document) {
    if !hub.strategy.raises_generation() {
        return;
    }
    let content = |object: &Document| -> Map {
        let fields = object.as_object().into_iter().flat_map(|map| map.iter());
        fields
            .filter(|(key, value)| {
                let reported = *key == "status" && hub.strategy.has_status();
                let identity = matches!(*key, "metadata" | "apiVersion" | "kind");
                !reported && !identity && !value.is_null()
            })
            .map(|(key, value)| (key, value.clone()))
            .collect()
    };
    if content(new) != content(old) {
        new.set(&["metadata", "generation"], old.generation() + 1);
    }
}

/// Admission cannot change what the server owns either.
pub(super) fn set_last_word(new: &mut Document, old: &Document) {
    for field in ["uid", "creationTimestamp"] {
        if let Some(value) = old.at(&["metadata", field]) {
            new.set(&["metadata", field], value);
        }
    }
}

/// Whether a deleted object has nothing left to wait for.
pub(super) fn is_finished(hub: &Resource, object: &Document) -> bool {
    let namespace_is_held = hub.gvk.group.is_empty()
        && hub.plural == "namespaces"
        && !object.array_at(&["spec", "finalizers"]).is_empty();
    object.deletion_timestamp().is_some()
        && object.finalizers().next().is_none()
        && object.i64_at(&["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0) == 0
        && !namespace_is_held
}

/// What is wrong with the metadata of a new object.
pub(super) fn validate(hub: &Resource, object: &Document) -> FieldErrors {
    let metadata = FieldPath::new("metadata");
    let mut errors = FieldErrors::new();
    validate_name(hub, object, &metadata, &mut errors);
    if hub.namespaced() {
        for why in names::dns1123_label(object.namespace()) {
            errors.push(FieldError::invalid(&metadata.child("namespace"), object.namespace(), why));
        }
    }
    errors.extend(validate_accessories(object, &metadata));
    errors
}

/// What is wrong with the metadata of a changed object.
pub(super) fn validate_update(hub: &Resource, new: &Document, old: &Document) -> FieldErrors {
    let metadata = FieldPath::new("metadata");
    let mut errors = validate_accessories(new, &metadata);
    if new.namespace() != old.namespace() && hub.namespaced() {
        let field = metadata.child("namespace");
        errors.push(FieldError::invalid(&field, new.namespace(), "field is immutable"));
    }
    if old.deletion_timestamp().is_some() {
        let added: Vec<&str> = new.finalizers().filter(|f| !old.finalizers().any(|o| o == *f)).collect();
        if !added.is_empty() {
            let list: Vec<String> = added.iter().map(|f| format!("{f:?}")).collect();
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                list.join(", ")
            );
            errors.push(FieldError::forbidden(&metadata.child("finalizers"), why));
        }
    }
    errors
}

fn validate_name(hub: &Resource, object: &Document, metadata: &FieldPath, errors: &mut FieldErrors) {
    let (name, base) = (object.name(), object.str_at(&["metadata", "generateName"]));
    if name.is_empty() {
        let why = "name or generateName is required";
        errors.push(FieldError::required(&metadata.child("name"), why));
        return;
    }
    let check = |text: &str| validation::object_name(hub.strategy.name_rule(), text);
    if !base.is_empty() {
        // The base alone may end in what only the suffix makes valid.
        let masked = format!("{}a", base.trim_end_matches(['-', '.']));
        let field = metadata.child("generateName");
        errors.extend(check(&masked).into_iter().map(|why| FieldError::invalid(&field, base, why)));
    }
    let field = metadata.child("name");
    errors.extend(check(name).into_iter().map(|why| FieldError::invalid(&field, name, why)));
}

fn validate_accessories(object: &Document, metadata: &FieldPath) -> FieldErrors {
    let mut errors = FieldErrors::new();
    validate_labels(object.labels(), &metadata.child("labels"), &mut errors);
    validate_annotations(object.annotations(), &metadata.child("annotations"), &mut errors);
    validate_owners(object.owner_references(), &metadata.child("ownerReferences"), &mut errors);
    let field = metadata.child("finalizers");
    for finalizer in object.finalizers() {
        errors.extend(
            names::qualified_name(finalizer)
                .into_iter()
                .map(|why| FieldError::invalid(&field, finalizer, why)),
        );
    }
    let both = ["orphan", "foregroundDeletion"].iter().all(|f| object.finalizers().any(|o| o == *f));
    if both {
        let shown: Vec<&str> = object.finalizers().collect();
        let why = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid(&field, shown, why));
    }
    errors
}

fn validate_labels(labels: Option<&Map>, field: &FieldPath, errors: &mut FieldErrors) {
    for (key, value) in labels.into_iter().flat_map(|labels| labels.iter()) {
        errors.extend(names::qualified_name(key).into_iter().map(|why| FieldError::invalid(field, key, why)));
        let text = value.as_str().unwrap_or("");
        errors.extend(names::label_value(text).into_iter().map(|why| FieldError::invalid(field, text, why)));
    }
}

fn validate_annotations(annotations: Option<&Map>, field: &FieldPath, errors: &mut FieldErrors) {
    let mut bytes = 0;
    for (key, value) in annotations.into_iter().flat_map(|annotations| annotations.iter()) {
        let lower = key.to_lowercase();
        errors.extend(
            names::qualified_name(&lower).into_iter().map(|why| FieldError::invalid(field, key, why)),
        );
        bytes += key.len() + value.as_str().map_or(0, str::len);
    }
    if bytes > MAX_ANNOTATION_BYTES {
        errors.push(FieldError::too_long(field, MAX_ANNOTATION_BYTES));
    }
}

fn validate_owners(owners: &[Document], field: &FieldPath, errors: &mut FieldErrors) {
    let mut controllers = 0;
    for owner in owners {
        for name in ["apiVersion", "kind", "name", "uid"] {
            if owner.str_at(&[name]).is_empty() {
                let shown = owner.get(name).map_or(Node::Null, Document::node);
                let why =
                    if name == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                let value: &str = if let Node::String(text) = shown { text } else { "" };
                errors.push(FieldError::invalid(&field.child(name), value, why));
            }
        }
        if owner.bool_at(&["controller"]) == Some(true) {
            controllers += 1;
        }
    }
    if controllers > 1 {
        let why = format!(
            "Only one reference can have Controller set to true. Found \"true\" in references for {controllers} owners"
        );
        errors.push(FieldError::invalid(field, Document::from(owners.to_vec()), why));
    }
}

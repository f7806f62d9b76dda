//! Claims that are made together with a pod (KEP-1698).

use super::super::annotations;
use super::super::given;
use super::required;
use crate::validation::labels;
use crate::validation::place::Place;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, FieldError, FieldErrors, names};

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
/// What an object has and a template of one has not, in upstream's order, and as upstream spells it.
const METADATA: [(&str, &str); 13] = [
    ("name", "name"),
    ("generateName", "generateName"),
    ("namespace", "namespace"),
    ("selfLink", "selfLink"),
    ("uid", "uID"),
    ("resourceVersion", "resourceVersion"),
    ("generation", "generation"),
    ("creationTimestamp", "creationTimestamp"),
    ("deletionTimestamp", "deletionTimestamp"),
    ("deletionGracePeriodSeconds", "deletionGracePeriodSeconds"),
    ("ownerReferences", "ownerReferences"),
    ("finalizers", "finalizers"),
    ("managedFields", "managedFields"),
];

static EMPTY: Document = Document::NULL;

/// The template of an ephemeral volume's claim.
pub(super) fn of_volume(source: &Document, place: &Place<'_>) -> FieldErrors {
    let place = &place.child("volumeClaimTemplate");
    let Some(template) = given(source, "volumeClaimTemplate") else { return vec![place.required("")] };
    let mut out = metadata(template, &place.child("metadata"));
    out.extend(spec(template.get("spec").unwrap_or(&EMPTY), &place.child("spec")));
    out
}

fn metadata(template: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = annotations::entries(template, &place.child("annotations"));
    if let Some(own) = template.labels() {
        out.extend(labels::labels(&place.child("labels").path(), Some(own)));
    }
    let Some(metadata) = given(template, "metadata") else { return out };
    for (field, shown) in METADATA {
        let is_set = given(metadata, field)
            .is_some_and(|value| value.as_str() != Some("") && value.as_i64() != Some(0));
        if is_set {
            out.push(place.child(shown).forbidden("cannot be set"));
        }
    }
    out
}

fn spec(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let modes = spec.array_at(&["accessModes"]);
    if modes.is_empty() {
        out.push(place.child("accessModes").required("at least 1 access mode is required"));
    }
    if let Some(selector) = given(spec, "selector") {
        out.extend(labels::selector(&place.child("selector").path(), Some(selector)));
    }
    out.extend(access_modes(modes, &place.child("accessModes")));
    out.extend(storage(spec, &place.child("resources")));
    let text = |field: &str| spec.get(field).and_then(Document::as_str);
    if let Some(class) = text("storageClassName").filter(|class| !class.is_empty()) {
        out.extend(place.child("storageClassName").complaints(class, names::dns1123_subdomain(class)));
    }
    if let Some(mode) = text("volumeMode") {
        out.extend(place.child("volumeMode").among(mode, &["Block", "Filesystem"]));
    }
    out.extend(data_sources(spec, place));
    if let Some(class) = text("volumeAttributesClassName").filter(|class| !class.is_empty()) {
        let place = place.child("volumeAttributesClassName");
        out.extend(place.complaints(class, names::dns1123_subdomain(class)));
    }
    out
}

fn access_modes(modes: &[Document], place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let texts = || modes.iter().filter_map(Document::as_str);
    for mode in texts() {
        out.extend(place.among(mode, &MODES));
    }
    let alone = |mode: &str| mode == "ReadWriteOncePod";
    if texts().any(alone) && texts().any(|mode| !alone(mode) && MODES.contains(&mode)) {
        out.push(place.forbidden("may not use ReadWriteOncePod with other access modes"));
    }
    out
}

fn storage(spec: &Document, place: &Place<'_>) -> Option<FieldError> {
    let place = place.key("storage");
    match spec.at(&["resources", "requests", "storage"]).and_then(Quantity::from_document) {
        None => Some(place.required("")),
        Some(Ok(amount)) if amount.is_zero() || amount.is_negative() => {
            Some(place.invalid(amount, "must be greater than zero"))
        }
        Some(_) => None,
    }
}

/// What the volume is filled with at first: the newer field says the same as the older one.
fn data_sources(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let (old, new) = (given(spec, "dataSource"), given(spec, "dataSourceRef"));
    if let Some(old) = old {
        out.extend(data_source(old, &place.child("dataSource")));
    }
    let Some(new) = new else { return out };
    let at = place.child("dataSourceRef");
    out.extend(data_source(new, &at));
    let namespace = new.str_at(&["namespace"]);
    if !namespace.is_empty() {
        out.extend(at.child("namespace").complaints(namespace, names::dns1123_label(namespace)));
    }
    let Some(old) = old else { return out };
    let is_same = ["apiGroup", "kind", "name"].iter().all(|field| given(old, field) == given(new, field));
    let why = if !namespace.is_empty() {
        "may not be specified when dataSourceRef.namespace is specified"
    } else if is_same {
        return out;
    } else {
        "must match dataSourceRef"
    };
    // Upstream shows the other field's path where others show a value.
    let mut error = place.invalid("", why);
    place.child("dataSource").path().as_str().clone_into(&mut error.value);
    out.push(error);
    out
}

fn data_source(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = required(source, &["name", "kind"], place);
    let (group, kind) = (source.str_at(&["apiGroup"]), source.str_at(&["kind"]));
    if group.is_empty() {
        if kind != "PersistentVolumeClaim" {
            let why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
            out.push(place.invalid(kind, why));
        }
    } else {
        out.extend(place.child("apiGroup").complaints(group, names::dns1123_subdomain(group)));
    }
    out
}

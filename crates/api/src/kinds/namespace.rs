//! Namespaces: the `kubernetes` finalizer that the namespace controller removes last, the phase, the name as a label.

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::{self, names};
use crate::{Cell, Column, NameRule, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::borrow::Cow;

/// The label that carries a namespace's name, so that selectors can name namespaces.
pub const NAME_LABEL: &str = "kubernetes.io/metadata.name";
/// The finalizer in `spec.finalizers` that keeps a namespace until its content is gone.
pub const FINALIZER: &str = "kubernetes";

/// `v1 Namespace`.
pub(crate) struct Namespace;

/// What a write to the `finalize` subresource may change: the metadata and `spec.finalizers`, never the status.
pub fn prepare_for_finalize(new: &mut Document, old: &Document) {
    match old.get("status") {
        Some(status) => new.insert("status", status),
        None => drop(new.remove(&["status"])),
    }
}

fn label(object: &mut Document) {
    let name = object.name().to_owned();
    if !name.is_empty() {
        object.set(&["metadata", "labels", NAME_LABEL], name);
    }
}

impl Strategy for Namespace {
    fn default(&self, object: &mut Document) {
        label(object);
    }

    fn prepare_for_create(&self, object: &mut Document) {
        label(object);
        object.ensure(&["status"]).make_object().clear();
        object.set(&["status", "phase"], "Active");
        let finalizers = object.ensure(&["spec", "finalizers"]).make_array();
        if !finalizers.iter().any(|f| f.as_str() == Some(FINALIZER)) {
            finalizers.push(FINALIZER.into());
        }
    }

    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        let kept = match scope {
            UpdateScope::Main => &["spec", "status"][..],
            UpdateScope::Status => &["spec"],
        };
        for field in kept {
            match old.get(field) {
                Some(value) => new.insert(*field, value),
                None => drop(new.remove(&[*field])),
            }
        }
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec.finalizers");
        let mut out = FieldErrors::new();
        for finalizer in object.array_at(&["spec", "finalizers"]).iter().filter_map(Document::as_str) {
            out.extend(validation::invalid(&field, finalizer, names::qualified_name(finalizer)));
            if finalizer != FINALIZER && !finalizer.contains('/') {
                let why = "name is neither a standard finalizer name nor is it fully qualified";
                out.push(FieldError::invalid(&field, finalizer, why));
            }
        }
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, _old: &Document) -> FieldErrors {
        let mut out = self.validate_create(new);
        if scope == UpdateScope::Status {
            let phase = new.str_at(&["status", "phase"]);
            let field = FieldPath::new("status.phase");
            match (new.deletion_timestamp(), phase) {
                (None, "Active") | (Some(_), "Terminating") => {}
                (None, _) => {
                    let why = "may only be 'Active' if `deletionTimestamp` is empty";
                    out.push(FieldError::invalid(&field, phase, why));
                }
                (Some(_), _) => {
                    let why = "may only be 'Terminating' if `deletionTimestamp` is not empty";
                    out.push(FieldError::invalid(&field, phase, why));
                }
            }
        }
        out
    }

    fn name_rule(&self) -> NameRule {
        NameRule::Label
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        vec!["status.phase".into()]
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Status"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::text(object, &["status", "phase"]), cells::age(object, now)]
    }
}

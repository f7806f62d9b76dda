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
/// Finalizers that need no domain.
const STANDARD_FINALIZERS: [&str; 3] = [FINALIZER, "orphan", "foregroundDeletion"];

/// `v1 Namespace`.
pub(crate) struct Namespace;

/// What a write to the `finalize` subresource may change: the metadata and `spec.finalizers`, never the status.
pub fn prepare_for_finalize(new: &mut Document, old: &Document) {
    match old.get("status") {
        Some(status) => new.insert("status", status),
        None => drop(new.remove(&["status"])),
    }
}

/// What is wrong with a write to the `finalize` subresource.
fn validate_finalize(new: &Document) -> FieldErrors {
    let field = FieldPath::new("spec.finalizers");
    let finalizers = new.array_at(&["spec", "finalizers"]).iter().enumerate();
    finalizers.flat_map(|(i, one)| finalizer(&field.index(i), one.as_str().unwrap_or(""))).collect()
}

fn finalizer(field: &FieldPath, finalizer: &str) -> FieldErrors {
    let mut out = validation::invalid(field, finalizer, names::qualified_name(finalizer));
    if !finalizer.contains('/') && !STANDARD_FINALIZERS.contains(&finalizer) {
        let why = "name is neither a standard finalizer name nor is it fully qualified";
        out.push(FieldError::invalid(field, finalizer, why));
    }
    out
}

fn label(object: &mut Document) {
    let name = object.name().to_owned();
    if !name.is_empty() {
        object.set(&["metadata", "labels", NAME_LABEL], name);
    }
}

impl Strategy for Namespace {
    fn validate_view(&self, subresource: &str, new: &Document, _old: &Document) -> Option<FieldErrors> {
        (subresource == "finalize").then(|| validate_finalize(new))
    }

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
        let finalizers = object.array_at(&["spec", "finalizers"]).iter().filter_map(Document::as_str);
        finalizers.flat_map(|one| finalizer(&field, one)).collect()
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, _old: &Document) -> FieldErrors {
        if scope == UpdateScope::Main {
            return self.validate_create(new);
        }
        let phase = new.str_at(&["status", "phase"]);
        let why = match (new.deletion_timestamp(), phase) {
            (None, "Active") | (Some(_), "Terminating") => return FieldErrors::new(),
            (None, _) => "may only be 'Active' if `deletionTimestamp` is empty",
            (Some(_), _) => "may only be 'Terminating' if `deletionTimestamp` is not empty",
        };
        vec![FieldError::invalid(&FieldPath::new("status.Phase"), phase, why)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_new_namespace_is_active_labelled_and_held() {
        let mut namespace = doc!({"metadata": {"name": "n"}, "status": {"phase": "Terminating"}});
        Namespace.prepare_for_create(&mut namespace);
        assert_eq!(
            namespace,
            doc!({
                "metadata": {"name": "n", "labels": {NAME_LABEL: "n"}},
                "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}
            })
        );
    }

    #[test]
    fn finalizers_are_known_or_have_a_domain() {
        let of = |finalizer: &str| doc!({"spec": {"finalizers": ["kubernetes", "orphan", finalizer]}});
        assert_eq!(Namespace.validate_create(&of("example.com/a")), []);
        let why =
            r#"Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified"#;
        assert_eq!(texts(&Namespace.validate_create(&of("mine"))), [format!("spec.finalizers: {why}")]);
        assert_eq!(texts(&validate_finalize(&of("mine"))), [format!("spec.finalizers[2]: {why}")]);
    }

    #[test]
    fn the_phase_follows_the_deletion() {
        let of = |phase: &str, deleted: bool| {
            let time = deleted.then_some("2026-01-02T03:04:05Z");
            doc!({"metadata": {"deletionTimestamp": time}, "status": {"phase": phase}})
        };
        let errors = |phase, deleted| {
            let new = of(phase, deleted);
            texts(&Namespace.validate_update(UpdateScope::Status, &new, &new))
        };
        assert_eq!(errors("Active", false), Vec::<String>::new());
        assert_eq!(errors("Terminating", true), Vec::<String>::new());
        assert_eq!(
            errors("Terminating", false),
            [
                r#"status.Phase: Invalid value: "Terminating": may only be 'Active' if `deletionTimestamp` is empty"#
            ]
        );
        assert_eq!(
            errors("Active", true),
            [
                r#"status.Phase: Invalid value: "Active": may only be 'Terminating' if `deletionTimestamp` is not empty"#
            ]
        );
    }
}

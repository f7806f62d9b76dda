//! ControllerRevisions: snapshots of a template; their data never changes.

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `apps/v1 ControllerRevision`.
pub(crate) struct ControllerRevision;

impl Strategy for ControllerRevision {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        let mut out: FieldErrors = revision(object).into_iter().collect();
        let field = FieldPath::new("data");
        match object.get("data").filter(|data| !data.is_null()) {
            None => out.push(FieldError::required(&field, "data is mandatory")),
            Some(data) if data.as_object().is_none() => {
                out.push(FieldError::required(&field, "data must be a valid JSON object"));
            }
            Some(_) => {}
        }
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out: FieldErrors = revision(new).into_iter().collect();
        out.extend(validation::immutable(&FieldPath::new("data"), new.get("data"), old.get("data")));
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Controller"), Column::text("Revision"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let controller = object.controller_ref().map_or(cells::NONE.to_owned(), |owner| {
            let group = owner.str_at(&["apiVersion"]).split_once('/').map_or("", |(group, _)| group);
            let kind = owner.str_at(&["kind"]).to_ascii_lowercase();
            let name = owner.str_at(&["name"]);
            if group.is_empty() { format!("{kind}/{name}") } else { format!("{kind}.{group}/{name}") }
        });
        let revision = cells::integer(object, &["revision"]);
        vec![cells::name(object), controller.into(), revision, cells::age(object, now)]
    }
}

fn revision(object: &Document) -> Option<FieldError> {
    validation::not_negative(&FieldPath::new("revision"), object.get("revision"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_revision_has_data() {
        let cases: [(&str, Document, &[&str]); 5] = [
            ("both", doc!({"revision": 1, "data": {"spec": {}}}), &[]),
            ("no revision", doc!({"data": {}}), &[]),
            ("no data", doc!({"revision": 1}), &["data: Required value: data is mandatory"]),
            (
                "data of another kind",
                doc!({"revision": 1, "data": [1]}),
                &["data: Required value: data must be a valid JSON object"],
            ),
            (
                "before the first",
                doc!({"revision": -1, "data": null}),
                &[
                    "revision: Invalid value: -1: must be greater than or equal to 0",
                    "data: Required value: data is mandatory",
                ],
            ),
        ];
        for (case, object, expected) in cases {
            assert_eq!(texts(&ControllerRevision.validate_create(&object)), expected, "{case}");
        }
    }

    #[test]
    fn data_never_changes_but_the_revision_does() {
        let old = doc!({"revision": 1, "data": {"a": 1}});
        let cases: [(Document, &[&str]); 2] = [
            (doc!({"revision": 2, "data": {"a": 1}}), &[]),
            (
                doc!({"revision": 1, "data": {"a": 2}}),
                &[r#"data: Invalid value: {"a":2}: field is immutable"#],
            ),
        ];
        for (new, expected) in cases {
            let errors = ControllerRevision.validate_update(UpdateScope::Main, &new, &old);
            assert_eq!(texts(&errors), expected, "{new}");
        }
    }
}

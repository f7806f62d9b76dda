//! StorageVersionMigrations: requests to store all objects of a resource anew.

use super::{cells, conditions};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `storagemigration.k8s.io StorageVersionMigration`.
pub(crate) struct StorageVersionMigration;

impl Strategy for StorageVersionMigration {
    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let missing = object.str_at(&["spec", "resource", "resource"]).is_empty();
        let field = FieldPath::new("spec.resource.resource");
        missing.then(|| FieldError::required(&field, "resource is required")).into_iter().collect()
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        if scope == UpdateScope::Status {
            return status(new, old);
        }
        let mut out = self.validate_create(new);
        for name in ["group", "resource"] {
            let text = |object: &Document| object.str_at(&["spec", "resource", name]).to_owned();
            if text(new) != text(old) {
                out.push(FieldError::invalid(&FieldPath::new(name), text(new), "field is immutable"));
            }
        }
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::created_at()]
    }

    fn cells(&self, object: &Document, _now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::created_at(object)]
    }
}

fn status(new: &Document, old: &Document) -> FieldErrors {
    let field = FieldPath::new("status");
    let version = |object: &Document| object.str_at(&["status", "resourceVersion"]).to_owned();
    let at = field.child("resourceVersion");
    let mut out = resource_version(&at, &version(new));
    let field = field.child("conditions");
    out.extend(conditions::errors(&field, new.array_at(&["status", "conditions"])));
    if !version(old).is_empty() && version(old) != version(new) {
        out.push(FieldError::invalid(&at, version(new), "cannot be updated"));
    }
    let is = |object: &Document, ty: &str| {
        cells::condition(object, ty).is_some_and(|condition| condition.str_at(&["status"]) == "True")
    };
    let (done, failed, running) = (is(new, "Succeeded"), is(new, "Failed"), is(new, "Running"));
    let wrong = [
        (done && failed, "Both success and failed conditions cannot be true at the same time"),
        (done && running, "Running condition cannot be true when success condition is true"),
        (failed && running, "Running condition cannot be true when failed condition is true"),
        (is(old, "Succeeded") && !done, "Success condition cannot be set to false once it is true"),
        (is(old, "Failed") && !failed, "Failed condition cannot be set to false once it is true"),
    ];
    let shown = new.at(&["status", "conditions"]);
    let wrong = wrong.into_iter().filter(|(wrong, _)| *wrong);
    out.extend(wrong.map(|(_, why)| FieldError::invalid(&field, shown.cloned(), why)));
    out
}

/// A version is a number, if there is one yet.
fn resource_version(field: &FieldPath, text: &str) -> FieldErrors {
    if text.is_empty() {
        return FieldErrors::new();
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let error = match text.parse::<i64>() {
        Ok(number) if number >= 0 => return FieldErrors::new(),
        Ok(number) => FieldError::invalid(field, number, "must be greater than or equal to 0"),
        Err(_) => {
            let numeric = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let why = if numeric { "value out of range" } else { "invalid syntax" };
            let why = format!(
                "failed to parse resource version {text:?}: strconv.ParseInt: parsing {text:?}: {why}"
            );
            FieldError::invalid(field, text, why)
        }
    };
    vec![error]
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_migration_is_of_one_resource() {
        assert_eq!(
            texts(&StorageVersionMigration.validate_create(&doc!({}))),
            ["spec.resource.resource: Required value: resource is required"]
        );
        let of = |group: &str, resource: &str| doc!({"spec": {"resource": {"group": group, "resource": resource}}});
        assert_eq!(
            texts(&StorageVersionMigration.validate_update(UpdateScope::Main, &of("a", "b"), &of("", "c"))),
            [
                r#"group: Invalid value: "a": field is immutable"#,
                r#"resource: Invalid value: "b": field is immutable"#
            ]
        );
    }

    #[test]
    fn versions_are_told_once() {
        let told = |new: &str, old: &str| {
            let of = |version: &str| doc!({"status": {"resourceVersion": version}});
            texts(&StorageVersionMigration.validate_update(UpdateScope::Status, &of(new), &of(old)))
        };
        assert_eq!(told("7", ""), Vec::<String>::new());
        assert_eq!(told("8", "7"), [r#"status.resourceVersion: Invalid value: "8": cannot be updated"#]);
        assert_eq!(
            told("x", ""),
            [
                r#"status.resourceVersion: Invalid value: "x": failed to parse resource version "x": strconv.ParseInt: parsing "x": invalid syntax"#
            ]
        );
        assert_eq!(
            told("-1", ""),
            ["status.resourceVersion: Invalid value: -1: must be greater than or equal to 0"]
        );
    }

    #[test]
    fn a_migration_ends_once_and_one_way() {
        let of = |types: &[&str]| {
            let conditions: Vec<Document> = types
                .iter()
                .map(|ty| doc!({"type": *ty, "status": "True", "reason": "R", "lastTransitionTime": "2026-01-02T03:04:05Z"}))
                .collect();
            doc!({"status": {"conditions": conditions}})
        };
        let whys = |new: &[&str], old: &[&str]| -> Vec<String> {
            let errors = StorageVersionMigration.validate_update(UpdateScope::Status, &of(new), &of(old));
            errors.into_iter().map(|error| error.detail).collect()
        };
        assert_eq!(whys(&["Succeeded"], &["Running"]), Vec::<String>::new());
        assert_eq!(
            whys(&["Succeeded", "Failed"], &[]),
            ["Both success and failed conditions cannot be true at the same time"]
        );
        assert_eq!(
            whys(&["Running", "Failed"], &[]),
            ["Running condition cannot be true when failed condition is true"]
        );
        assert_eq!(whys(&[], &["Succeeded"]), ["Success condition cannot be set to false once it is true"]);
    }
}

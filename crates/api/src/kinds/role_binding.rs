//! RoleBindings and ClusterRoleBindings: a role, which never changes, and who holds it.

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::{self, names};
use crate::{Cell, Column, NameRule, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const GROUP: &str = "rbac.authorization.k8s.io";

/// `rbac.authorization.k8s.io/v1 RoleBinding` and `ClusterRoleBinding`.
pub(crate) enum RoleBinding {
    /// In a namespace; binds a Role or a ClusterRole.
    Namespaced,
    /// In the cluster; binds a ClusterRole.
    Cluster,
}

impl Strategy for RoleBinding {
    fn default(&self, object: &mut Document) {
        if object.str_at(&["roleRef", "apiGroup"]).is_empty() {
            object.set(&["roleRef", "apiGroup"], GROUP);
        }
        for subject in object.get_mut("subjects").and_then(Document::as_array_mut).into_iter().flatten() {
            if matches!(subject.str_at(&["kind"]), "User" | "Group")
                && subject.str_at(&["apiGroup"]).is_empty()
            {
                subject.insert("apiGroup", GROUP);
            }
        }
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("roleRef");
        let role = &object["roleRef"];
        let mut out = FieldErrors::new();
        let group = role.str_at(&["apiGroup"]);
        if group != GROUP {
            out.push(FieldError::not_supported(&field.child("apiGroup"), group, &[GROUP]));
        }
        let (kind, kinds) = (
            role.str_at(&["kind"]),
            match self {
                Self::Namespaced => &["ClusterRole", "Role"][..],
                Self::Cluster => &["ClusterRole"],
            },
        );
        if !kinds.contains(&kind) {
            out.push(FieldError::not_supported(&field.child("kind"), kind, kinds));
        }
        let name = role.str_at(&["name"]);
        if name.is_empty() {
            out.push(FieldError::required(&field.child("name"), ""));
        } else {
            out.extend(validation::invalid(&field.child("name"), name, names::path_segment(name)));
        }
        let subjects = FieldPath::new("subjects");
        for (i, subject) in object.array_at(&["subjects"]).iter().enumerate() {
            out.extend(subject_errors(&subjects.index(i), subject));
        }
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = self.validate_create(new);
        if new.get("roleRef") != old.get("roleRef") {
            let role = new.get("roleRef").cloned();
            out.push(FieldError::invalid(&FieldPath::new("roleRef"), role, "cannot change roleRef"));
        }
        out
    }

    fn name_rule(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("Role"),
            Column::age(),
            Column::text("Users").wide(),
            Column::text("Groups").wide(),
            Column::text("ServiceAccounts").wide(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let role = &object["roleRef"];
        let of_kind = |kind: &str| -> Cell {
            let texts: Vec<String> = object
                .array_at(&["subjects"])
                .iter()
                .filter(|subject| subject.str_at(&["kind"]) == kind)
                .map(|subject| match (kind, subject.str_at(&["namespace"])) {
                    ("ServiceAccount", namespace) => format!("{namespace}/{}", subject.str_at(&["name"])),
                    _ => subject.str_at(&["name"]).to_owned(),
                })
                .collect();
            texts.join(", ").into()
        };
        vec![
            cells::name(object),
            format!("{}/{}", role.str_at(&["kind"]), role.str_at(&["name"])).into(),
            cells::age(object, now),
            of_kind("User"),
            of_kind("Group"),
            of_kind("ServiceAccount"),
        ]
    }
}

fn subject_errors(field: &FieldPath, subject: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let text = |key: &str| subject.str_at(&[key]);
    if text("name").is_empty() {
        out.push(FieldError::required(&field.child("name"), ""));
    }
    match text("kind") {
        "ServiceAccount" => {
            if !text("name").is_empty() {
                out.extend(validation::invalid(
                    &field.child("name"),
                    text("name"),
                    names::dns1123_subdomain(text("name")),
                ));
            }
            if !text("apiGroup").is_empty() {
                out.push(FieldError::not_supported(&field.child("apiGroup"), text("apiGroup"), &[""]));
            }
            if text("namespace").is_empty() {
                out.push(FieldError::required(&field.child("namespace"), ""));
            }
        }
        "User" | "Group" => {
            if text("apiGroup") != GROUP {
                out.push(FieldError::not_supported(&field.child("apiGroup"), text("apiGroup"), &[GROUP]));
            }
        }
        kind => {
            let supported = ["Group", "ServiceAccount", "User"];
            out.push(FieldError::not_supported(&field.child("kind"), kind, &supported));
        }
    }
    out
}

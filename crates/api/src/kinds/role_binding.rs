//! RoleBindings and ClusterRoleBindings: a role, which never changes, and who holds it.

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::{self, names};
use crate::{Cell, Column, NameRule, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};

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
                Self::Namespaced => &["Role", "ClusterRole"][..],
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
            out.extend(self.subject_errors(&subjects.index(i), subject));
        }
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = self.validate_create(new);
        let role =
            |of: &Document| ["apiGroup", "kind", "name"].map(|key| of.str_at(&["roleRef", key]).to_owned());
        if role(new) != role(old) {
            // Upstream shows the names that the fields have inside its server.
            let [group, kind, name] = role(new);
            let shown = doc!({"APIGroup": group, "Kind": kind, "Name": name});
            out.push(FieldError::invalid(&FieldPath::new("roleRef"), shown, "cannot change roleRef"));
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

impl RoleBinding {
    fn subject_errors(&self, field: &FieldPath, subject: &Document) -> FieldErrors {
        let mut out = FieldErrors::new();
        let text = |key: &str| subject.str_at(&[key]);
        let (name, group) = (text("name"), text("apiGroup"));
        let place = field.child("name");
        if name.is_empty() {
            out.push(FieldError::required(&place, ""));
        }
        match text("kind") {
            "ServiceAccount" => {
                if !name.is_empty() {
                    out.extend(validation::invalid(&place, name, names::dns1123_subdomain(name)));
                }
                if !group.is_empty() {
                    out.push(FieldError::not_supported(&field.child("apiGroup"), group, &[""]));
                }
                // In a namespace, the binding's own is meant.
                if matches!(self, Self::Cluster) && text("namespace").is_empty() {
                    out.push(FieldError::required(&field.child("namespace"), ""));
                }
            }
            kind @ ("User" | "Group") => {
                if name.is_empty() {
                    let why = format!("{} name cannot be empty", kind.to_ascii_lowercase());
                    out.push(FieldError::invalid(&place, name, why));
                }
                if group != GROUP {
                    out.push(FieldError::not_supported(&field.child("apiGroup"), group, &[GROUP]));
                }
            }
            kind => {
                let supported = ["ServiceAccount", "User", "Group"];
                out.push(FieldError::not_supported(&field.child("kind"), kind, &supported));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(binding: &RoleBinding, role: Document, subjects: Document) -> Vec<String> {
        let object = doc!({"metadata": {"name": "a"}, "roleRef": role, "subjects": subjects});
        binding.validate_create(&object).iter().map(ToString::to_string).collect()
    }

    fn role() -> Document {
        doc!({"apiGroup": GROUP, "kind": "ClusterRole", "name": "view"})
    }

    #[test]
    fn a_binding_names_a_role() {
        assert_eq!(
            complaints(
                &RoleBinding::Namespaced,
                doc!({"apiGroup": "x", "kind": "Rule", "name": "a/b"}),
                doc!([])
            ),
            [
                r#"roleRef.apiGroup: Unsupported value: "x": supported values: "rbac.authorization.k8s.io""#,
                r#"roleRef.kind: Unsupported value: "Rule": supported values: "Role", "ClusterRole""#,
                r#"roleRef.name: Invalid value: "a/b": may not contain '/'"#,
            ]
        );
        assert_eq!(
            complaints(
                &RoleBinding::Cluster,
                doc!({"apiGroup": GROUP, "kind": "Role", "name": ""}),
                doc!([])
            ),
            [
                r#"roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole""#,
                "roleRef.name: Required value",
            ]
        );
    }

    #[test]
    fn subjects_are_what_their_kind_says() {
        let account = doc!([{"kind": "ServiceAccount", "name": "Sa", "apiGroup": "x"}]);
        let common = [
            r#"subjects[0].apiGroup: Unsupported value: "x": supported values: """#,
            "subjects[0].namespace: Required value",
        ];
        let namespaced = complaints(&RoleBinding::Namespaced, role(), account.clone());
        assert!(namespaced[0].starts_with(r#"subjects[0].name: Invalid value: "Sa": a lowercase RFC 1123"#));
        assert_eq!(namespaced[1..], common[..1]);
        assert_eq!(complaints(&RoleBinding::Cluster, role(), account)[1..], common);
        let nobody = doc!([{"kind": "User", "apiGroup": GROUP}, {"kind": "Robot", "name": "r"}]);
        assert_eq!(
            complaints(&RoleBinding::Cluster, role(), nobody),
            [
                "subjects[0].name: Required value",
                r#"subjects[0].name: Invalid value: "": user name cannot be empty"#,
                r#"subjects[1].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group""#,
            ]
        );
    }

    #[test]
    fn the_role_stays() {
        let old = doc!({"roleRef": role()});
        let mut new = old.clone();
        new.set(&["roleRef", "name"], "edit");
        let errors = RoleBinding::Namespaced.validate_update(UpdateScope::Main, &new, &old);
        assert_eq!(
            errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                r#"roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"ClusterRole","Name":"edit"}: cannot change roleRef"#
            ]
        );
    }
}

//! The default RBAC policy: upstream's cluster roles, roles and bindings.
//!
//! Written as tables, one line a rule: `VERBS GROUPS RESOURCES [NAMES]`, or `VERBS url PATHS`; lists are joined by commas,
//! the core group is `core`. A line that starts with a name and a colon begins a role.

mod bindings;
mod cluster_roles;
mod controllers;
mod user_roles;

use crate::authorization::rule::Rule;
use skiff_apimachinery::{Document, doc};

const API_VERSION: &str = "rbac.authorization.k8s.io/v1";

/// A parsed role.
pub(super) struct Role {
    /// Name.
    pub name: String,
    /// What it allows.
    pub rules: Vec<Rule>,
}

/// Reads a table of roles. Malformed tables are a programming error that the tests of this module find.
fn parse(table: &str) -> Vec<Role> {
    let mut roles: Vec<Role> = Vec::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix("role ") {
            roles.push(Role { name: name.to_owned(), rules: Vec::new() });
        } else if let (Some(role), Some(rule)) = (roles.last_mut(), parse_rule(line)) {
            role.rules.push(rule);
        }
    }
    roles
}

fn parse_rule(line: &str) -> Option<Rule> {
    let mut columns = line.split_whitespace();
    let list = |text: &str| -> Vec<String> { text.split(',').map(str::to_owned).collect() };
    let (verbs, groups, what) = (columns.next()?, columns.next()?, columns.next()?);
    if groups == "url" {
        return Some(Rule { verbs: list(verbs), urls: list(what), ..Rule::default() });
    }
    Some(Rule {
        verbs: list(verbs),
        groups: list(groups).into_iter().map(|g| if g == "core" { String::new() } else { g }).collect(),
        resources: list(what),
        names: columns.next().map(list).unwrap_or_default(),
        urls: Vec::new(),
    })
}

fn metadata(name: &str, namespace: &str) -> Document {
    let mut metadata = doc!({
        "name": name,
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"}
    });
    if !namespace.is_empty() {
        metadata.insert("namespace", namespace);
    }
    metadata
}

fn role_document(kind: &str, namespace: &str, role: &Role) -> Document {
    let rules: Document = role.rules.iter().map(Rule::to_document).collect();
    doc!({"apiVersion": API_VERSION, "kind": kind, "metadata": metadata(&role.name, namespace), "rules": rules})
}

/// All cluster roles.
pub fn cluster_roles() -> Vec<Document> {
    let mut out: Vec<Document> = [cluster_roles::TABLE, controllers::TABLE]
        .into_iter()
        .flat_map(parse)
        .map(|role| role_document("ClusterRole", "", &role))
        .collect();
    out.extend(user_roles::documents());
    out
}

/// All cluster role bindings.
pub fn cluster_role_bindings() -> Vec<Document> {
    let mut out = bindings::cluster();
    out.extend(parse(controllers::TABLE).iter().map(|role| {
        let account = role.name.trim_start_matches("system:controller:");
        bindings::document(
            "ClusterRoleBinding",
            "",
            &role.name,
            "ClusterRole",
            &role.name,
            &format!("account kube-system/{account}"),
        )
    }));
    out
}

/// Roles in system namespaces.
pub fn roles() -> Vec<Document> {
    bindings::ROLES
        .iter()
        .flat_map(|(namespace, table)| {
            parse(table).into_iter().map(|role| role_document("Role", namespace, &role))
        })
        .collect()
}

/// Role bindings in system namespaces.
pub fn role_bindings() -> Vec<Document> {
    bindings::namespaced()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_is_a_rule_of_a_role() {
        let mut tables = vec![cluster_roles::TABLE, controllers::TABLE, user_roles::TABLE];
        tables.extend(bindings::ROLES.iter().map(|(_, table)| *table));
        for table in tables {
            let lines =
                table.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("role ")).count();
            let roles = parse(table);
            assert_eq!(roles.iter().map(|role| role.rules.len()).sum::<usize>(), lines);
            for role in roles {
                assert!(!role.rules.is_empty(), "{} allows nothing", role.name);
                for rule in &role.rules {
                    assert!(
                        rule.groups.iter().all(|g| g.is_empty()
                            || g == "*"
                            || g.contains('.')
                            || ["apps", "batch", "policy", "autoscaling", "extensions"]
                                .contains(&g.as_str())),
                        "{rule:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_binding_names_a_role_that_exists() {
        let names = |docs: &[Document]| -> Vec<String> {
            docs.iter().map(|d| format!("{}/{}", d.namespace(), d.name())).collect()
        };
        let (cluster, namespaced) = (names(&cluster_roles()), names(&roles()));
        for binding in cluster_role_bindings().iter().chain(&role_bindings()) {
            let role = binding.str_at(&["roleRef", "name"]);
            let found = match binding.str_at(&["roleRef", "kind"]) {
                "ClusterRole" => cluster.contains(&format!("/{role}")),
                _ => namespaced.contains(&format!("{}/{role}", binding.namespace())),
            };
            assert!(found, "{} refers to {role}", binding.name());
        }
    }
}

//! Nobody may grant what they do not hold: upstream's escalation check for roles and bindings.

use super::rbac::Rbac;
use super::rule::Rule;
use super::{Attributes, Authorizer, Decision};
use crate::authentication::UserInfo;
use crate::objects::Objects;
use skiff_apimachinery::{Document, GroupResource, Status};
use std::sync::Arc;

const GROUP: &str = "rbac.authorization.k8s.io";

/// Checks writes of roles and bindings.
pub struct Escalation {
    /// Whose rules count.
    pub rbac: Arc<Rbac>,
    /// Asked for the verbs `escalate` and `bind`.
    pub authorizer: Arc<dyn Authorizer>,
    /// Where roles are looked up.
    pub objects: Arc<dyn Objects>,
}

impl Escalation {
    /// Whether the user may write this role or binding.
    ///
    /// # Errors
    /// 403 with the rules that the user lacks.
    pub fn check(&self, user: &UserInfo, resource: &str, object: &Document) -> Result<(), Status> {
        if user.in_group("system:masters") {
            return Ok(());
        }
        let (namespace, name) = (object.namespace(), object.name());
        match resource {
            "roles" | "clusterroles" => {
                if self.may(user, "escalate", resource, namespace, name) {
                    return Ok(());
                }
                let rules: Vec<Rule> = object.array_at(&["rules"]).iter().map(Rule::read).collect();
                self.covered(user, namespace, &rules, resource, name)
            }
            "rolebindings" | "clusterrolebindings" => {
                let role = object.str_at(&["roleRef", "name"]);
                let (roles, role_namespace) = match object.str_at(&["roleRef", "kind"]) {
                    "Role" => ("roles", namespace),
                    _ => ("clusterroles", ""),
                };
                if self.may(user, "bind", roles, namespace, role) {
                    return Ok(());
                }
                let found =
                    self.objects.get(&GroupResource::new(GROUP, roles.to_owned()), role_namespace, role);
                let found = found
                    .ok_or_else(|| Status::not_found(&GroupResource::new(GROUP, roles.to_owned()), role))?;
                let rules: Vec<Rule> = found.array_at(&["rules"]).iter().map(Rule::read).collect();
                self.covered(user, namespace, &rules, resource, name)
            }
            _ => Ok(()),
        }
    }

    fn may(&self, user: &UserInfo, verb: &str, resource: &str, namespace: &str, name: &str) -> bool {
        let attributes = Attributes {
            user,
            verb,
            group: GROUP,
            version: "v1",
            resource,
            subresource: "",
            namespace,
            name,
            path: "",
            field_selector: "",
        };
        matches!(self.authorizer.authorize(&attributes), Decision::Allow(_))
    }

    fn covered(
        &self,
        user: &UserInfo,
        namespace: &str,
        wanted: &[Rule],
        resource: &str,
        name: &str,
    ) -> Result<(), Status> {
        let held = self.rbac.rules_of(user, namespace);
        let missing: Vec<Rule> = wanted
            .iter()
            .flat_map(Rule::parts)
            .filter(|part| !held.iter().any(|rule| rule.covers(part)))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let why = format!(
            "user {:?} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
            user.name,
            quoted(&user.groups),
            descriptions(missing).join("\n")
        );
        Err(Status::forbidden(&GroupResource::new(GROUP, resource.to_owned()), name, &why))
    }
}

/// Single rules as upstream's message shows them: verbs of the same resource together, in order, none twice.
fn descriptions(missing: Vec<Rule>) -> Vec<String> {
    let mut compact: Vec<Rule> = Vec::new();
    for part in missing {
        let same = |rule: &&mut Rule| {
            part.urls.is_empty()
                && (&rule.groups, &rule.resources, &rule.names, &rule.urls)
                    == (&part.groups, &part.resources, &part.names, &part.urls)
        };
        match compact.iter_mut().find(same) {
            Some(rule) => rule.verbs.extend(part.verbs),
            None => compact.push(part),
        }
    }
    let mut shown: Vec<String> = compact.iter().map(describe).collect();
    shown.sort_unstable();
    shown.dedup();
    shown
}

/// A rule as upstream's message shows it: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`.
fn describe(rule: &Rule) -> String {
    let parts = [
        ("APIGroups", &rule.groups),
        ("Resources", &rule.resources),
        ("NonResourceURLs", &rule.urls),
        ("ResourceNames", &rule.names),
        ("Verbs", &rule.verbs),
    ];
    let shown: Vec<String> = parts
        .iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| format!("{name}:{}", quoted(values)))
        .collect();
    format!("{{{}}}", shown.join(", "))
}

/// A list as Go prints it quoted.
fn quoted(list: &[String]) -> String {
    let items: Vec<String> = list.iter().map(|item| format!("{item:?}")).collect();
    format!("[{}]", items.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn missing_rules_are_told_together() {
        let rules = [
            doc!({"apiGroups": ["", "apps"], "resources": ["pods"], "verbs": ["list", "get"]}),
            doc!({"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["get"]}),
            doc!({"nonResourceURLs": ["/x"], "verbs": ["get", "post"]}),
        ];
        let missing = rules.iter().map(Rule::read).flat_map(|rule| rule.parts()).collect();
        assert_eq!(
            descriptions(missing),
            [
                r#"{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["get"]}"#,
                r#"{APIGroups:[""], Resources:["pods"], Verbs:["list" "get"]}"#,
                r#"{APIGroups:["apps"], Resources:["pods"], Verbs:["list" "get"]}"#,
                r#"{NonResourceURLs:["/x"], Verbs:["get"]}"#,
                r#"{NonResourceURLs:["/x"], Verbs:["post"]}"#,
            ]
        );
    }
}

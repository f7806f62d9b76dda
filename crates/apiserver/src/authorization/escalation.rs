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
        let missing: Vec<String> = wanted
            .iter()
            .flat_map(Rule::parts)
            .filter(|part| !held.iter().any(|rule| rule.covers(part)))
            .map(|part| describe(&part))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let why = format!(
            "user {:?} (groups={:?}) is attempting to grant RBAC permissions not currently held:\n{}",
            user.name,
            user.groups,
            missing.join("\n")
        );
        Err(Status::forbidden(&GroupResource::new(GROUP, resource.to_owned()), name, &why))
    }
}

/// A rule as upstream's message shows it: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`.
fn describe(rule: &Rule) -> String {
    let parts = [
        ("APIGroups", &rule.groups),
        ("Resources", &rule.resources),
        ("ResourceNames", &rule.names),
        ("NonResourceURLs", &rule.urls),
        ("Verbs", &rule.verbs),
    ];
    let shown: Vec<String> = parts
        .iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| format!("{name}:{values:?}"))
        .collect();
    format!("{{{}}}", shown.join(", "))
}

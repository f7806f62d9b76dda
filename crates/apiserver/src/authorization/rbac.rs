//! Role-based access control: roles, cluster roles and their bindings.
//!
//! Keeps an index from subjects to rules, made anew when one of the four kinds changed, so that a decision costs a look-up
//! of the user and of each group.

use super::rule::Rule;
use super::{Attributes, Authorizer, Decision, Rules};
use crate::authentication::UserInfo;
use crate::objects::Objects;
use skiff_apimachinery::{Document, GroupResource};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

const GROUP: &str = "rbac.authorization.k8s.io";

/// The RBAC authorizer.
pub struct Rbac {
    objects: Arc<dyn Objects>,
    index: RwLock<Arc<Index>>,
}

/// A binding's rules, and how to name it in a decision.
struct Grant {
    /// Empty for cluster role bindings: holds everywhere.
    namespace: String,
    rules: Arc<[Rule]>,
    story: String,
}

#[derive(Default)]
struct Index {
    counts: Option<[u64; 4]>,
    users: HashMap<String, Vec<Arc<Grant>>>,
    groups: HashMap<String, Vec<Arc<Grant>>>,
    /// Bindings whose role does not exist, for the denial's reason.
    dangling: HashMap<String, Vec<(String, String)>>,
}

fn resource(name: &'static str) -> GroupResource {
    GroupResource::new(GROUP, name)
}

impl Rbac {
    /// Over current roles and bindings.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects, index: RwLock::default() }
    }

    fn index(&self) -> Arc<Index> {
        let counts = ["roles", "rolebindings", "clusterroles", "clusterrolebindings"]
            .map(|name| self.objects.change_count(&resource(name)));
        let current = Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner));
        if current.counts == Some(counts) {
            return current;
        }
        let fresh = Arc::new(self.build(counts));
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        fresh
    }

    fn build(&self, counts: [u64; 4]) -> Index {
        let mut index = Index { counts: Some(counts), ..Index::default() };
        let mut roles: HashMap<(String, String), Arc<[Rule]>> = HashMap::new();
        for kind in ["roles", "clusterroles"] {
            for role in self.objects.list(&resource(kind), "") {
                let rules = role.array_at(&["rules"]).iter().map(Rule::read).collect();
                roles.insert((role.namespace().to_owned(), role.name().to_owned()), rules);
            }
        }
        for (kind, what) in [("clusterrolebindings", "ClusterRoleBinding"), ("rolebindings", "RoleBinding")] {
            for binding in self.objects.list(&resource(kind), "") {
                index.add(&binding, what, &roles);
            }
        }
        index
    }

    /// All rules of a user: those that hold everywhere and those of one namespace (none if that is empty).
    pub fn rules_of(&self, user: &UserInfo, namespace: &str) -> Vec<Rule> {
        let index = self.index();
        index
            .grants(user)
            .filter(|grant| {
                grant.namespace.is_empty() || (!namespace.is_empty() && grant.namespace == namespace)
            })
            .flat_map(|grant| grant.rules.iter().cloned())
            .collect()
    }
}

impl Index {
    fn add(&mut self, binding: &Document, what: &str, roles: &HashMap<(String, String), Arc<[Rule]>>) {
        let (kind, name) = (binding.str_at(&["roleRef", "kind"]), binding.str_at(&["roleRef", "name"]));
        let role_namespace = if kind == "Role" { binding.namespace() } else { "" };
        let rules = roles.get(&(role_namespace.to_owned(), name.to_owned()));
        for subject in binding.array_at(&["subjects"]) {
            let subject_kind = subject.str_at(&["kind"]);
            let subject_name = subject.str_at(&["name"]);
            let (map, key, shown) = match subject_kind {
                "User" => (&mut self.users, subject_name.to_owned(), format!("User {subject_name:?}")),
                "Group" => (&mut self.groups, subject_name.to_owned(), format!("Group {subject_name:?}")),
                "ServiceAccount" => {
                    let namespace = match subject.str_at(&["namespace"]) {
                        "" => binding.namespace(),
                        namespace => namespace,
                    };
                    let user = format!("system:serviceaccount:{namespace}:{subject_name}");
                    (&mut self.users, user, format!("ServiceAccount \"{subject_name}/{namespace}\""))
                }
                _ => continue,
            };
            let Some(rules) = rules else {
                let lower = kind.to_ascii_lowercase();
                let missing = format!("{lower}.{GROUP} {name:?} not found");
                self.dangling.entry(key).or_default().push((binding.namespace().to_owned(), missing));
                continue;
            };
            let binding_name = match what {
                "RoleBinding" => format!("{}/{}", binding.name(), binding.namespace()),
                _ => binding.name().to_owned(),
            };
            map.entry(key).or_default().push(Arc::new(Grant {
                namespace: binding.namespace().to_owned(),
                rules: Arc::clone(rules),
                story: format!("RBAC: allowed by {what} {binding_name:?} of {kind} {name:?} to {shown}"),
            }));
        }
    }

    /// Roles that bindings of the user name but that do not exist.
    fn missing(&self, user: &UserInfo, namespace: &str) -> Vec<&str> {
        std::iter::once(&user.name)
            .chain(&user.groups)
            .filter_map(|subject| self.dangling.get(subject))
            .flatten()
            .filter(|(of, _)| of.is_empty() || of == namespace)
            .map(|(_, missing)| missing.as_str())
            .collect()
    }

    fn grants<'a>(&'a self, user: &'a UserInfo) -> impl Iterator<Item = &'a Arc<Grant>> {
        let by_name = self.users.get(&user.name).into_iter().flatten();
        by_name.chain(user.groups.iter().filter_map(|group| self.groups.get(group)).flatten())
    }
}

impl Authorizer for Rbac {
    fn authorize(&self, attributes: &Attributes<'_>) -> Decision {
        let index = self.index();
        let holds = |namespace: &str| namespace.is_empty() || namespace == attributes.namespace;
        let found = index
            .grants(attributes.user)
            .filter(|grant| holds(&grant.namespace))
            .find(|grant| grant.rules.iter().any(|rule| rule.allows(attributes)));
        if let Some(grant) = found {
            return Decision::Allow(grant.story.clone());
        }
        let missing = index.missing(attributes.user, attributes.namespace);
        Decision::NoOpinion(match missing.as_slice() {
            [] => String::new(),
            [one] => format!("RBAC: {one}"),
            many => format!("RBAC: [{}]", many.join(", ")),
        })
    }

    fn rules(&self, user: &UserInfo, namespace: &str) -> Rules {
        let errors = self.index().missing(user, namespace).into_iter().map(str::to_owned).collect();
        Rules { rules: self.rules_of(user, namespace), incomplete: false, errors }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    struct Fixed(Vec<(&'static str, Document)>);

    impl Objects for Fixed {
        fn get(&self, _: &GroupResource, _: &str, _: &str) -> Option<Arc<Document>> {
            None
        }
        fn list(&self, resource: &GroupResource, _: &str) -> Vec<Arc<Document>> {
            self.0.iter().filter(|(r, _)| *r == resource.resource).map(|(_, d)| Arc::new(d.clone())).collect()
        }
        fn change_count(&self, _: &GroupResource) -> u64 {
            1
        }
    }

    fn decide(rbac: &Rbac, user: &UserInfo, verb: &str, resource: &str, namespace: &str) -> Decision {
        rbac.authorize(&Attributes {
            user,
            verb,
            group: "",
            version: "v1",
            resource,
            subresource: "",
            namespace,
            name: "",
            path: "",
            field_selector: "",
        })
    }

    fn rbac() -> Rbac {
        let read_pods = doc!([{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}]);
        let role = doc!({"metadata": {"name": "reader", "namespace": "a"}, "rules": read_pods.clone()});
        let cluster_role = doc!({"metadata": {"name": "reader"}, "rules": read_pods});
        let binding = |name: &str, namespace: &str, kind: &str, role: &str, subject: Document| doc!({"metadata": {"name": name, "namespace": namespace}, "roleRef": {"kind": kind, "name": role}, "subjects": [subject]});
        Rbac::new(Arc::new(Fixed(vec![
            ("roles", role),
            ("clusterroles", cluster_role),
            ("rolebindings", binding("b", "a", "Role", "reader", doc!({"kind": "User", "name": "ann"}))),
            (
                "clusterrolebindings",
                binding("c", "", "ClusterRole", "reader", doc!({"kind": "Group", "name": "ops"})),
            ),
            (
                "rolebindings",
                binding(
                    "d",
                    "a",
                    "Role",
                    "gone",
                    doc!({"kind": "ServiceAccount", "name": "sa", "namespace": "a"}),
                ),
            ),
        ])))
    }

    #[test]
    fn a_role_binding_holds_in_its_namespace_only() {
        let (rbac, ann) = (rbac(), UserInfo::authenticated("ann", ["x"]));
        assert_eq!(
            decide(&rbac, &ann, "list", "pods", "a"),
            Decision::Allow(r#"RBAC: allowed by RoleBinding "b/a" of Role "reader" to User "ann""#.into())
        );
        assert_eq!(decide(&rbac, &ann, "list", "pods", "b"), Decision::NoOpinion(String::new()));
        assert_eq!(decide(&rbac, &ann, "delete", "pods", "a"), Decision::NoOpinion(String::new()));
    }

    #[test]
    fn a_cluster_role_binding_holds_everywhere() {
        let ops = UserInfo::authenticated("bob", ["ops"]);
        assert!(matches!(decide(&rbac(), &ops, "get", "pods", "anywhere"), Decision::Allow(_)));
    }

    #[test]
    fn a_binding_to_a_missing_role_is_told_in_the_reason() {
        let account = UserInfo::authenticated("system:serviceaccount:a:sa", ["system:serviceaccounts"]);
        assert_eq!(
            decide(&rbac(), &account, "get", "pods", "a"),
            Decision::NoOpinion(r#"RBAC: role.rbac.authorization.k8s.io "gone" not found"#.into())
        );
    }
}

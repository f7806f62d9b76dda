//! Which requests a FlowSchema is about. Pure.

use crate::authentication::UserInfo;
use crate::request::RequestInfo;
use skiff_apimachinery::Document;

/// The rules of a FlowSchema.
pub(super) struct Schema {
    policies: Vec<Policy>,
}

struct Policy {
    subjects: Vec<Subject>,
    resources: Vec<ResourceRule>,
    paths: Vec<PathRule>,
}

enum Subject {
    User(String),
    Group(String),
    /// Namespace and name.
    Account(String, String),
}

struct ResourceRule {
    verbs: Vec<String>,
    groups: Vec<String>,
    resources: Vec<String>,
    namespaces: Vec<String>,
    cluster: bool,
}

struct PathRule {
    verbs: Vec<String>,
    paths: Vec<String>,
}

fn texts(doc: &Document, key: &str) -> Vec<String> {
    doc.array_at(&[key]).iter().filter_map(Document::as_str).map(str::to_owned).collect()
}

fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|one| one == "*" || one == wanted)
}

// === impl Schema ===

impl Schema {
    /// Reads a FlowSchema.
    pub(super) fn read(schema: &Document) -> Self {
        Self { policies: schema.array_at(&["spec", "rules"]).iter().map(Policy::read).collect() }
    }

    /// Whether a user's request is one of its.
    pub(super) fn matches(&self, info: &RequestInfo, user: &UserInfo) -> bool {
        self.policies.iter().any(|policy| policy.matches(info, user))
    }
}

impl Policy {
    fn read(doc: &Document) -> Self {
        Self {
            subjects: doc.array_at(&["subjects"]).iter().filter_map(Subject::read).collect(),
            resources: doc.array_at(&["resourceRules"]).iter().map(ResourceRule::read).collect(),
            paths: doc.array_at(&["nonResourceRules"]).iter().map(PathRule::read).collect(),
        }
    }

    fn matches(&self, info: &RequestInfo, user: &UserInfo) -> bool {
        self.subjects.iter().any(|subject| subject.is(user))
            && if info.is_resource {
                self.resources.iter().any(|rule| rule.matches(info))
            } else {
                self.paths.iter().any(|rule| rule.matches(info))
            }
    }
}

impl Subject {
    fn read(doc: &Document) -> Option<Self> {
        let at = |kind: &str, key: &str| doc.str_at(&[kind, key]).to_owned();
        Some(match doc.str_at(&["kind"]) {
            "User" => Self::User(at("user", "name")),
            "Group" => Self::Group(at("group", "name")),
            "ServiceAccount" => {
                Self::Account(at("serviceAccount", "namespace"), at("serviceAccount", "name"))
            }
            _ => return None,
        })
    }

    fn is(&self, user: &UserInfo) -> bool {
        match self {
            Self::User(name) => name == "*" || *name == user.name,
            Self::Group(name) => name == "*" || user.in_group(name),
            Self::Account(namespace, name) => {
                let account = user.name.strip_prefix("system:serviceaccount:");
                account
                    .and_then(|account| account.split_once(':'))
                    .is_some_and(|(of, account)| of == namespace && (name == "*" || name == account))
            }
        }
    }
}

impl ResourceRule {
    fn read(doc: &Document) -> Self {
        Self {
            verbs: texts(doc, "verbs"),
            groups: texts(doc, "apiGroups"),
            resources: texts(doc, "resources"),
            namespaces: texts(doc, "namespaces"),
            cluster: doc.bool_at(&["clusterScope"]).unwrap_or(false),
        }
    }

    fn matches(&self, info: &RequestInfo) -> bool {
        has(&self.verbs, info.verb.as_str())
            && has(&self.groups, &info.group)
            && self.resources.iter().any(|rule| names_resource(rule, info))
            && if info.namespace.is_empty() { self.cluster } else { has(&self.namespaces, &info.namespace) }
    }
}

/// Whether a rule names the resource, or the subresource that is asked for.
fn names_resource(rule: &str, info: &RequestInfo) -> bool {
    if rule == "*" {
        return true;
    }
    match rule.split_once('/') {
        None => info.subresource.is_empty() && rule == info.resource,
        Some((resource, subresource)) => resource == info.resource && subresource == info.subresource,
    }
}

impl PathRule {
    fn read(doc: &Document) -> Self {
        Self { verbs: texts(doc, "verbs"), paths: texts(doc, "nonResourceURLs") }
    }

    fn matches(&self, info: &RequestInfo) -> bool {
        let covers = |path: &String| {
            path == "*"
                || *path == info.path
                || path.strip_suffix('*').is_some_and(|prefix| info.path.starts_with(prefix))
        };
        has(&self.verbs, info.verb.as_str()) && self.paths.iter().any(covers)
    }
}

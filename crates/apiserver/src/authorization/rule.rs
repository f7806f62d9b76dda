//! One RBAC rule: what it allows, and whether it covers another.

use super::Attributes;
use skiff_apimachinery::{Document, doc};

/// A `PolicyRule`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// API verbs, or `*`.
    pub verbs: Vec<String>,
    /// API groups, or `*`.
    pub groups: Vec<String>,
    /// Resources, `resource/subresource`, `*/subresource`, or `*`.
    pub resources: Vec<String>,
    /// Object names; empty for all.
    pub names: Vec<String>,
    /// Paths outside of resources, with `*` at the end, or `*`.
    pub urls: Vec<String>,
}

impl Rule {
    /// Reads a rule of a role.
    pub fn read(doc: &Document) -> Self {
        let texts =
            |key: &str| doc.array_at(&[key]).iter().filter_map(Document::as_str).map(str::to_owned).collect();
        Self {
            verbs: texts("verbs"),
            groups: texts("apiGroups"),
            resources: texts("resources"),
            names: texts("resourceNames"),
            urls: texts("nonResourceURLs"),
        }
    }

    /// The rule as a role holds it.
    pub fn to_document(&self) -> Document {
        let mut out = doc!({"verbs": self.verbs.clone()});
        for (key, values) in [
            ("apiGroups", &self.groups),
            ("resources", &self.resources),
            ("resourceNames", &self.names),
            ("nonResourceURLs", &self.urls),
        ] {
            if !values.is_empty() {
                out.insert(key, values.clone());
            }
        }
        out
    }

    /// Whether the rule allows what a request wants.
    pub fn allows(&self, wanted: &Attributes<'_>) -> bool {
        if !has(&self.verbs, wanted.verb) {
            return false;
        }
        if wanted.resource.is_empty() {
            return self.urls.iter().any(|url| url_covers(url, wanted.path));
        }
        has(&self.groups, wanted.group)
            && self.resources.iter().any(|r| resource_matches(r, wanted.resource, wanted.subresource))
            && (self.names.is_empty() || self.names.iter().any(|name| name == wanted.name))
    }

    /// The rule split so that each part names one verb, group, resource and name: what escalation checks compare.
    pub fn parts(&self) -> Vec<Rule> {
        let mut parts = Vec::new();
        let one = |text: &String| vec![text.clone()];
        for verb in &self.verbs {
            for url in &self.urls {
                parts.push(Rule { verbs: one(verb), urls: one(url), ..Rule::default() });
            }
            for group in &self.groups {
                for resource in &self.resources {
                    let part = Rule {
                        verbs: one(verb),
                        groups: one(group),
                        resources: one(resource),
                        ..Rule::default()
                    };
                    if self.names.is_empty() {
                        parts.push(part);
                    } else {
                        parts.extend(self.names.iter().map(|name| Rule { names: one(name), ..part.clone() }));
                    }
                }
            }
        }
        parts
    }

    /// Whether this rule allows everything that a single part of another one allows.
    pub fn covers(&self, part: &Rule) -> bool {
        let all = |have: &[String], want: &[String]| want.iter().all(|w| has(have, w));
        if !all(&self.verbs, &part.verbs) {
            return false;
        }
        if !part.urls.is_empty() {
            return part.urls.iter().all(|want| self.urls.iter().any(|url| url_covers(url, want)));
        }
        all(&self.groups, &part.groups)
            && part.resources.iter().all(|want| {
                let (resource, subresource) = want.split_once('/').unwrap_or((want, ""));
                self.resources
                    .iter()
                    .any(|have| have == want || resource_matches(have, resource, subresource))
            })
            && (self.names.is_empty()
                || (!part.names.is_empty() && part.names.iter().all(|name| self.names.contains(name))))
    }
}

fn has(values: &[String], wanted: &str) -> bool {
    values.iter().any(|value| value == "*" || value == wanted)
}

fn resource_matches(rule: &str, resource: &str, subresource: &str) -> bool {
    if rule == "*" {
        return true;
    }
    match rule.split_once('/') {
        None => subresource.is_empty() && rule == resource,
        Some((parent, sub)) => {
            !subresource.is_empty() && sub == subresource && (parent == "*" || parent == resource)
        }
    }
}

fn url_covers(rule: &str, path: &str) -> bool {
    rule == "*" || rule == path || rule.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authentication::UserInfo;

    fn rule(verbs: &[&str], groups: &[&str], resources: &[&str], names: &[&str]) -> Rule {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Rule {
            verbs: own(verbs),
            groups: own(groups),
            resources: own(resources),
            names: own(names),
            urls: vec![],
        }
    }

    fn allows(rule: &Rule, verb: &str, resource: &str, subresource: &str, name: &str) -> bool {
        let user = UserInfo::anonymous();
        rule.allows(&Attributes {
            user: &user,
            verb,
            group: "",
            version: "v1",
            resource,
            subresource,
            namespace: "",
            name,
            path: "",
            field_selector: "",
        })
    }

    #[test]
    fn a_resource_does_not_include_its_subresources() {
        let pods = rule(&["get"], &[""], &["pods"], &[]);
        assert!(allows(&pods, "get", "pods", "", "x"));
        assert!(!allows(&pods, "get", "pods", "log", "x"));
        let any_scale = rule(&["update"], &["*"], &["*/scale"], &[]);
        assert!(allows(&any_scale, "update", "deployments", "scale", "x"));
        assert!(!allows(&any_scale, "update", "deployments", "", "x"));
    }

    #[test]
    fn names_restrict_a_rule() {
        let one = rule(&["get"], &[""], &["configmaps"], &["a"]);
        assert!(allows(&one, "get", "configmaps", "", "a"));
        assert!(!allows(&one, "get", "configmaps", "", "b"));
        assert!(!allows(&one, "list", "configmaps", "", "a"));
    }

    #[test]
    fn a_narrow_rule_does_not_cover_a_wide_one() {
        let wide = rule(&["*"], &["*"], &["*"], &[]);
        let narrow = rule(&["get"], &[""], &["pods"], &["a"]);
        assert!(narrow.parts().iter().all(|part| wide.covers(part)));
        assert!(!wide.parts().iter().all(|part| narrow.covers(part)));
        let unnamed = rule(&["get"], &[""], &["pods"], &[]);
        assert!(unnamed.covers(&narrow.parts()[0]));
        assert!(!narrow.covers(&unnamed.parts()[0]));
    }
}

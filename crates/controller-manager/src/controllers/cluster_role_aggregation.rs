//! `clusterrole-aggregation-controller`: fills in the rules of ClusterRoles that are made of others.
//!
//! Reads ClusterRoles. One with an `aggregationRule` gets the rules of those that its selectors select, in the order of
//! the selectors and of the roles' names, each rule once. The rules are applied, so that they stay told from what others
//! wrote.

use crate::controller::{Context, Controller, observed};
use crate::plan::{Plan, Write};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use skiff_apimachinery::selector::LabelSelector;
use skiff_apimachinery::{Document, Status, doc};
use skiff_client::resources::CLUSTER_ROLES;
use skiff_client::{Cached, Call, Informer, PatchKind, Selection, Untyped, Verb};
use std::sync::Arc;

/// Under which name the rules are applied.
const FIELD_MANAGER: &str = "clusterrole-aggregation-controller";
/// The fields of a rule.
const FIELDS: [&str; 5] = ["verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"];

/// The controller; its keys are names of ClusterRoles.
pub struct ClusterRoleAggregationController {
    roles: Informer<Untyped>,
}

/// One role that is made of others, and all that there are, by name.
pub struct World {
    role: Arc<Cached<Untyped>>,
    all: Vec<Arc<Cached<Untyped>>>,
}

impl Controller for ClusterRoleAggregationController {
    const NAME: &'static str = "clusterrole-aggregation-controller";
    const IDENTITY: &'static str = "clusterrole-aggregation-controller";
    const QUEUE: &'static str = "ClusterRoleAggregator";

    type Key = String;
    type World = World;

    fn new(context: &Context) -> Self {
        Self { roles: context.informers.of(&CLUSTER_ROLES, Selection::default()) }
    }

    fn sources(&self, sources: &mut Sources<String>) {
        let roles = self.roles.clone();
        // There are few, and each may be a part of any other: all that are made of others are looked at.
        sources.watch(&self.roles, move |_| {
            let mut roles = roles.list();
            roles.retain(|role| is_aggregated(role));
            roles.into_iter().map(|role| role.name().to_owned()).collect::<Vec<_>>()
        });
    }

    fn observe<'a>(&'a self, key: &'a String) -> BoxFuture<'a, Result<Option<World>, Status>> {
        let role = self.roles.get("", key).filter(|role| is_aggregated(role));
        observed(role.map(|role| World { role, all: self.roles.list() }))
    }

    fn plan(world: &World, _now: Timestamp) -> Plan {
        plan(world)
    }
}

fn is_aggregated(role: &Document) -> bool {
    role.get("aggregationRule").is_some_and(|rule| !rule.is_null())
}

fn plan(world: &World) -> Plan {
    let mut plan = Plan::default();
    // A selector that nobody understands must not cost the rules of the others.
    let Some(rules) = aggregated(world) else { return plan };
    let held: Vec<Document> = world.role.array_at(&["rules"]).iter().map(normal).collect();
    if rules != held {
        let name = world.role.name();
        let role = doc!({
            "apiVersion": CLUSTER_ROLES.api_version(),
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": rules
        });
        let call = Call::new(Verb::Patch(PatchKind::Apply { force: true }), &CLUSTER_ROLES, "", name);
        plan.write(Write::new(call.query("fieldManager", FIELD_MANAGER).body(role)));
    }
    plan
}

/// The rules that the role is to have; `None` if one of its selectors cannot be read.
fn aggregated(world: &World) -> Option<Vec<Document>> {
    let mut rules = Vec::new();
    for selector in world.role.array_at(&["aggregationRule", "clusterRoleSelectors"]) {
        let selector = LabelSelector::from_object(Some(selector)).ok()?;
        let others = world.all.iter().filter(|role| role.name() != world.role.name());
        for role in others.filter(|role| selector.matches(role.labels())) {
            for rule in role.array_at(&["rules"]).iter().map(normal) {
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
        }
    }
    Some(rules)
}

/// A rule without what it does not say, so that rules that mean the same are equal.
fn normal(rule: &Document) -> Document {
    let said = FIELDS.iter().filter_map(|field| Some((*field, rule.get(field)?.clone())));
    said.filter(|(_, values)| !values.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verb: &str) -> Document {
        doc!({"verbs": [verb], "apiGroups": [""], "resources": ["pods"]})
    }

    fn role(name: &str, label: &str, rules: Vec<Document>) -> Document {
        let mut role = doc!({"metadata": {"name": name}, "rules": rules});
        role.set(&["metadata", "labels", label], "true");
        role
    }

    /// A role that is made of those with either label.
    fn whole(rules: Vec<Document>) -> Document {
        let selector = |label: &str| {
            let mut selector = Document::object();
            selector.set(&["matchLabels", label], "true");
            selector
        };
        let mut role = role("whole", "a", rules);
        role.set(&["aggregationRule", "clusterRoleSelectors"], vec![selector("b"), selector("a")]);
        role
    }

    fn world(role: Document, parts: Vec<Document>) -> World {
        let cached = |role: Document| Arc::new(Cached::decode(Arc::new(role)).unwrap());
        let role = cached(role);
        World { all: parts.into_iter().map(cached).chain([role.clone()]).collect(), role }
    }

    fn written(role: Document, parts: Vec<Document>) -> Option<Document> {
        let plan = plan(&world(role, parts));
        let call = &plan.writes().next()?.call;
        assert_eq!(call.verb, Verb::Patch(PatchKind::Apply { force: true }));
        assert_eq!(call.query, [("fieldManager", FIELD_MANAGER.to_owned())]);
        Some(call.body.as_ref()?["rules"].clone())
    }

    #[test]
    fn a_role_gets_the_rules_of_its_parts_once_and_in_order() {
        let parts = || {
            vec![
                role("p", "a", vec![rule("get"), rule("list")]),
                role("q", "b", vec![rule("watch"), rule("get")]),
                role("r", "c", vec![rule("delete")]),
            ]
        };
        let wanted = doc!([rule("watch"), rule("get"), rule("list")]);
        // Its own rules are no part of it, whatever its labels say.
        assert_eq!(written(whole(vec![rule("create")]), parts()), Some(wanted.clone()));
        let padded = wanted.into_array().into_iter().map(|mut rule| {
            rule.insert("resourceNames", Document::array());
            rule
        });
        assert_eq!(written(whole(padded.collect()), parts()), None);
        assert_eq!(written(whole(vec![rule("get")]), vec![]), Some(doc!([])));
        assert_eq!(written(whole(vec![]), vec![]), None);
    }

    #[test]
    fn a_selector_that_cannot_be_read_changes_nothing() {
        let mut role = whole(vec![rule("get")]);
        let strange = doc!({"matchExpressions": [{"key": "a", "operator": "Near"}]});
        role.ensure(&["aggregationRule", "clusterRoleSelectors"]).push(strange);
        assert_eq!(written(role, vec![]), None);
    }
}

//! The FlowSchemas and PriorityLevelConfigurations that every cluster has: upstream's mandatory and suggested ones, as
//! tables. Pure.

use skiff_apimachinery::{Document, doc};

const API_VERSION: &str = "flowcontrol.apiserver.k8s.io/v1";

/// Name, shares, what may be lent in percent, then queues and hand size if requests wait in queues.
type Level = (&'static str, i64, i64, Option<(i64, i64)>);
const LEVELS: [Level; 7] = [
    ("catch-all", 5, 0, None),
    ("global-default", 20, 50, Some((128, 6))),
    ("leader-election", 10, 0, Some((16, 4))),
    ("node-high", 40, 25, Some((64, 6))),
    ("system", 30, 33, Some((64, 6))),
    ("workload-high", 40, 50, Some((128, 6))),
    ("workload-low", 100, 90, Some((128, 6))),
];

/// Name, level, precedence, distinguisher, subjects, rules. A rule is `VERBS GROUPS RESOURCES NAMESPACES`, with `+cluster`
/// behind the namespaces for cluster scope too, or `VERBS url PATHS`.
const SCHEMAS: [(&str, &str, i64, &str, &str, &str); 13] = [
    ("exempt", "exempt", 1, "", "group system:masters", "* * * *+cluster;* url *"),
    (
        "probes",
        "exempt",
        2,
        "",
        "group system:unauthenticated,group system:authenticated",
        "get url /healthz,/readyz,/livez",
    ),
    (
        "system-leader-election",
        "leader-election",
        100,
        "ByUser",
        "user system:kube-controller-manager,user system:kube-scheduler,account *",
        "get,create,update coordination.k8s.io leases kube-system",
    ),
    (
        "endpoint-controller",
        "workload-high",
        150,
        "ByUser",
        "user system:kube-controller-manager,account endpoint-controller,account endpointslicemirroring-controller",
        "get,create,update core endpoints *",
    ),
    (
        "workload-leader-election",
        "leader-election",
        200,
        "ByUser",
        "account *",
        "get,create,update coordination.k8s.io leases *",
    ),
    (
        "system-node-high",
        "node-high",
        400,
        "ByUser",
        "group system:nodes",
        "* core nodes,nodes/status *+cluster;* coordination.k8s.io leases *",
    ),
    ("system-nodes", "system", 500, "ByUser", "group system:nodes", "* * * *+cluster;* url *"),
    (
        "kube-controller-manager",
        "workload-high",
        800,
        "ByNamespace",
        "user system:kube-controller-manager",
        "* * * *+cluster;* url *",
    ),
    (
        "kube-scheduler",
        "workload-high",
        800,
        "ByNamespace",
        "user system:kube-scheduler",
        "* * * *+cluster;* url *",
    ),
    (
        "kube-system-service-accounts",
        "workload-high",
        900,
        "ByNamespace",
        "account *",
        "* * * *+cluster;* url *",
    ),
    (
        "service-accounts",
        "workload-low",
        9_000,
        "ByUser",
        "group system:serviceaccounts",
        "* * * *+cluster;* url *",
    ),
    (
        "global-default",
        "global-default",
        9_900,
        "ByUser",
        "group system:unauthenticated,group system:authenticated",
        "* * * *+cluster;* url *",
    ),
    (
        "catch-all",
        "catch-all",
        10_000,
        "ByUser",
        "group system:unauthenticated,group system:authenticated",
        "* * * *+cluster;* url *",
    ),
];

fn metadata(name: &str) -> Document {
    doc!({"name": name, "annotations": {"apf.kubernetes.io/autoupdate-spec": "true"}})
}

/// All PriorityLevelConfigurations.
pub(crate) fn priority_levels() -> Vec<Document> {
    let level = |name: &str, spec: Document| {
        doc!({
            "apiVersion": API_VERSION, "kind": "PriorityLevelConfiguration", "metadata": metadata(name),
            "spec": spec
        })
    };
    let exempt = doc!({"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}});
    let limited = LEVELS.iter().map(|(name, shares, lendable, queuing)| {
        let response = match queuing {
            None => doc!({"type": "Reject"}),
            Some((queues, hand)) => doc!({
                "type": "Queue", "queuing": {"queues": *queues, "handSize": *hand, "queueLengthLimit": 50}
            }),
        };
        let limited = doc!({
            "nominalConcurrencyShares": *shares, "limitResponse": response, "lendablePercent": *lendable
        });
        level(name, doc!({"type": "Limited", "limited": limited}))
    });
    std::iter::once(level("exempt", exempt)).chain(limited).collect()
}

/// All FlowSchemas.
pub(crate) fn flow_schemas() -> Vec<Document> {
    let schemas = SCHEMAS.iter().map(|(name, level, precedence, distinguisher, subjects, rules)| {
        let mut policy = doc!({"subjects": subjects.split(',').map(subject).collect::<Document>()});
        let rules = rules.split(';').map(|rule| rule.split(' ').collect::<Vec<_>>());
        let (paths, resources): (Vec<_>, Vec<_>) = rules.partition(|columns| columns.get(1) == Some(&"url"));
        for (key, rules) in [("resourceRules", resources), ("nonResourceRules", paths)] {
            if !rules.is_empty() {
                policy.insert(key, rules.iter().map(|columns| rule(columns)).collect::<Document>());
            }
        }
        let mut spec =
            doc!({"priorityLevelConfiguration": {"name": *level}, "matchingPrecedence": *precedence});
        if !distinguisher.is_empty() {
            spec.insert("distinguisherMethod", doc!({"type": *distinguisher}));
        }
        spec.insert("rules", vec![policy]);
        doc!({"apiVersion": API_VERSION, "kind": "FlowSchema", "metadata": metadata(name), "spec": spec})
    });
    schemas.collect()
}

fn subject(text: &str) -> Document {
    let (kind, name) = text.split_once(' ').unwrap_or((text, ""));
    match kind {
        "group" => doc!({"kind": "Group", "group": {"name": name}}),
        "account" => {
            doc!({"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": name}})
        }
        _ => doc!({"kind": "User", "user": {"name": name}}),
    }
}

fn rule(columns: &[&str]) -> Document {
    let list = |text: &str| -> Vec<String> {
        text.split(',').map(|part| if part == "core" { "" } else { part }).map(str::to_owned).collect()
    };
    match columns {
        [verbs, "url", paths] => doc!({"verbs": list(verbs), "nonResourceURLs": list(paths)}),
        [verbs, groups, resources, namespaces] => {
            let (namespaces, cluster) = match namespaces.strip_suffix("+cluster") {
                Some(namespaces) => (namespaces, true),
                None => (*namespaces, false),
            };
            let mut rule =
                doc!({"verbs": list(verbs), "apiGroups": list(groups), "resources": list(resources)});
            if cluster {
                rule.insert("clusterScope", true);
            }
            rule.insert("namespaces", list(namespaces));
            rule
        }
        _ => Document::object(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_leads_to_a_level_and_has_whole_rules() {
        let levels = priority_levels();
        assert_eq!(levels.len(), 8);
        let schemas = flow_schemas();
        assert_eq!(schemas.len(), 13);
        for schema in &schemas {
            let level = schema.str_at(&["spec", "priorityLevelConfiguration", "name"]);
            assert!(levels.iter().any(|l| l.name() == level), "{} leads to {level}", schema.name());
            for policy in schema.array_at(&["spec", "rules"]) {
                let all = ["resourceRules", "nonResourceRules"].map(|key| policy.array_at(&[key]));
                assert!(all.concat().iter().all(|rule| !rule.is_empty()), "{}", schema.name());
            }
        }
        assert_eq!(
            schemas[5].array_at(&["spec", "rules"])[0].array_at(&["resourceRules"])[0],
            doc!({
                "verbs": ["*"], "apiGroups": [""], "resources": ["nodes", "nodes/status"], "clusterScope": true,
                "namespaces": ["*"]
            })
        );
    }
}

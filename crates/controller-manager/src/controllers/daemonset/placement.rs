//! On which nodes pods of a DaemonSet run: those that the pods' node selector, affinity and tolerations allow.
//!
//! Resources do not matter: a node without room gets its pod, which waits for the scheduler to find room.

use super::template::{self, REQUIRED_NODES};
use crate::controllers::taint_eviction::tolerates;
use k8s_openapi::api::core::v1::{Node, Toleration};
use skiff_apimachinery::Document;
use skiff_apimachinery::selector::LabelSelector;
use skiff_client::Cached;

/// What the pods of a DaemonSet ask of a node.
pub(super) struct Placement {
    /// The one node that the template names; empty for any.
    node: String,
    selector: LabelSelector,
    /// The terms of which one must hold; `None` if there is no affinity.
    terms: Option<Vec<Document>>,
    tolerations: Vec<Toleration>,
}

/// Whether a DaemonSet is at home on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// A pod is to run there.
    Runs,
    /// A pod that is there may go on, but none is made: a taint keeps new pods away.
    MayStay,
    /// No pod is to be there.
    No,
}

impl Fit {
    /// Whether a pod is made for the node if it has none.
    pub(super) fn should_run(self) -> bool {
        self == Self::Runs
    }

    /// Whether a pod may be on the node.
    pub(super) fn may_stay(self) -> bool {
        self != Self::No
    }
}

impl Placement {
    /// Reads the template of a DaemonSet.
    pub(super) fn of(set: &Document) -> Self {
        let pod = &set["spec"]["template"];
        let labels = pod.object_at(&["spec", "nodeSelector"]);
        let required = pod.at(&REQUIRED_NODES).filter(|required| !required.is_null());
        let tolerations = template::tolerations(&pod["spec"]);
        Self {
            node: pod.str_at(&["spec", "nodeName"]).to_owned(),
            selector: labels.map_or_else(LabelSelector::everything, LabelSelector::from_labels),
            terms: required.map(|required| required.array_at(&["nodeSelectorTerms"]).to_vec()),
            tolerations: tolerations.iter().filter_map(|toleration| toleration.read().ok()).collect(),
        }
    }

    /// Whether the DaemonSet is at home on a node.
    pub(super) fn fit(&self, node: &Cached<Node>) -> Fit {
        let named = self.node.is_empty() || self.node == node.name();
        let wanted = self.terms.as_ref().is_none_or(|terms| terms.iter().any(|term| holds(term, node)));
        if !named || !wanted || !self.selector.matches(node.labels()) {
            Fit::No
        } else if !self.stands(node, &["NoSchedule", "NoExecute"]) {
            if self.stands(node, &["NoExecute"]) { Fit::MayStay } else { Fit::No }
        } else {
            Fit::Runs
        }
    }

    /// Whether the pods tolerate all of a node's taints with one of these effects.
    fn stands(&self, node: &Cached<Node>, effects: &[&str]) -> bool {
        let taints = node.typed.spec.as_ref().and_then(|spec| spec.taints.as_ref());
        let mut hard = taints.into_iter().flatten().filter(|taint| effects.contains(&taint.effect.as_str()));
        hard.all(|taint| self.tolerations.iter().any(|toleration| tolerates(toleration, taint)))
    }
}

/// Whether a node meets a `NodeSelectorTerm`. One without requirements, and one that is malformed, is met by none.
fn holds(term: &Document, node: &Document) -> bool {
    let (labels, fields) = (term.array_at(&["matchExpressions"]), term.array_at(&["matchFields"]));
    if labels.is_empty() && fields.is_empty() {
        return false;
    }
    LabelSelector::from_node_expressions(labels).is_ok_and(|selector| selector.matches(node.labels()))
        && fields.iter().all(|field| is_named(field, node.name()))
}

/// Whether a node has the name that a requirement on fields asks for; there is no other field.
fn is_named(requirement: &Document, name: &str) -> bool {
    let [value] = requirement.array_at(&["values"]) else { return false };
    let same = value.as_str() == Some(name);
    requirement.str_at(&["key"]) == "metadata.name"
        && match requirement.str_at(&["operator"]) {
            "In" => same,
            "NotIn" => !same,
            _ => false,
        }
}

/// Whether a change of a node may change on which nodes DaemonSets run.
pub(super) fn matters(old: &Cached<Node>, new: &Cached<Node>) -> bool {
    old.uid() != new.uid()
        || old.labels() != new.labels()
        || old.at(&["spec", "taints"]) != new.at(&["spec", "taints"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;
    use std::sync::Arc;

    fn node(labels: Document, taints: Document) -> Cached<Node> {
        let node = doc!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a", "labels": labels},
            "spec": {"taints": taints}});
        Cached::decode(Arc::new(node)).unwrap()
    }

    fn taint(key: &str, effect: &str) -> Document {
        doc!([{"key": key, "effect": effect}])
    }

    fn required(term: Document) -> Document {
        doc!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}})
    }

    #[test]
    fn a_template_decides_where_its_pods_run() {
        let plain = || node(doc!({"zone": "x"}), doc!([]));
        let tainted = |key: &str, effect: &str| node(doc!({}), taint(key, effect));
        let expression = |operator: &str| {
            required(doc!({"matchExpressions": [{"key": "zone", "operator": operator, "values": ["x"]}]}))
        };
        let field = |operator: &str| {
            required(doc!({"matchFields": [{"key": "metadata.name", "operator": operator, "values": ["a"]}]}))
        };
        let cases = [
            ("anywhere", doc!({}), plain(), Fit::Runs),
            ("on the named node", doc!({"nodeName": "a"}), plain(), Fit::Runs),
            ("on another node", doc!({"nodeName": "b"}), plain(), Fit::No),
            ("by selector", doc!({"nodeSelector": {"zone": "x"}}), plain(), Fit::Runs),
            ("by another selector", doc!({"nodeSelector": {"zone": "y"}}), plain(), Fit::No),
            ("by affinity", expression("In"), plain(), Fit::Runs),
            ("against affinity", expression("NotIn"), plain(), Fit::No),
            ("by a malformed affinity", expression("Near"), plain(), Fit::No),
            ("by an empty term", required(doc!({})), plain(), Fit::No),
            ("by name", field("In"), plain(), Fit::Runs),
            ("against the name", field("NotIn"), plain(), Fit::No),
            ("tainted for new pods", doc!({}), tainted("k", "NoSchedule"), Fit::MayStay),
            ("tainted for all pods", doc!({}), tainted("k", "NoExecute"), Fit::No),
            ("preferably not", doc!({}), tainted("k", "PreferNoSchedule"), Fit::Runs),
            ("not ready", doc!({}), tainted("node.kubernetes.io/not-ready", "NoExecute"), Fit::Runs),
            (
                "not ready for new pods",
                doc!({}),
                tainted("node.kubernetes.io/not-ready", "NoSchedule"),
                Fit::MayStay,
            ),
            ("cordoned", doc!({}), tainted("node.kubernetes.io/unschedulable", "NoSchedule"), Fit::Runs),
            (
                "without network",
                doc!({}),
                tainted("node.kubernetes.io/network-unavailable", "NoSchedule"),
                Fit::MayStay,
            ),
            (
                "without network, on the node's own",
                doc!({"hostNetwork": true}),
                tainted("node.kubernetes.io/network-unavailable", "NoSchedule"),
                Fit::Runs,
            ),
            (
                "tolerated",
                doc!({"tolerations": [{"operator": "Exists"}]}),
                tainted("k", "NoExecute"),
                Fit::Runs,
            ),
        ];
        for (case, spec, node, fit) in cases {
            let placement = Placement::of(&doc!({"spec": {"template": {"spec": spec}}}));
            assert_eq!(placement.fit(&node), fit, "{case}");
        }
    }
}

//! Tainted nodes take only pods that tolerate the taint; fewer `PreferNoSchedule` taints are better.

use super::{Happening, Plugin, Refusal, scale_to_max};
use crate::node::Node;
use crate::pod::Pod;

/// The plugin.
pub struct TaintToleration;

impl Plugin for TaintToleration {
    fn name(&self) -> &'static str {
        "TaintToleration"
    }

    fn filter(&self, pod: &Pod, node: &Node) -> Result<(), Refusal> {
        let hard = node.taints.iter().filter(|taint| matches!(&*taint.effect, "NoSchedule" | "NoExecute"));
        match hard.into_iter().find(|taint| !pod.tolerates(taint)) {
            None => Ok(()),
            Some(taint) => Err(Refusal::final_(format!(
                "node(s) had untolerated taint {{{}: {}}}",
                taint.key, taint.value
            ))),
        }
    }

    fn scores(&self, _: &Pod) -> bool {
        true
    }

    fn score(&self, pod: &Pod, node: &Node) -> i64 {
        let soft = node.taints.iter().filter(|taint| &*taint.effect == "PreferNoSchedule");
        soft.filter(|taint| !pod.tolerates(taint)).count() as i64
    }

    fn normalize(&self, scores: &mut [i64]) {
        scale_to_max(scores, true);
    }

    fn weight(&self) -> i64 {
        3
    }

    fn helped_by(&self, happening: Happening) -> bool {
        matches!(happening, Happening::Node(change) if change.added || change.taints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod::Taint;
    use skiff_apimachinery::doc;

    fn node(effect: &str) -> Node {
        let taint = Taint { key: "k".into(), value: "v".into(), effect: effect.into() };
        Node { taints: vec![taint], ..Node::default() }
    }

    #[test]
    fn a_hard_taint_refuses_in_upstreams_words_and_a_soft_one_only_counts() {
        let pod = Pod::read(&doc!({"spec": {"containers": []}}));
        assert_eq!(
            TaintToleration.filter(&pod, &node("NoExecute")).unwrap_err().reasons,
            ["node(s) had untolerated taint {k: v}"]
        );
        assert!(TaintToleration.filter(&pod, &node("PreferNoSchedule")).is_ok());
        let mut scores = [TaintToleration.score(&pod, &node("PreferNoSchedule")), 0];
        TaintToleration.normalize(&mut scores);
        assert_eq!(scores, [0, 100]);
    }
}

//! `TaintNodesByCondition`: a new node takes no pods until the node lifecycle controller has seen it ready.

use super::{Operation, Plugin, Request};
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status, doc};

const TAINT: &str = "node.kubernetes.io/not-ready";

/// The plugin.
pub struct TaintNodesByCondition;

impl Plugin for TaintNodesByCondition {
    fn name(&self) -> &'static str {
        "TaintNodesByCondition"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        node: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        if request.operation == Operation::Create && request.is("", "nodes") {
            let tainted = node
                .array_at(&["spec", "taints"])
                .iter()
                .any(|taint| taint.str_at(&["key"]) == TAINT && taint.str_at(&["effect"]) == "NoSchedule");
            if !tainted {
                node.ensure(&["spec", "taints"]).push(doc!({"key": TAINT, "effect": "NoSchedule"}));
            }
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

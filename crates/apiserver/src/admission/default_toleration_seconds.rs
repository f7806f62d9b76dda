//! `DefaultTolerationSeconds`: pods tolerate a node that is not ready or unreachable for five minutes.

use super::{Operation, Plugin, Request};
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status, doc};

const SECONDS: i64 = 300;

/// The plugin.
pub struct DefaultTolerationSeconds;

fn apply(request: &Request<'_>, pod: &mut Document) {
    if !request.is("", "pods") || !matches!(request.operation, Operation::Create | Operation::Update) {
        return;
    }
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = pod.array_at(&["spec", "tolerations"]).iter().any(|toleration| {
            let (toleration_key, effect) = (toleration.str_at(&["key"]), toleration.str_at(&["effect"]));
            (toleration_key == key || toleration_key.is_empty())
                && (effect == "NoExecute" || effect.is_empty())
        });
        if !tolerated {
            pod.ensure(&["spec", "tolerations"]).push(
                doc!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS}),
            );
        }
    }
}

impl Plugin for DefaultTolerationSeconds {
    fn name(&self) -> &'static str {
        "DefaultTolerationSeconds"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        apply(request, object);
        Box::pin(std::future::ready(Ok(())))
    }
}

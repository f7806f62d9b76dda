//! `componentstatuses`: whether the store answers. Deprecated upstream since 1.19, still asked for by people.

use super::{Answer, Call, Outcome};
use crate::chain::Core;
use crate::request::Verb;
use skiff_api::Resource;
use skiff_apimachinery::{Document, Status, doc};

/// The store's name among the components.
const STORE: &str = "etcd-0";

pub(super) async fn run(core: &Core, row: &Resource, call: &Call) -> Result<Answer, Status> {
    let answer = if call.info.verb == Verb::List {
        let items = vec![store(core).await];
        Answer::ok(Outcome::Other(doc!({
            "kind": "ComponentStatusList", "apiVersion": "v1", "metadata": {}, "items": items
        })))
    } else if call.info.name == STORE {
        Answer::ok(Outcome::Other(store(core).await))
    } else {
        return Err(Status::not_found(&row.group_resource(), &call.info.name));
    };
    Ok(answer)
}

async fn store(core: &Core) -> Document {
    let condition = match core.caches.storage().revision().await {
        Ok(_) => doc!({"type": "Healthy", "status": "True", "message": "ok"}),
        Err(error) => {
            doc!({"type": "Healthy", "status": "False", "message": "", "error": error.to_string()})
        }
    };
    doc!({
        "kind": "ComponentStatus", "apiVersion": "v1", "metadata": {"name": STORE}, "conditions": [condition]
    })
}

//! The end of a definition: its instances are removed, then it is let go.

use super::conditions::{Condition, TERMINATING};
use super::controller::Door;
use super::{FINALIZER, definitions, plan, rows};
use crate::cache::Caches;
use crate::local::LocalCall;
use crate::request::Verb;
use skiff_apimachinery::{Document, GroupVersionResource, Reason, Status};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How long instances may take to go before that is told and tried again.
const PATIENCE: Duration = Duration::from_secs(60);
/// Shortest and longest pause between attempts.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Works until the definition is let go or gone.
pub(super) async fn run(door: Door, caches: Arc<Caches>, name: String) {
    let mut pause = PAUSES.0;
    loop {
        match attempt(&door, &caches, &name).await {
            Ok(()) => return,
            Err(status) if status.is_not_found() => return,
            Err(status) => tracing::warn!(definition = name, %status, "instances could not be removed yet"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

async fn attempt(door: &Door, caches: &Caches, name: &str) -> Result<(), Status> {
    let definition = door.get(&definitions(), "", name).await?;
    let is_held = definition.finalizers().any(|finalizer| finalizer == FINALIZER);
    if definition.deletion_timestamp().is_none() || !is_held {
        return Ok(());
    }
    let tell = |holds: bool, reason: &'static str, message: String| {
        let condition = Condition::new(TERMINATING, holds, reason, message);
        door.set_condition(name, condition)
    };
    if plan::has_names(&definition) {
        tell(true, "InstanceDeletionInProgress", "CustomResource deletion is in progress".into()).await?;
        if let Err(status) = remove_instances(door, caches, &definition).await {
            tell(true, "InstanceDeletionFailed", status.message.clone()).await?;
            return Err(status);
        }
        tell(false, "InstanceDeletionCompleted", "removed all instances".into()).await?;
    } else {
        tell(false, "NeverEstablished", "resource was never established".into()).await?;
    }
    door.edit(&definitions(), name, "", |definition| {
        let kept: Vec<Document> =
            definition.finalizers().filter(|finalizer| *finalizer != FINALIZER).map(Document::from).collect();
        definition.set(&["metadata", "finalizers"], kept);
    })
    .await
}

async fn remove_instances(door: &Door, caches: &Caches, definition: &Document) -> Result<(), Status> {
    let resource = GroupVersionResource::new(
        definition.str_at(&["spec", "group"]).to_owned(),
        rows::storage_version(definition).to_owned(),
        definition.str_at(&["spec", "names", "plural"]).to_owned(),
    );
    let failed =
        |what: &str, status: Status| Status { message: format!("could not {what}: {status}"), ..status };
    let listed = door.list(&resource).await.map_err(|status| failed("list instances", status))?;
    let namespaces: BTreeSet<&str> = listed.items.iter().map(|instance| instance.namespace()).collect();
    for namespace in namespaces {
        let call =
            LocalCall { namespace: namespace.to_owned(), ..Door::request(Verb::DeleteCollection, &resource) };
        door.call(call).await.map_err(|status| failed("issue all deletes", status))?;
    }
    let mut call = Door::request(Verb::Watch, &resource);
    call.query.push(("resourceVersion".into(), listed.resource_version));
    let mut watch = door.watch(call).await?;
    let row = caches.table().rows().stored(&resource.group_resource()).ok_or_else(Status::no_such_path)?;
    let cache = caches.of(&row);
    let emptied = async {
        while !cache.is_empty() {
            if watch.next().await.is_none() {
                return false;
            }
        }
        true
    };
    match tokio::time::timeout(PATIENCE, emptied).await {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => {
            let why = "could not confirm zero CustomResources remaining: timed out waiting for the condition";
            Err(Status::new(500, Reason::Unknown, why))
        }
    }
}

//! `serviceaccount-controller`: gives every namespace its `default` ServiceAccount.

use crate::controller::{Context, Controller, observed};
use crate::plan::{Plan, Write};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use skiff_apimachinery::{Document, Status, doc};
use skiff_client::resources::{NAMESPACES, SERVICE_ACCOUNTS};
use skiff_client::{Event, Informer, Selection, Untyped};

const DEFAULT: &str = "default";

/// The controller; its keys are names of namespaces.
pub struct ServiceAccountController {
    namespaces: Informer<Namespace>,
    accounts: Informer<Untyped>,
}

/// One namespace.
pub struct World {
    namespace: String,
    active: bool,
    has_account: bool,
}

/// Whether new objects may be made in a namespace.
pub fn is_active(namespace: &Document) -> bool {
    namespace.deletion_timestamp().is_none() && namespace.str_at(&["status", "phase"]) != "Terminating"
}

impl Controller for ServiceAccountController {
    const NAME: &'static str = "serviceaccount-controller";
    const IDENTITY: &'static str = "service-account-controller";
    const QUEUE: &'static str = "serviceaccount";
    const WORKERS: usize = 1;

    type Key = String;
    type World = World;

    fn new(context: &Context) -> Self {
        let defaults = Selection { fields: format!("metadata.name={DEFAULT}"), ..Selection::default() };
        Self {
            namespaces: context.informers.of(&NAMESPACES, Selection::default()),
            accounts: context.informers.of(&SERVICE_ACCOUNTS, defaults),
        }
    }

    fn sources(&self, sources: &mut Sources<String>) {
        sources.watch(&self.namespaces, |event| [event.object().name().to_owned()]);
        sources.watch(&self.accounts, |event| match event {
            Event::Deleted(account) => Some(account.namespace().to_owned()),
            Event::Added(_) | Event::Updated { .. } => None,
        });
    }

    fn observe<'a>(&'a self, key: &'a String) -> BoxFuture<'a, Result<Option<World>, Status>> {
        observed(self.namespaces.get("", key).map(|namespace| World {
            namespace: key.clone(),
            active: is_active(&namespace),
            has_account: self.accounts.get(key, DEFAULT).is_some(),
        }))
    }

    fn plan(world: &World, _now: Timestamp) -> Plan {
        let mut plan = Plan::default();
        if world.active && !world.has_account {
            let account = doc!({
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": DEFAULT, "namespace": world.namespace.as_str()}
            });
            plan.write(Write::create(&SERVICE_ACCOUNTS, &world.namespace, account));
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_active_namespace_without_an_account_gets_one() {
        for (active, has_account, writes) in [(true, false, 1), (true, true, 0), (false, false, 0)] {
            let world = World { namespace: "n".into(), active, has_account };
            assert_eq!(
                ServiceAccountController::plan(&world, Timestamp::UNIX_EPOCH).writes().count(),
                writes
            );
        }
    }
}

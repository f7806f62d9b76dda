//! `token-cleaner-controller`: deletes bootstrap tokens that have ended.

use crate::bootstrap_token::{self, Lifetime};
use crate::controller::{Context, Controller, observed};
use crate::plan::{Plan, Write};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use skiff_apimachinery::Status;
use skiff_apimachinery::meta::ObjectKey;
use skiff_client::resources::SECRETS;
use skiff_client::{Event, Informer, Object, Untyped};

/// The controller.
pub struct TokenCleaner {
    tokens: Informer<Untyped>,
}

/// One token.
pub struct World {
    token: Object,
}

impl Controller for TokenCleaner {
    const NAME: &'static str = "token-cleaner-controller";
    const IDENTITY: &'static str = "token-cleaner";
    const QUEUE: &'static str = "token_cleaner";
    const WORKERS: usize = 1;
    const ON_BY_DEFAULT: bool = false;

    type Key = ObjectKey;
    type World = World;

    fn new(context: &Context) -> Self {
        Self { tokens: bootstrap_token::informer(&context.informers) }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        sources.watch(&self.tokens, |event| match event {
            Event::Added(token) | Event::Updated { new: token, .. } => Some(token.key()),
            Event::Deleted(_) => None,
        });
    }

    fn observe<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<World>, Status>> {
        let token = self.tokens.get(&key.namespace, &key.name);
        observed(token.map(|token| World { token: token.object.clone() }))
    }

    fn plan(world: &World, now: Timestamp) -> Plan {
        let mut plan = Plan::default();
        match bootstrap_token::lifetime(&world.token, now) {
            Lifetime::Endless => {}
            Lifetime::Left(left) => plan.requeue(left),
            Lifetime::Over => plan.write(Write::delete(&SECRETS, &world.token)),
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap_token::tests::{token, with};
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn a_token_is_deleted_at_its_end() {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let planned = |token| TokenCleaner::plan(&World { token: Arc::new(token) }, now);
        assert_eq!(planned(token("abcdef")), Plan::nothing());
        let waiting = planned(with(token("abcdef"), "expiration", "2026-01-01T12:00:05Z"));
        assert_eq!(waiting, Plan { requeue_after: Some(Duration::from_secs(5)), ..Plan::default() });
        let ended = planned(with(token("abcdef"), "expiration", "2026-01-01T11:00:00Z"));
        assert_eq!(ended.writes().next().unwrap().call.name, "bootstrap-token-abcdef");
    }
}

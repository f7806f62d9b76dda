//! One file or folder per controller. [`Controller`] tells how to add one.

pub mod replicaset;

use crate::controller::{Context, Controller};
use crate::runner;
use futures::future::BoxFuture;

/// How the manager knows a controller.
pub struct Registration {
    /// Upstream's name.
    pub name: &'static str,
    /// Its service account.
    pub identity: &'static str,
    /// Runs it until the future is dropped.
    pub run: fn(Context) -> BoxFuture<'static, ()>,
}

/// All controllers.
pub fn all() -> Vec<Registration> {
    vec![register::<replicaset::ReplicaSetController>()]
}

fn register<C: Controller>() -> Registration {
    Registration { name: C::NAME, identity: C::IDENTITY, run: |context| Box::pin(runner::run::<C>(context)) }
}

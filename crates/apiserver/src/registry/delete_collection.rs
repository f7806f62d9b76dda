//! Deleting every object of a selection, one by one.

use super::{Context, Deleted, Registry, Target};
use crate::cache::{Entry, Page};
use crate::request::options::DeleteOptions;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use skiff_apimachinery::Status;
use std::sync::Arc;

/// How many objects are deleted at once.
const PARALLEL: usize = 8;

impl Registry {
    /// Deletes the objects of a page. Those that are gone meanwhile are no failure.
    ///
    /// # Errors
    /// The first failure; what was deleted before stays deleted.
    pub async fn delete_collection(
        &self,
        context: &mut Context,
        collection: &Target,
        page: &Page,
        options: &DeleteOptions,
    ) -> Result<(), Status> {
        let context = &*context;
        // Boxed, because the compiler cannot tell otherwise that the futures are Send.
        let deletion = |entry: &Arc<Entry>| -> BoxFuture<'_, Result<(), Status>> {
            let target = Target {
                namespace: entry.namespace().to_owned(),
                name: entry.name().to_owned(),
                ..collection.clone()
            };
            Box::pin(async move {
                let mut context = context.clone();
                match self.delete(&mut context, &target, options).await {
                    Ok(Deleted::Gone(_) | Deleted::Waiting(_)) => Ok(()),
                    Err(status) if status.is_not_found() => Ok(()),
                    Err(status) => Err(status),
                }
            })
        };
        let deletions: Vec<_> = page.entries.iter().map(deletion).collect();
        let results: Vec<Result<(), Status>> =
            stream::iter(deletions).buffer_unordered(PARALLEL).collect().await;
        results.into_iter().collect()
    }
}

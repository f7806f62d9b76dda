//! Lists: from the cache when it is fresh enough, from the store when an exact past revision is wanted.

use super::entry::Entry;
use super::{Cache, ContinueToken, Filter};
use crate::request::options::{ListOptions, ReadAt};
use crate::stored::{expired_revision, storage_failure};
use skiff_apimachinery::Status;
use skiff_storage::{Range, Revision, StorageError};
use std::sync::Arc;

/// Fewest keys read from the store at once while looking for selected objects.
const MIN_PAGE: usize = 100;
/// Most keys read from the store at once.
const MAX_PAGE: usize = 10_000;

/// One page of a list.
pub struct Page {
    /// The objects in the order of their keys.
    pub entries: Vec<Arc<Entry>>,
    /// The revision of the list.
    pub revision: Revision,
    /// The next page's token; empty at the end.
    pub continue_token: String,
    /// How many objects follow, if that is known.
    pub remaining: Option<usize>,
}

impl Cache {
    /// Lists one page of a namespace (of all if it is empty).
    ///
    /// # Errors
    /// 400, 410 or 504 as upstream answers.
    pub async fn list(
        &self,
        namespace: &str,
        filter: &Filter,
        options: &ListOptions,
    ) -> Result<Page, Status> {
        if !options.continue_token.is_empty() {
            return self.continued(namespace, filter, options).await;
        }
        match options.read_at {
            ReadAt::Any => {
                self.ready().await;
                // Without wanting freshness there is nothing a page could be consistent with.
                Ok(self.snapshot(namespace, "", filter, 0))
            }
            ReadAt::Latest => {
                self.caught_up().await?;
                Ok(self.snapshot(namespace, "", filter, options.limit))
            }
            ReadAt::NotOlderThan(revision) => {
                self.at_least(revision).await?;
                Ok(self.snapshot(namespace, "", filter, options.limit))
            }
            ReadAt::Exact(revision) => {
                self.past(namespace, "", filter, options.limit, revision).await.map_err(|error| match error {
                    StorageError::Compacted { oldest } => expired_revision(revision, oldest),
                    other => storage_failure(other),
                })
            }
        }
    }

    async fn continued(
        &self,
        namespace: &str,
        filter: &Filter,
        options: &ListOptions,
    ) -> Result<Page, Status> {
        let token = ContinueToken::parse(&options.continue_token)?;
        if !matches!(options.read_at, ReadAt::Latest | ReadAt::Any) {
            return Err(Status::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let start = format!("{}{}", self.list_prefix(namespace), token.start);
        let Some(revision) = token.revision else {
            self.caught_up().await?;
            return Ok(self.snapshot(namespace, &start, filter, options.limit));
        };
        match self.past(namespace, &start, filter, options.limit, revision).await {
            Ok(page) => Ok(page),
            Err(StorageError::Compacted { .. }) => Err(expired_token(&token)),
            Err(other) => Err(storage_failure(other)),
        }
    }

    /// A page of the present state. The cache must be ready.
    fn snapshot(&self, namespace: &str, start: &str, filter: &Filter, limit: usize) -> Page {
        let prefix = self.list_prefix(namespace);
        let state = self.read();
        let revision = state.revision();
        if let (Some(name), false) = (filter.name(), namespace.is_empty() && self.row.namespaced()) {
            let found = state.object(&self.key(namespace, name)).filter(|entry| filter.matches(entry));
            let entries = found.into_iter().collect();
            return Page { entries, revision, continue_token: String::new(), remaining: None };
        }
        let mut selected = state.under(&prefix, start).filter(|entry| filter.matches(entry));
        if limit == 0 {
            let entries = selected.cloned().collect();
            return Page { entries, revision, continue_token: String::new(), remaining: None };
        }
        let entries: Vec<Arc<Entry>> = selected.by_ref().take(limit).cloned().collect();
        let more = selected.count();
        let remaining = (more > 0 && filter.selects_all()).then_some(more);
        let continue_token =
            if more > 0 { next_token(&entries, &prefix, Some(revision)) } else { String::new() };
        Page { entries, revision, continue_token, remaining }
    }

    /// A page of a past state.
    async fn past(
        &self,
        namespace: &str,
        start: &str,
        filter: &Filter,
        limit: usize,
        revision: Revision,
    ) -> Result<Page, StorageError> {
        let prefix = self.list_prefix(namespace);
        let mut entries = Vec::new();
        let mut range = Range {
            prefix: prefix.clone(),
            start: start.to_owned(),
            revision: Some(revision),
            ..Range::default()
        };
        loop {
            let wanted = if limit == 0 { MAX_PAGE } else { limit - entries.len() };
            range.limit = if filter.selects_all() { wanted } else { wanted.clamp(MIN_PAGE, MAX_PAGE) };
            let found = self.storage.range(range.clone()).await?;
            let keys = found.items.len();
            let mut read = 0_usize;
            for stored in &found.items {
                if limit > 0 && entries.len() == limit {
                    break;
                }
                read += 1;
                entries.extend(self.loaded(stored).filter(|entry| filter.matches(entry)));
            }
            let Some(last) = read.checked_sub(1).and_then(|at| found.items.get(at)) else {
                return Ok(Page { entries, revision, continue_token: String::new(), remaining: None });
            };
            let follow = found.more || read < keys;
            if !follow {
                return Ok(Page { entries, revision, continue_token: String::new(), remaining: None });
            }
            range.start = format!("{}\0", last.key);
            if limit > 0 && entries.len() == limit {
                let remaining =
                    filter.selects_all().then(|| found.count.saturating_sub(read)).filter(|n| *n > 0);
                let start = range.start.strip_prefix(&prefix).unwrap_or_default().to_owned();
                let continue_token = ContinueToken { revision: Some(revision), start }.encode();
                return Ok(Page { entries, revision, continue_token, remaining });
            }
        }
    }

    /// A stored value in served form; the cached one if it is of the same revision.
    fn loaded(&self, stored: &skiff_storage::KeyValue) -> Option<Arc<Entry>> {
        let cached = self.by_key(&stored.key).filter(|entry| entry.revision() == stored.mod_revision);
        cached.or_else(|| self.form.entry(&self.row, stored).ok().map(Arc::new))
    }
}

fn next_token(entries: &[Arc<Entry>], prefix: &str, revision: Option<Revision>) -> String {
    let last = entries.last().and_then(|entry| entry.key().strip_prefix(prefix));
    last.map(|key| ContinueToken { revision, start: format!("{key}\0") }.encode()).unwrap_or_default()
}

/// The field of a Status document's metadata that carries the token to go on with after 410.
pub const CONTINUE_CAUSE: &str = "skiff.io/inconsistent-continue";

/// 410 with a token that goes on at the latest revision. The renderer moves the token from the causes to the metadata.
fn expired_token(token: &ContinueToken) -> Status {
    let mut status = Status::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without \
         the continue parameter, or use the continue token in this response to retrieve the remainder of the results. \
         Continuing with the provided token results in an inconsistent list - objects that were created, modified, or \
         deleted between the time the first chunk was returned and now may show up in the list.",
    );
    status.details_mut().causes.push(skiff_apimachinery::status::Cause {
        reason: CONTINUE_CAUSE.into(),
        message: ContinueToken { revision: None, start: token.start.clone() }.encode(),
        ..Default::default()
    });
    status
}

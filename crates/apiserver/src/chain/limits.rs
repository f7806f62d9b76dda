//! How many requests run at once: upstream's max-in-flight limits. What exceeds them is answered 429 at once.

use crate::authentication::UserInfo;
use crate::request::RequestInfo;
use skiff_apimachinery::Status;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What who is turned away is told.
pub const TOO_MANY: &str = "Too many requests, please try again later.";
/// When to try again, in seconds.
pub const RETRY_AFTER: u32 = 1;

/// Requests at once, reading and changing ones apart. Long-running requests do not count.
pub struct Limits {
    reading: Option<Arc<Semaphore>>,
    mutating: Option<Arc<Semaphore>>,
}

/// Leave to run, given back when dropped.
#[derive(Debug)]
pub struct Permit {
    _held: Option<OwnedSemaphorePermit>,
}

impl Limits {
    /// Upstream's defaults are 400 and 200; 0 is no limit.
    pub fn new(reading: usize, mutating: usize) -> Self {
        let limit =
            |most: usize| (most > 0).then(|| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))));
        Self { reading: limit(reading), mutating: limit(mutating) }
    }

    /// Leave for a request. Administrators always get it, so that they can mend what overloads the server.
    ///
    /// # Errors
    /// 429 if too many run.
    pub fn enter(&self, info: &RequestInfo, user: &UserInfo) -> Result<Permit, Status> {
        let limit = if info.verb.is_mutating() { &self.mutating } else { &self.reading };
        let Some(limit) = limit.as_ref().filter(|_| !info.is_long_running()) else {
            return Ok(Permit { _held: None });
        };
        match limit.clone().try_acquire_owned() {
            Ok(held) => Ok(Permit { _held: Some(held) }),
            Err(_) if user.in_group("system:masters") => Ok(Permit { _held: None }),
            Err(_) => Err(Status::too_many_requests(TOO_MANY, RETRY_AFTER)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Query;
    use http::Method;

    #[test]
    fn requests_above_the_limit_are_turned_away_but_for_those_that_must_not() {
        let limits = Limits::new(1, 0);
        let get = RequestInfo::parse(&Method::GET, "/api/v1/pods", &Query::default());
        let watch = RequestInfo::parse(&Method::GET, "/api/v1/pods", &Query::parse("watch=1"));
        let post = RequestInfo::parse(&Method::POST, "/api/v1/namespaces", &Query::default());
        let jane = UserInfo::authenticated("jane", ["devs"]);
        let admin = UserInfo::authenticated("root", ["system:masters"]);
        let held = limits.enter(&get, &jane).unwrap();
        let refused = limits.enter(&get, &jane).unwrap_err();
        assert_eq!((refused.code, refused.message.as_str()), (429, TOO_MANY));
        assert!(limits.enter(&get, &admin).is_ok(), "an administrator");
        assert!(limits.enter(&watch, &jane).is_ok(), "a watch");
        assert!(limits.enter(&post, &jane).is_ok(), "no limit on changes");
        drop(held);
        assert!(limits.enter(&get, &jane).is_ok(), "a place is free again");
    }
}

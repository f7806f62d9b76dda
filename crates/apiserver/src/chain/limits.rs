//! How many requests run at once: upstream's max-in-flight limits. What exceeds them is answered 429 at once.

use crate::authentication::UserInfo;
use crate::request::RequestInfo;
use skiff_apimachinery::Status;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests at once, reading and changing ones apart. Long-running requests do not count.
pub struct Limits {
    reading: Arc<Semaphore>,
    mutating: Arc<Semaphore>,
}

/// Leave to run, given back when dropped.
pub struct Permit {
    _held: Option<OwnedSemaphorePermit>,
}

impl Limits {
    /// Upstream's defaults are 400 and 200.
    pub fn new(reading: usize, mutating: usize) -> Self {
        Self { reading: Arc::new(Semaphore::new(reading)), mutating: Arc::new(Semaphore::new(mutating)) }
    }

    /// Leave for a request.
    ///
    /// # Errors
    /// 429 if too many run.
    pub fn enter(&self, info: &RequestInfo, user: &UserInfo) -> Result<Permit, Status> {
        if info.is_long_running() || user.in_group("system:masters") {
            return Ok(Permit { _held: None });
        }
        let limit = if info.verb.is_mutating() { &self.mutating } else { &self.reading };
        match limit.clone().try_acquire_owned() {
            Ok(held) => Ok(Permit { _held: Some(held) }),
            Err(_) => Err(Status::too_many_requests("Too many requests, please try again later.", 1)),
        }
    }
}

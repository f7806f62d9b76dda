//! What all requests share.

use super::{Audit, Limits, Metrics};
use crate::admission::Plugin;
use crate::authentication::Authenticator;
use crate::authorization::Authorizer;
use crate::cache::Caches;
use crate::connect::Kubelets;
use crate::documents::Documents;
use crate::health::Health;
use crate::operation::Review;
use crate::registry::Registry;
use crate::request::RequestInfo;
use skiff_apimachinery::time::Clock;
use std::sync::Arc;
use std::time::Duration;

/// What all requests share.
pub struct Core {
    pub(crate) caches: Arc<Caches>,
    pub(crate) registry: Registry,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) audit: Option<Arc<dyn Audit>>,
    pub(crate) reviews: Option<Arc<dyn Review>>,
    pub(crate) kubelets: Option<Kubelets>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) documents: Arc<Documents>,
    pub(crate) health: Health,
    pub(crate) request_timeout: Duration,
}

impl Core {
    /// The admission plugins, in order.
    pub fn admission(&self) -> &[Arc<dyn Plugin>] {
        &self.registry.admission
    }

    /// Whether a request is for a resource (and subresource) that is served.
    pub(crate) fn serves(&self, info: &RequestInfo) -> bool {
        let rows = self.caches.table().rows();
        let row = rows.find(&info.group, &info.version, &info.resource);
        row.is_some_and(|row| info.subresource.is_empty() || row.subresource(&info.subresource).is_some())
    }
}

//! What all requests share.

use super::{Audit, Limits, Metrics};
use crate::admission::Plugin;
use crate::authentication::Authenticator;
use crate::authentication::openid::OpenIdMetadata;
use crate::authorization::Authorizer;
use crate::cache::Caches;
use crate::connect::Kubelets;
use crate::documents::Documents;
use crate::flow_control::FlowControl;
use crate::health::Health;
use crate::operation::Review;
use crate::registry::Registry;
use crate::request::RequestInfo;
use crate::serve::Cors;
use http::HeaderValue;
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
    pub(crate) flow_control: FlowControl,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) documents: Arc<Documents>,
    pub(crate) health: Health,
    pub(crate) openid: Option<OpenIdMetadata>,
    pub(crate) cors: Option<Cors>,
    pub(crate) hsts: Option<HeaderValue>,
    /// How likely an HTTP/2 request makes its client connect anew.
    pub(crate) goaway_chance: f64,
    pub(crate) request_timeout: Duration,
    /// Shortest time that a watch lasts whose client does not say how long.
    pub(crate) min_request_timeout: Duration,
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

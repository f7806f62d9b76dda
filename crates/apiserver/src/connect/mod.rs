//! Streaming subresources: logs, exec, attach and port-forward of pods, and the proxies to pods, services and nodes.
//!
//! Input: authorized requests; output: what the pod's node (or the proxied server) answers. The API server looks up where to
//! go and passes bytes: it understands neither SPDY nor WebSocket, so every version of either works that the node speaks.
//! To add a subresource: a pure function that turns its object and query into a [`Location`], and a line in
//! [`Kubelets::connect`].

mod container;
mod dial;
mod headers;
mod log_options;
mod log_stream;
mod node;
mod pod_location;
mod proxy;
mod proxy_target;
mod relay;
#[cfg(test)]
mod tests;
mod tls;

pub(crate) use log_stream::{accept_key, write_frame};

pub use dial::{BoxedConnection, Connection, Destination, Dial, DirectDial, Security};

use crate::authentication::UserInfo;
use crate::chain::Core;
use crate::objects::Objects;
use crate::registry::Target;
use crate::request::{Query, RequestInfo};
use crate::serve::body::ResponseBody;
use http::{Request, Response};
use hyper::body::Incoming;
use relay::Relay;
use rustls::ClientConfig;
use skiff_api::Resource;
use skiff_apimachinery::{Document, GroupResource, Status};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Which service a slice belongs to.
const SERVICE_LABEL: &str = "kubernetes.io/service-name";
/// Streams at once.
const MAX_STREAMS: usize = 4_096;

/// A request for a streaming subresource, authenticated and authorized.
pub struct ConnectRequest {
    /// `pods`, `services` or `nodes`.
    pub resource: String,
    /// `log`, `exec`, `attach`, `portforward` or `proxy`.
    pub subresource: String,
    /// Namespace; empty for nodes.
    pub namespace: String,
    /// Name of the object; of proxies with scheme and port, such as `https:web:8443`.
    pub name: String,
    /// What follows `proxy`, without a leading slash.
    pub rest: String,
    /// Decoded query.
    pub query: Query,
    /// The request as it came.
    pub request: Request<Incoming>,
    /// Ends streams when the server stops.
    pub stop: CancellationToken,
}

/// Where on a node's server a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The node's name.
    pub node: String,
    /// Path and query.
    pub path_and_query: String,
}

/// The servers that streams go to: the kubelets of nodes, and what proxies lead to.
pub struct Kubelets {
    relay: Relay,
}

/// Whether a request is for a streaming subresource.
pub fn is_connection(row: &Resource, info: &RequestInfo) -> bool {
    row.gvk.group.is_empty()
        && match &*row.plural {
            "pods" => {
                matches!(info.subresource.as_str(), "log" | "exec" | "attach" | "portforward" | "proxy")
            }
            "services" | "nodes" => info.subresource == "proxy",
            _ => false,
        }
}

/// Answers a request for a streaming subresource.
///
/// # Errors
/// As [`Kubelets::connect`]; 503 if the server was set up without a way to nodes.
pub async fn handle(
    core: &Core,
    target: &Target,
    info: &RequestInfo,
    query: &Query,
    _user: &UserInfo,
    request: Request<Incoming>,
    stop: CancellationToken,
) -> Result<Response<ResponseBody>, Status> {
    let Some(kubelets) = &core.kubelets else {
        return Err(Status::service_unavailable("this server has no way to nodes"));
    };
    let call = ConnectRequest {
        resource: target.row.plural.to_string(),
        subresource: info.subresource.clone(),
        namespace: target.namespace.clone(),
        name: info.name.clone(),
        rest: info.rest.clone(),
        query: query.clone(),
        request,
        stop,
    };
    kubelets.connect(&*core.caches, call).await
}

impl Kubelets {
    /// Reaches servers through `dial`; `tls` holds the authorities of kubelets' serving certificates and the API server's
    /// client certificate, and must not offer HTTP/2: upgrades need HTTP/1.1.
    pub fn new(dial: Arc<dyn Dial>, tls: Arc<ClientConfig>) -> Self {
        Self { relay: Relay::new(dial, tls::Tls::new(tls), MAX_STREAMS) }
    }

    /// Finds the pods, services and nodes among `objects` and answers a request. Of an upgrade the answer is 101, and bytes are copied in the background from then on.
    ///
    /// # Errors
    /// If the object is not there, the options are wrong, or the server cannot be reached.
    pub async fn connect(
        &self,
        objects: &dyn Objects,
        call: ConnectRequest,
    ) -> Result<Response<ResponseBody>, Status> {
        let found = Found(objects);
        match (call.resource.as_str(), call.subresource.as_str()) {
            ("pods", "log") => self.log(found, call).await,
            ("pods", "exec") => self.stream(found, call, pod_location::exec).await,
            ("pods", "attach") => self.stream(found, call, pod_location::attach).await,
            ("pods", "portforward") => self.stream(found, call, pod_location::port_forward).await,
            ("pods" | "services" | "nodes", "proxy") => self.proxy(found, call).await,
            _ => Err(Status::no_such_path()),
        }
    }

    async fn stream(
        &self,
        found: Found<'_>,
        call: ConnectRequest,
        locate: fn(&Document, &Query) -> Result<Location, Status>,
    ) -> Result<Response<ResponseBody>, Status> {
        let pod = found.object("pods", &call.namespace, &call.name)?;
        let location = locate(&pod, &call.query)?;
        let destination = found.kubelet(&location.node)?;
        self.relay.upgrade(&destination, &location.path_and_query, call.request, call.stop).await
    }
}

/// The objects that lead to servers.
#[derive(Clone, Copy)]
struct Found<'a>(&'a dyn Objects);

impl Found<'_> {
    fn kubelet(self, node: &str) -> Result<Destination, Status> {
        node::kubelet(&*self.object("nodes", "", node)?)
    }

    fn object(self, plural: &'static str, namespace: &str, name: &str) -> Result<Arc<Document>, Status> {
        let resource = GroupResource::new("", plural);
        let found = self.0.get(&resource, namespace, name);
        found.ok_or_else(|| Status::not_found(&resource, name))
    }

    fn slices_of(self, namespace: &str, service: &str) -> Vec<Arc<Document>> {
        let all = self.0.list(&GroupResource::new("discovery.k8s.io", "endpointslices"), namespace);
        all.into_iter().filter(|slice| slice.label(SERVICE_LABEL) == Some(service)).collect()
    }
}

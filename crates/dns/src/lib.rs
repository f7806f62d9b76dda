//! Cluster DNS: names of Services and pods from informer caches, everything else from the node's resolvers.
//!
//! Place in the data's way: pods ask the Service `kube-system/kube-dns`, whose endpoint is this server. [`answer`](answer())
//! says what the cluster's specification (version 1.1.0) has for a question; `server` speaks UDP and TCP, `forward` asks
//! the node's resolvers.
//!
//! Invariants:
//! - answering is pure: a question and a view of the cluster in, an answer out;
//! - there are no zone files and no zone in memory: the informers' indexes are the only data;
//! - names of the cluster never leave it, and what is forwarded is passed on unchanged;
//! - connections, questions under way and message sizes are bounded; overload answers SERVFAIL.

mod answer;
mod cluster;
mod error;
mod forward;
mod message;
mod name;
mod resolv_conf;
mod resolve;
mod server;
mod world;

pub use answer::{Answer, Data, Record, RecordKind, answer};
pub use cluster::ClusterWorld;
pub use error::Error;
pub use name::{Question, Zone};
pub use server::{BoundDns, Dns, DnsConfig};
pub use world::{EndpointEntry, PortEntry, ServiceEntry, World};

/// Result of a DNS operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

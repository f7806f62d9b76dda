//! The pod network of a node: a bridge, a veth pair and an address for each sandbox, host ports, masquerade.
//!
//! Place in the data's way: the container runtime calls [`PodNetwork`] through `skiff_cri::network::SandboxNetwork` when it
//! makes and removes sandboxes. Below it are the kernel's links, routes (rtnetlink) and rules (`nftables`).
//!
//! Sandboxes sit on the bridge but are routed, not bridged: each has its address as a host route and reaches everything,
//! neighbours included, through the bridge's own address. So both directions of a connection through a Service's
//! address pass the node's IP layer and are translated, whether or not the machine has br_netfilter.
//!
//! Invariants:
//! - an address belongs to one sandbox; who has which is on disk before the sandbox hears of it, and survives a restart;
//! - a sandbox keeps its network while this process is away;
//! - a thread that entered a sandbox's namespace does one job there and ends;
//! - the bridge, the veth pairs and the tables are recognisably ours; others' are never touched.

mod addresses;
mod cleanup;
mod error;
mod families;
mod interface;
mod links;
mod namespace;
mod network;
mod rules;
mod state;
mod sysctl;

pub use cleanup::cleanup;
pub use error::Error;
pub use network::{NetworkConfig, PodNetwork};

/// Result of a network operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

//! kube-proxy: Services and EndpointSlices become rules of the kernel.
//!
//! Place in the data's way: informers of `client` tell of Services and EndpointSlices; [`Proxy`] reads them as facts,
//! [`plan`](plan()) says what one Service needs, [`RuleSet`] finds what that changes, and a back end (`nftables`) makes
//! the kernel take it.
//!
//! Invariants:
//! - planning is pure and about one Service: a change costs the same among ten Services and among ten thousand;
//! - the kernel takes all changes of a moment together: no packet sees half of them;
//! - rules stay when this process ends, and are taken over in one step when it comes back;
//! - after a failure everything is written anew, never patched upon a guess.

mod backend;
mod chains;
mod error;
pub mod facts;
mod flows;
mod health;
mod metrics;
pub mod nft;
mod plan;
mod ruleset;
mod runner;
mod topology;
mod world;

pub use backend::Backend;
pub use error::Error;
pub use flows::Frontend;
pub use health::Health;
pub use plan::{ServicePlan, plan};
pub use ruleset::{
    Balancer, ChainBody, Change, Content, Contribution, Destination, External, Refusal, RuleSet, Slot,
};
pub use runner::{Proxy, ProxyConfig};

/// Result of a proxy operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

//! nf_tables over netlink, without the `nft` tool.
//!
//! Place in the data's way: `network` and `proxy` describe tables, chains, sets and rules with the types of this crate,
//! collect changes in a [`Batch`] and hand it to a [`Connection`], which makes the kernel take all of it or none.
//!
//! Invariants:
//! - a batch is one kernel transaction: packets see the rules before it or after it, nothing between;
//! - a refused batch changes nothing, and its [`Error`] names the first operation that was refused;
//! - tables are never owned by a socket, so they outlive the process that made them;
//! - what is written here, `nft list ruleset` shows in its own words: key types, byte orders and comments travel along.
//!
//! The `conntrack` module speaks to the connection tracker, which lives behind the same kind of socket.

mod attribute;
mod batch;
mod chain;
mod connection;
pub mod conntrack;
mod datum;
mod error;
mod expression;
mod field;
mod kernel;
mod rule;
mod set;
mod socket;
mod table;
mod userdata;
mod verdict;

pub use batch::Batch;
pub use chain::{Base, Chain, ChainType, Hook, Policy, priority};
pub use connection::Connection;
pub use datum::{DataType, Datum};
pub use error::Error;
pub use expression::{Comparison, Expression, Register};
pub use field::{ConnectionState, Field};
pub use rule::Rule;
pub use set::{Element, Mapped, Set, Values};
pub use table::{Family, Table};
pub use verdict::Verdict;

/// Result of talking to the kernel.
pub type Result<T, E = Error> = std::result::Result<T, E>;
